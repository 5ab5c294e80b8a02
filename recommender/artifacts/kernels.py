"""Compiled kernels of a version: made by whoever trains it, run by web processes only where they may be.

A training compiles them before its folder is sealed, one library for each level of processor, so the manifest has their
hashes as it has those of every file, and the version's row that of the manifest. A web process compiles nothing. It
loads the bytes that it has just hashed, from a folder of its own, if the chain from the row holds and its processor can
do what they were compiled for; then they have to score the golden users (artifacts.verified). In any other case numpy
computes the same. Decision 31.
"""

import ctypes
import functools
import hashlib
import json
import logging
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from django.conf import settings

from recommender import compiling
from recommender.artifacts import files, folded
from recommender.artifacts.ranker import GRAPH, Graph, Ranker
from recommender.models import BackboneVersion
from recommender.signals import native, nearest

log = logging.getLogger(__name__)

READ = ("signal_gaussian_process.npz", folded.FILES[0])  # what kernels read: a version without it has no use for them
SOURCES = (*native.SOURCES, nearest.SOURCE, folded.SOURCE)
SUFFIX = ".kernel.so"
NOT_STORED = "not what was stored with it"
JUDGED: dict[str, str] = {}  # by hash of the manifest: why this process will not run its kernels; empty: it does


class UnusableError(Exception):
    """What lies there is no library, has not all kernels, or what they read is missing or of another shape."""


@dataclass(frozen=True, slots=True)
class Found:
    """The library that this process may run, with the level of `processor` it was compiled for; or `why_not`.

    `proven`: the golden users score as they should with it here.
    """

    processor: str = ""
    compiler: str = ""
    library: bytes = b""
    why_not: str = ""
    proven: bool = False


def build(folder: Path) -> None:
    """Compile into an artifact that is not sealed yet, and say in its manifest by what, or why not. Never fails."""
    if not any((folder / name).is_file() for name in READ):
        return
    path = folder / files.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["kernels"] = _built(folder)
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True))
    if why_not := manifest["kernels"].get("why_not"):
        log.info("No kernels were compiled for serving: %s", why_not)
        for name in folded.FILES:  # nothing else reads them
            (folder / name).unlink(missing_ok=True)


def look(version: BackboneVersion) -> Found:
    """What of a version's kernels this process may run, for all that is known before they run."""
    if not settings.KERNELS:
        return Found(why_not="R4_KERNELS switches them off")
    if not version.manifest_hash:
        return Found(why_not="it is of an earlier release")
    if why_not := JUDGED.get(version.manifest_hash):
        return Found(why_not=why_not)
    try:
        found = _found(files.folder_of(version), version.manifest_hash)
        return replace(found, proven=not found.why_not and version.manifest_hash in JUDGED)
    except OSError as error:
        return Found(why_not=f"a file cannot be read: {error.strerror}")


def equip(ranker: Ranker, version: BackboneVersion, found: Found) -> Ranker:
    """The ranker with the kernels of the very bytes that were looked at. Raises UnusableError."""
    try:
        with tempfile.TemporaryDirectory(prefix="r4web-") as folder:  # for this account's eyes only
            path = Path(folder) / f"{found.processor}{SUFFIX}"
            path.write_bytes(found.library)
            library = ctypes.CDLL(str(path))
        signals, folder_of = ranker.signals.compiled(native.Kernel(library)), files.folder_of(version)
        scoring = folded.load(folder_of, library)
        graph = Graph(folder_of / GRAPH, often=False) if scoring else ranker.session
        return replace(ranker, signals=signals, folded=scoring, session=graph)
    except (OSError, AttributeError, ValueError, BadZipFile) as error:
        raise UnusableError(f"they cannot be loaded: {error}") from error


def judge(version: BackboneVersion, why_not: str) -> None:
    """What the golden users said of the version's kernels in this process: it runs them, or `why_not` ever again."""
    JUDGED[version.manifest_hash] = why_not


def drop_untrusted(folder: Path, source: Path, manifest_hash: str) -> None:
    """Leave out of `folder`, which is about to be sealed, each kernel that is not what `source` was sealed with.

    A new seal would vouch for whatever lies there.
    """
    stored = _stored(source, manifest_hash).get("files", {})
    for path in folder.glob(f"*{SUFFIX}"):
        if stored.get(path.name) != _sha256(path.read_bytes()):
            log.warning("%s is left out of the version's new folder: it is %s", path.name, NOT_STORED)
            path.unlink()


def _built(folder: Path) -> dict[str, str]:
    program = compiling.compiler()
    if not settings.KERNELS:
        return {"why_not": "R4_KERNELS switched them off"}
    if program is None:
        return {"why_not": "there was no C++ compiler where it was trained"}
    if not compiling.is_x86():
        return {"why_not": "they are compiled for x86-64 only"}
    try:
        for processor in compiling.PROCESSORS:
            (folder / f"{processor}{SUFFIX}").write_bytes(_library(program, processor))
        return {"compiler": _name(program)}
    except (OSError, subprocess.SubprocessError) as error:
        for path in folder.glob(f"*{SUFFIX}"):
            path.unlink()
        log.warning("No kernels were compiled for serving: %s", compiling.why(error))
        return {"why_not": "the compiler failed where it was trained; the log there says how"}


@functools.cache
def _library(program: str, processor: str) -> bytes:
    """Raises OSError, subprocess.SubprocessError. Kept: the next version's are the same."""
    with tempfile.TemporaryDirectory(prefix="r4web-") as folder:
        path = Path(folder) / "made.so"
        compiling.compile_library(program, SOURCES, path, [f"-march={processor}"])
        return path.read_bytes()


@functools.cache
def _name(program: str) -> str:
    """The compiler's name and version, as it says them."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=10).stdout
    return said.splitlines()[0] if said else program


def _found(folder: Path, manifest_hash: str) -> Found:
    """Raises OSError."""
    manifest = _stored(folder, manifest_hash)
    if not manifest:
        return Found(why_not=f"its manifest is {NOT_STORED}")
    made, stored = manifest.get("kernels", {}), manifest["files"]
    there = [processor for processor in compiling.PROCESSORS if f"{processor}{SUFFIX}" in stored]
    if not there:
        return Found(why_not=made.get("why_not", "none were compiled with it"))
    processor = next((one for one in there if compiling.PROCESSORS[one] <= compiling.can_do()), None)
    if processor is None:
        return Found(why_not=f"this processor is none that they were compiled for: {', '.join(there)}")
    name = f"{processor}{SUFFIX}"
    library = (folder / name).read_bytes()
    if _sha256(library) != stored[name]:
        return Found(why_not=f"{name} is {NOT_STORED}")
    if _sha256((folder / GRAPH).read_bytes()) != stored[GRAPH]:  # which they stand for, and which is not read
        return Found(why_not=f"{GRAPH} is {NOT_STORED}")
    return Found(processor, made.get("compiler", ""), library)


def _stored(folder: Path, manifest_hash: str) -> Mapping[str, Any]:
    """The manifest; empty where it is not the one of that hash. Raises OSError."""
    read = (folder / files.MANIFEST).read_bytes()
    return json.loads(read) if _sha256(read) == manifest_hash else {}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
