"""The tabs and their panels, one a file."""
