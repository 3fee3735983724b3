"""Write the exercise's archive of MNIST."""

import gzip
import io
import tarfile
from typing import IO

import numpy as np

from explorer.datasets.dataset import ARRAYS, Dataset


def write_archive(dataset: Dataset, stream: IO[bytes]) -> None:
    """Write a data set in the format of the exercise's ``mnist.tgz``: four ``.npy`` files.

    Equal data sets give equal bytes: no time, name or machine is stored.
    """
    with (
        # Level 7 takes a third longer to save 1.4 %.
        gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in ARRAYS:
            content = io.BytesIO()
            np.save(content, getattr(dataset, name).astype(np.uint8))
            member = tarfile.TarInfo(f"mnist-{name.replace('_', '-')}.npy")
            member.size = content.tell()
            content.seek(0)
            archive.addfile(member, content)
