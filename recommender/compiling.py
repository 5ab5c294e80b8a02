"""C++ and the machine: which compiler there is, what it is told, and what a processor can do.

Compiled code is run by training processes (backbones.native) and, sealed beside a version, by web processes
(artifacts.kernels). A web process never compiles.
"""

import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# Sums may be reordered, as any vector unit does; unlike -ffast-math this leaves NaN, infinity and denormals alone.
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math"]
FLAGS += [f"-I{Path(__file__).parent}"]  # tiles.h
SECONDS = 120
PROCESSOR_FACTS = Path("/proc/cpuinfo")  # Linux's; without it a processor is known to do nothing
# What the x86-64 psABI asks of its levels, in the words of PROCESSOR_FACTS; `-march` takes the names. Best first.
_V2 = ["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]
_V3 = frozenset([*_V2, "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])
PROCESSORS: Mapping[str, frozenset[str]] = {
    "x86-64-v4": _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v3": _V3,
}


def compiler() -> str | None:
    """The C++ compiler, or None: CXX where it is set, else what is installed."""
    return next(
        (found for name in (os.environ.get("CXX"), "g++", "clang++") if name and (found := shutil.which(name))), None
    )


def compile_library(program: str, sources: Sequence[Path], target: Path, options: Sequence[str]) -> None:
    """Raises OSError, subprocess.SubprocessError; `why` puts either into words."""
    command = [program, *FLAGS, *options, "-shared", "-fPIC", "-o", str(target), *map(str, sources)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)


def why(error: Exception) -> str:
    """What a compiler said, or else the error."""
    return str(getattr(error, "stderr", None) or error)


@functools.cache
def can_do() -> frozenset[str]:
    """What this processor offers, and the system lets programs use: the flags of PROCESSOR_FACTS."""
    try:
        lines = PROCESSOR_FACTS.read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")
