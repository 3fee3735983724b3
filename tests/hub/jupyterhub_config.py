"""A JupyterHub on this computer that serves the explorer to whoever says a name: for the test, not for a class."""

import os

c = get_config()  # noqa: F821  # JupyterHub's

c.Spawner.cmd = "jupyter-standaloneproxy"
c.Spawner.args = ["--absolute-url", "--timeout=60", "--"]
c.Spawner.args += ["nn-explorer", "--no-browser", "--port={port}", "--base-url={base_url}/"]

hub, proxy, server = (f"http://127.0.0.1:{port}" for port in os.environ["EXPLORER_HUB_PORTS"].split())
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.log_level = "WARN"
c.JupyterHub.bind_url = server
c.JupyterHub.hub_bind_url = hub
c.JupyterHub.db_url = "sqlite:///:memory:"
c.ConfigurableHTTPProxy.api_url = proxy
c.Authenticator.allow_all = True
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
