"""``python -m explorer`` is ``nn-explorer``."""

import sys

from explorer.serve.command import main

if __name__ == "__main__":
    sys.exit(main())
