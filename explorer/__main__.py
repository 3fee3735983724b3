"""``python -m explorer`` is ``nn-explorer``.

What a page's kernels are taken from takes longest to be ready, so it starts here, before anything is imported that
isn't in the standard library.
"""

import sys
from contextlib import closing, nullcontext, suppress

from explorer.discovery import ExtensionError, look_as_asked
from explorer.serve.access import kernel_pool
from explorer.serve.environment import names_command


def main() -> int:
    """Run this process's command line, and return its exit code."""
    pool = None
    with suppress(ExtensionError):  # the command says it
        words, _ = look_as_asked(sys.argv[1:])
        if not names_command(words) or words[0] == "serve":
            pool = kernel_pool()
            pool.start("explorer.serve.request")
    with nullcontext() if pool is None else closing(pool):
        from explorer.serve import command

        return command.main(sys.argv[1:], pool)


if __name__ == "__main__":
    sys.exit(main())
