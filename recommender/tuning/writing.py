"""Write training sets: one pass over the rows, every layout at once, nothing visible until all of it is there.

The same rows always make the same bytes: no clock time is written, so two exports can be compared by their hashes.
"""

import hashlib
import json
import shutil
import uuid
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Self

from recommender.tuning import layouts
from recommender.tuning.layouts import Layout
from recommender.tuning.rows import PAIRS, SETS, Row, RowSet

MANIFEST = "manifest.json"
KIND = "r4web-training-sets"  # marks a folder as an export, which the next one may replace
ROWS_A_GROUP = 1_000  # of one Parquet row group: what is held in memory
LINES: dict[Layout, Callable[[Row], dict[str, Any]]] = {
    "jsonl": layouts.trl,
    "sharegpt": layouts.sharegpt,
    "alpaca": layouts.alpaca,
}
LICENCE_NOTES = {
    "data": "Titles, attributes and ratings in the prompts are the catalog's data and stay under its licence.",
    "models": "A text whose provenance names a model was written by it: its licence and its provider's terms apply.",
    "people": "A text whose provenance names no model was written by annotators of this installation.",
}


class UnsafeTargetError(Exception):
    """The folder to write to holds something that is not an export: it is left alone."""


def write(
    rows: Iterable[Row], folder: Path, *, formats: Sequence[Layout], about: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write these rows to `folder`, in the order they come, and return the manifest.

    An export that lies there is replaced as a whole; on any error it stays as it was. `about` is added to the manifest.
    Raises UnsafeTargetError for a folder that holds anything else, or an export that somebody has changed.
    """
    folder = folder.resolve()
    if why := _why_not(folder):
        raise UnsafeTargetError(f"{folder} {why}. Nothing was written or deleted.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        part.mkdir()
        manifest = _write(rows, part, formats=list(dict.fromkeys(formats)), about=about or {})
        _swap(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _why_not(folder: Path) -> str:
    """Why this folder may not be replaced; empty where there is nothing, or an export as it was written."""
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return "is a file: name a folder"
    there = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    if not there:
        return ""
    listed = _files_of_export(folder / MANIFEST)
    if listed is None:
        return f"is not empty, and no {MANIFEST} there marks it as an export: choose another folder"
    for path in sorted(there - {folder / MANIFEST}):
        name = str(path.relative_to(folder))
        if path.is_symlink() or name not in listed:
            return f"holds {name}, which is no file of the export that lies there: move it, or choose another folder"
        if listed[name] != _described(path, folder):
            return f"holds {name}, which was changed after it was exported: move it, or choose another folder"
    return ""


def _files_of_export(manifest: Path) -> dict[str, dict[str, Any]] | None:
    """What each file of an export was when it was written, by its name; None where this is no manifest of one."""
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        # Exports of earlier releases are known by what they say of licences.
        is_ours = told.get("kind") == KIND or told.get("licence") == LICENCE_NOTES
        return {str(file["path"]): file for file in told["files"]} if is_ours else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _swap(part: Path, folder: Path) -> None:
    old = part.with_name(f"{part.name}.old")
    if folder.exists():
        folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(rows: Iterable[Row], part: Path, *, formats: list[Layout], about: dict[str, Any]) -> dict[str, Any]:
    counts: Counter[tuple[str, str]] = Counter()
    prompts: dict[str, str] = {}
    models: Counter[str] = Counter()
    guidelines: set[str] = set()
    with ExitStack() as stack:
        files: dict[tuple[Layout, RowSet], _File] = {}
        for row in rows:
            for layout in formats:
                if (layout, row.set) not in files:
                    files[layout, row.set] = stack.enter_context(_file(part, layout, row.set))
                files[layout, row.set].add(row)
            counts[row.set, row.provenance.source] += 1
            prompts[row.provenance.prompt_name] = row.provenance.prompt_hash
            models[row.provenance.model or "people"] += 1
            guidelines.add(row.provenance.guideline_version)
    for layout in ("sharegpt", "alpaca"):
        written = {name: file for (of, name), file in sorted(files.items()) if of == layout}
        if described := {
            file.name: layouts.dataset_info(name, layout, file.path.name)  # type: ignore[arg-type] # of the two
            for name, file in written.items()
        }:
            _dump(described, part / layout / "dataset_info.json")
    manifest = about | {
        "kind": KIND,
        "format": 1,
        "rows": {name: sum(n for (of, _), n in counts.items() if of == name) for name in SETS},
        "sources": {
            source: {name: counts[name, source] for name in SETS if counts[name, source]}
            for source in sorted({source for _, source in counts})
        },
        "models": dict(sorted(models.items())),
        "prompts": dict(sorted(prompts.items())),
        "guideline_versions": sorted(filter(None, guidelines)),
        "licence": LICENCE_NOTES,
        "files": [_described(path, part) for path in sorted(part.rglob("*")) if path.is_file()],
    }
    _dump(manifest, part / MANIFEST)
    return manifest


def take_out(folder: Path, unwanted: Callable[[dict[str, Any]], bool]) -> int:
    """Take the rows out of an export's JSON lines whose provenance is `unwanted`; returns how many there were."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    out: Counter[str] = Counter()
    for path in sorted((folder / "jsonl").glob("*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as stream:
            lines = list(stream)
        kept = [line for line in lines if not unwanted(json.loads(line)["provenance"])]
        out[path.stem] = len(lines) - len(kept)
        if out[path.stem]:
            part = path.with_suffix(".part")
            part.write_text("".join(kept), encoding="utf-8")
            part.replace(path)
    if gone := out.total():
        manifest["rows"] = {name: rows - out[name] for name, rows in manifest["rows"].items()}
        manifest["erased"] = manifest.get("erased", 0) + gone
        manifest["files"] = [_described(folder / one["path"], folder) for one in manifest["files"]]
        _dump(manifest, folder / MANIFEST)
    return gone


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _described(path: Path, part: Path) -> dict[str, Any]:
    return {"path": str(path.relative_to(part)), "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _dump(data: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


class _File(AbstractContextManager["_File"]):
    """One set in one layout. `name`: the data set's in dataset_info.json."""

    def __init__(self, path: Path) -> None:
        self.name = f"r4_{path.stem}"
        self.path = path
        self.path.parent.mkdir(exist_ok=True)

    @abstractmethod
    def add(self, row: Row) -> None: ...


class _Lines(_File):
    """One JSON object a line."""

    def __init__(self, part: Path, layout: Layout, name: RowSet) -> None:
        super().__init__(part / layout / f"{name}.jsonl")
        self._lay_out = LINES[layout]

    def __enter__(self) -> Self:
        self._stream = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, row: Row) -> None:
        self._stream.write(json.dumps(self._lay_out(row), ensure_ascii=False) + "\n")


class _Parquet(_File):
    """TRL's columns, in row groups."""

    def __init__(self, part: Path, name: RowSet) -> None:
        super().__init__(part / "parquet" / f"{name}.parquet")
        self._rows: list[dict[str, Any]] = []
        self._schema = _schema(name)

    def __enter__(self) -> Self:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.path, self._schema)
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, row: Row) -> None:
        self._rows.append(layouts.trl(row))
        if len(self._rows) >= ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def _file(part: Path, layout: Layout, name: RowSet) -> _File:
    return _Parquet(part, name) if layout == "parquet" else _Lines(part, layout, name)


def _schema(name: RowSet) -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    message = pa.list_(pa.struct({"role": text, "content": text}))
    answers = {"chosen": message, "rejected": message} if name in PAIRS else {"completion": message}
    lists = {"turns": number, "decisions": number, "calls": number, "verdicts": text, "roles": text}
    numbers = ("subject", "as_of", "round", "case")
    texts = ("source", "catalog", "subject_kind", "created", "model", "prompt_name", "prompt_hash", "guideline_version")
    provenance = dict.fromkeys(texts, text) | dict.fromkeys(numbers, number)
    provenance |= {key: pa.list_(of) for key, of in lists.items()}
    label = {"label": pa.bool_()} if name == "kto" else {"tag": text} if name == "trace" else {}
    facet = pa.struct({"kind": text, "name": text, "value": text})
    told = dict.fromkeys(("about", "polarity", "who", "quote", "source", "verdict"), text)
    statement = pa.struct(told | {"aspect": pa.list_(facet), "strength": pa.float64()})
    more = {name: pa.list_(statement) for name in ("statements", "struck")} | {"provenance": pa.struct(provenance)}
    return pa.schema({"id": text, "prompt": message} | answers | label | more)
