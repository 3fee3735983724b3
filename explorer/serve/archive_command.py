"""``nn-explorer archive``: MNIST's archive, as the exercise reads it."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.mnist import write_archive
from explorer.safe_write import whole_file
from explorer.serve.access import RefusedError

_ARCHIVE = "mnist.tgz"
OPTIONS: Mapping[str, Any] = MappingProxyType({"path": {"nargs": "?", "default": _ARCHIVE}})


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer archive``."""
    try:
        path = Path(arguments.path).expanduser()
        path = path / _ARCHIVE if path.is_dir() else path
        with whole_file(path, overwrite=arguments.overwrite) as stream:
            write_archive(load_mnist(), stream)
    except FileExistsError as error:
        raise RefusedError(f"{error}; --overwrite replaces it.") from error
    except (DatasetError, OSError, RuntimeError, ValueError) as error:
        raise RefusedError(f"{str(error).rstrip('.')}.") from error
    print(f"Wrote {path}: images and labels of MNIST, {path.stat().st_size / 1e6:.1f} MB.")
    return 0
