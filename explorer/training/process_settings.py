"""Process-wide settings: overlapping trainings share them, the first applies and the last restores them."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from threadpoolctl import OpenBLASController, ThreadpoolController

_MMAP_THRESHOLD = -3  # of glibc's ``malloc.h``


class _SharedSetting:
    """A setting that the first user applies and the last one undoes."""

    def __init__(self, make: Callable[[], Callable[[], None]]) -> None:
        self._make = make
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._undo = self._make()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._undo()


def _hold_blas() -> Callable[[], None]:
    limiter, limits = _in_control(lambda: _blas().limit(limits=1)), blas_threads()
    # A number that was set in the meantime stays.
    return lambda: None if blas_threads() != limits else _in_control(limiter.restore_original_limits)


def blas_threads() -> list[int]:
    """Return the number of threads that each BLAS library of this process may use."""
    return [library["num_threads"] for library in _blas().info()]


def _in_control(set_threads: Callable[[], Any]) -> Any:
    """Call `set_threads` as the controlling thread; threadpoolctl silently ignores calls from all others."""
    OpenBLASController.clear_controlling_thread(force=True)
    try:
        return set_threads()
    finally:
        OpenBLASController.clear_controlling_thread()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")  # scans all loaded libraries: cached


def _shorten_switches() -> Callable[[], None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)
    return lambda: sys.setswitchinterval(before)


one_blas_thread = _SharedSetting(_hold_blas)
"""``with one_blas_thread(): …`` makes BLAS use one thread.

The products of small mini-batches are too short to split: with two BLAS threads on two busy cores a pass over
MNIST takes 4 to 40 times as long as with one. One thread also makes the sums, and so the records, identical on all
machines of a kind, however many cores they have.
"""

short_switches = _SharedSetting(_shorten_switches)
"""``with short_switches(): …`` lets a thread that waits for the interpreter run within a millisecond.

Tiny mini-batches hold the interpreter's lock nearly all the time; at the usual 5 ms the page would stutter.
"""


@cache
def return_freed_memory() -> None:
    """Make glibc give each freed array of 1 MiB or more back to the system, unless its variable is set.

    By default, glibc raises that size with each larger array that is freed, and keeps the memory of smaller ones:
    after five runs of a wide network, .9 GB for .1 in use.
    """
    if sys.platform == "linux" and not os.environ.get("MALLOC_MMAP_THRESHOLD_"):
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


@cache
def small_product() -> int:
    """Return the number of multiplications up to which BLAS treats a matrix product as small, 0 if it doesn't.

    OpenBLAS's AVX-512 kernels multiply small matrices without packing them first
    (``sgemm_small_kernel_permit_skylakex.c``); with other kernels one whole product is faster.
    """
    kernels = {library.get("architecture") for library in _blas().info()}
    return 1_000_000 if kernels & {"SkylakeX", "Cooperlake", "SapphireRapids"} else 0
