"""The tab that looks into the network, one section a file."""
