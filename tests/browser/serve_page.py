"""Serve one notebook with the explorer's page: ``python serve_page.py notebook.ipynb``."""

import asyncio
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from explorer.serve.environment import configure_jupyter, kernel_environment
from explorer.serve.serve_command import until_ended
from explorer.serve.server import ExplorerServer, ServerSettings, listening_socket
from explorer.serve.warm_process import WarmProcess
from explorer.training.share import TRAINING_SHARE

with tempfile.TemporaryDirectory() as folder:
    configure_jupyter(os.environ, Path(folder))
    variables = {name: os.environ[name] for name in (TRAINING_SHARE,) if name in os.environ}
    warm_process = WarmProcess(kernel_environment(os.environ) | variables, "explorer.app.explorer")
    warm_process.start()
    warm_process.warm_up(variables)
    settings = ServerSettings(
        Path(sys.argv[1]),
        "127.0.0.1",
        listening_socket("127.0.0.1", 0),
        kernel_variables=variables,
        warm_process=warm_process,
    )
    server = ExplorerServer.instance(settings)
    asyncio.run(until_ended(server, partial(print, flush=True)))
