"""The parts of the page, each independent of the others."""
