"""``nn-explorer archive``: the images of the package as the exercise's ``mnist.tgz``."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.archive import write_archive
from explorer.safe_write import whole_file
from explorer.serve.access import RefusedError

NAME = "mnist.tgz"
DESCRIPTION = """\
Write the archive that the exercise begins with: mnist-train-images.npy,
mnist-train-labels.npy, mnist-test-images.npy and mnist-test-labels.npy, made
from the images of the package. Nothing is downloaded.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``archive`` to its parser."""
    words = f"the file to write, or a folder for it (default: {NAME})"
    parser.add_argument("path", nargs="?", default=NAME, metavar="PATH", help=words)
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def run(arguments: Namespace) -> int:
    """Write the archive, and return the exit code 0."""
    try:
        path = Path(arguments.path).expanduser()
        path = path / NAME if path.is_dir() else path
        with whole_file(path, overwrite=arguments.overwrite) as stream:
            write_archive(load_mnist(), stream)
    except FileExistsError as error:
        raise RefusedError(f"{error}; --overwrite replaces it.") from error
    except (DatasetError, OSError, RuntimeError, ValueError) as error:
        raise RefusedError(f"{str(error).rstrip('.')}.") from error
    print(f"Wrote {path}: images and labels of MNIST, {path.stat().st_size / 1e6:.1f} MB.")
    return 0
