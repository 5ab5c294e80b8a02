"""Examples from a Parquet file that need not fit into memory: written once, read in a new order each epoch.

The file's rows are shuffled when they are written. An epoch takes its row groups in another order, mixes as many of
them as the buffer holds, and deals batches out of the mix: memory stays at the buffer's size, whatever the file's.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from recommender.dataset.examples import Arrays, Examples
from recommender.dataset.split import Rows
from recommender.training import distributed
from recommender.training.batches import Part, to_batch

GROUP = 16_384  # rows written, and read, at once
BUFFER = 16 * GROUP  # rows mixed at once
LABEL = "label"
SMALL = {"history_feedback": np.uint8}  # buckets; else int32, or float32 for signals


@contextmanager
def streamed(examples: Examples, rows: Rows, *, seed: int) -> Iterator["Parquet"]:
    """Examples of these rows, written to a temporary file (TMPDIR) that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="r4web-examples-") as folder:
        path = Path(folder) / "examples.parquet"
        write(path, examples, rows, seed=seed)
        with Parquet(path, seed=seed) as source:
            yield source


def write(path: Path, examples: Examples, rows: Rows, *, seed: int, group: int = GROUP) -> None:
    """Write examples in a shuffled order, `group` rows at a time."""
    shuffled = rows[np.random.default_rng(seed).permutation(len(rows))]
    writer: pq.ParquetWriter | None = None
    try:
        for first in range(0, max(1, len(shuffled)), group):
            some = shuffled[first : first + group]
            table = _table(examples.batch(some), examples.labels(some))
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table, row_group_size=group)
    finally:
        if writer is not None:
            writer.close()


class Parquet:
    """A source of batches from such a file. Columns with no width (no signals) are not in it."""

    def __init__(self, path: Path, *, seed: int, buffer: int = BUFFER) -> None:
        self.file, self.buffer = pq.ParquetFile(path, memory_map=True, pre_buffer=False), buffer
        self.source = np.random.default_rng(seed)

    def __enter__(self) -> "Parquet":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __len__(self) -> int:
        return int(self.file.metadata.num_rows)

    def epoch(self, size: int) -> Iterator[Part]:
        left: dict[str, NDArray[Any]] = {}  # of the last mix: less than a batch
        for mixed in self._mixes():
            rows = {name: np.concatenate([left[name], column]) for name, column in mixed.items()} if left else mixed
            whole = len(rows[LABEL]) // size * size
            for first in range(0, whole, size):
                yield _part({name: column[first : first + size] for name, column in rows.items()})
            left = {name: column[whole:].copy() for name, column in rows.items()}
        if left and len(left[LABEL]):
            yield _part(left)

    def _mixes(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Row groups in a random order, shuffled together as many at a time as the buffer holds."""
        groups = self.source.permutation(self.file.num_row_groups).tolist()
        held: list[dict[str, NDArray[Any]]] = []
        for number, group in enumerate(groups, start=1):
            held.append(_columns(self.file.read_row_group(group, use_threads=False)))
            if number == len(groups) or sum(len(one[LABEL]) for one in held) + GROUP > self.buffer:
                order = self.source.permutation(sum(len(one[LABEL]) for one in held))
                yield {name: np.concatenate([one[name] for one in held])[order] for name in held[0]}
                held = []


def _table(arrays: Arrays, label: NDArray[np.float32]) -> pa.Table:
    columns: dict[str, pa.Array] = {LABEL: pa.array(label.astype(np.uint8))}
    for name, array in arrays._asdict().items():
        kind = np.float32 if array.dtype == np.float32 else SMALL.get(name, np.int32)
        width = array.size // max(1, len(array))
        if width:
            flat = pa.array(np.ascontiguousarray(array, dtype=kind).reshape(-1))
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, width)
    return pa.table(columns)


def _columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    """Label (n) and the other columns (n, width), in the file's narrow types."""
    found = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if name == LABEL:
            found[name] = column.to_numpy(zero_copy_only=False)
        else:
            found[name] = column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), -1)
    return found


def _part(rows: dict[str, NDArray[Any]]) -> Part:
    mine = {name: distributed.share(column) for name, column in rows.items()}
    samples = len(mine[LABEL])

    def whole_numbers(name: str) -> NDArray[np.int64]:
        return mine[name].astype(np.int64)

    signals = mine.get("signals", np.zeros((samples, 0), dtype=np.float32))
    arrays = Arrays(
        item=whole_numbers("item"),
        history_item=whole_numbers("history_item"),
        history_feedback=whole_numbers("history_feedback"),
        end_user_text=whole_numbers("end_user_text").reshape(-1),
        item_text=whole_numbers("item_text"),
        signals=np.ascontiguousarray(signals)[:, None],
        end_user_tokens=whole_numbers("end_user_tokens"),
    )
    return Part(to_batch(arrays), torch.from_numpy(mine[LABEL].astype(np.float32)), len(rows[LABEL]))
