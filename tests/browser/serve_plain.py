"""Serve the notebooks of a folder with Voilà as it comes: ``python serve_plain.py folder port``."""

import sys

from voila.app import Voila


class Plain(Voila):
    """Says where it is, in place of opening a browser."""

    def launch_browser(self):
        print(self.connection_url, flush=True)


Plain.launch_instance([sys.argv[1], "--port", sys.argv[2], "--show_tracebacks=True"])
