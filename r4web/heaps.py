"""How the C library keeps what a web process gave back to it: little, at no cost that is measured.

Each thread would have a heap of its own, which holds what its largest request once took; and after the first large
block that is freed, as those of an artifact that was read, glibc would keep blocks of that size in its heaps for good.
"""

import ctypes
import os

HEAPS = 2
LARGE = 4 * 2**20  # bytes: what is as large goes back to the system at once; no list of a catalog of 1,682 needs it
FREE = 8 * 2**20  # bytes that may lie free at a heap's end
OPTIONS = {  # of glibc's malloc.h, and what it reads of the environment for them
    -8: ("MALLOC_ARENA_MAX", HEAPS),
    -3: ("MALLOC_MMAP_THRESHOLD_", LARGE),
    -1: ("MALLOC_TRIM_THRESHOLD_", FREE),
}


def hold_little() -> None:
    """From now on. What the environment says is obeyed; other libraries are left as they are."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    for option, (name, value) in OPTIONS.items():
        if set_option is not None and name not in os.environ:
            set_option(option, value)
