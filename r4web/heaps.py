"""Threads share the C library's heaps: each would have one of its own, and hold what its largest request once took."""

import ctypes
import os

HEAPS = 2
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share() -> None:
    """For the threads that begin from now on. Whoever set MALLOC_ARENA_MAX is obeyed; other libraries have no heaps."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, HEAPS)
