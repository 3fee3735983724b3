"""The `nn-explorer` command, and the page that it serves."""
