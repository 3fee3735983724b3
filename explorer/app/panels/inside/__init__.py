"""The tab that looks into the network, one module per section."""
