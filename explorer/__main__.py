"""``python -m explorer`` is ``nn-explorer``.

The process that a page's kernels are forked from takes longest to be ready, so it starts here, before anything is
imported that isn't in the standard library.
"""

import os
import sys
from contextlib import closing, nullcontext

from explorer.serve.environment import kernel_environment, names_command
from explorer.serve.warm_process import WarmProcess


def main() -> int:
    """Run this process's command line, and return its exit code."""
    words, warm_process = sys.argv[1:], None
    if not names_command(words) or words[0] == "serve":
        warm_process = WarmProcess(kernel_environment(os.environ), "explorer.serve.request")
        warm_process.start()
    with nullcontext() if warm_process is None else closing(warm_process):
        from explorer.serve import command

        return command.main(words, warm_process)


if __name__ == "__main__":
    sys.exit(main())
