"""The parts of the page: each knows only its own job."""
