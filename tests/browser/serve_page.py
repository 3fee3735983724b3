"""Serve one notebook with the explorer's page: ``python serve_page.py notebook.ipynb``."""

import asyncio
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from explorer.extensions.classroom.pool import ClassAccess, Classroom
from explorer.extensions.classroom.server import ClassroomServer
from explorer.serve.environment import configure_jupyter, kernel_environment
from explorer.serve.serve_command import listening_socket, until_ended
from explorer.serve.server import ServerSettings
from explorer.training.turns import TURNS

with tempfile.TemporaryDirectory() as folder:
    configure_jupyter(os.environ, Path(folder))
    variables = {name: os.environ[name] for name in (TURNS,) if name in os.environ}
    pool = Classroom()
    pool.start("explorer.app.explorer")
    pool.warm_up(kernel_environment(os.environ) | variables)
    settings = ServerSettings(
        Path(sys.argv[1]),
        "127.0.0.1",
        listening_socket("127.0.0.1", 0),
        kernel_variables=variables,
        pool=pool,
        access=ClassAccess(),
    )
    server = ClassroomServer.instance(settings)
    asyncio.run(until_ended(server, partial(print, flush=True)))
