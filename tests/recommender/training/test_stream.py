import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.recipe import TrainConfig
from recommender.training import loop, stream
from recommender.training.sources import Memory
from tests.recommender.training.fitting import SMALL, fitted

pytestmark = pytest.mark.once

ROWS = 700


@pytest.fixture(scope="module")
def examples():
    made = fitted(SMALL.but(epochs=1)).examples
    numbers = np.arange(2 * len(made.signals), dtype=np.float32).reshape(-1, 2)  # tell every sample from the others
    return replace(made, signals=numbers)


def keys(parts):
    return [tuple(part.batch.signals[n, 0].tolist()) for part in parts for n in range(len(part.label))]


def opened(tmp_path, examples, *, group=64, buffer=200, rows=ROWS):
    path = tmp_path / "examples.parquet"
    stream.write(path, examples, np.arange(rows), seed=3, group=group)
    return stream.Parquet(path, seed=5, buffer=buffer)


def test_an_epoch_deals_every_sample_once_in_whole_batches(tmp_path, examples):
    with opened(tmp_path, examples) as source:
        parts = list(source.epoch(48))

    assert [len(part.label) for part in parts] == [48] * (ROWS // 48) + [ROWS % 48]
    assert [part.whole for part in parts] == [len(part.label) for part in parts]
    assert sorted(keys(parts)) == [tuple(row) for row in examples.signals[:ROWS].tolist()]


def test_a_streamed_batch_is_what_memory_would_give(tmp_path, examples):
    with opened(tmp_path, examples) as source:
        streamed = next(source.epoch(ROWS))
    memory = next(Memory(examples, np.arange(ROWS), seed=1).epoch(ROWS))
    place = {key: number for number, key in enumerate(keys([memory]))}
    order = [place[key] for key in keys([streamed])]

    assert torch.equal(streamed.label, memory.label[order])
    for mine, theirs in zip(streamed.batch, memory.batch, strict=True):
        assert mine.dtype == theirs.dtype
        assert torch.equal(mine, theirs[order])


def test_epochs_differ_and_mix_what_was_not_written_together(tmp_path, examples):
    with opened(tmp_path, examples) as source:
        one, other = (keys(source.epoch(50)) for _ in range(2))

    assert one != other
    assert set(one[:50]) != set(other[:50])


def test_without_signals_and_without_rows_there_is_nothing_to_trip_over(tmp_path, examples):
    bare = replace(examples, signals=np.zeros((len(examples.signals), 0), np.float32))
    with opened(tmp_path, bare, rows=3) as source:
        assert [part.batch.signals.shape for part in source.epoch(2)] == [(2, 1, 0), (1, 1, 0)]
    with opened(tmp_path, bare, rows=0) as source:
        assert list(source.epoch(2)) == []


@pytest.mark.slow
def test_the_same_examples_streamed_train_to_the_same_quality(monkeypatch):
    monkeypatch.setattr(stream, "GROUP", 256)
    sizes = {"knowledge": False, "end_users": 150, "each": 38}
    memory, streamed = (fitted(TrainConfig(stream=on), **sizes).fit for on in (False, True))

    assert streamed.test.auc == pytest.approx(memory.test.auc, abs=0.02)
    assert streamed.test.auc > 0.85


def test_a_stream_leaves_no_file_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []
    write = stream.write

    def noted(path, *rest, **named):
        write(path, *rest, **named)
        seen.append((path, path.stat().st_size))

    monkeypatch.setattr(stream, "write", noted)
    fitted(SMALL.but(epochs=1, stream=True))

    assert all(size and path.is_relative_to(tmp_path) and not path.parent.exists() for path, size in seen)
    assert seen


MEASURE = """
import resource, sys
import django; django.setup()
from pathlib import Path
from recommender.training.stream import Parquet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with Parquet(Path(sys.argv[1]), seed=1, buffer=32_768) as source:
    next(source.epoch(8192))
    first, rows = peak(), 0
    for _ in range(2):
        rows += sum(part.whole for part in source.epoch(8192))
print(rows, first, peak())
"""


@pytest.mark.slow
def test_memory_stays_at_the_buffers_size_however_large_the_file_is(tmp_path, examples):
    """200,000 rows of 100 history slots are 320 MB as batches and 100 MB in the file; the buffer holds 32,768 rows."""
    rows = np.random.default_rng(0).integers(0, len(examples.interactions), 200_000)
    path = tmp_path / "large.parquet"
    stream.write(path, replace(examples, history=100), rows, seed=1)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=Path(loop.__file__).parents[2],
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    read, first, peak = (float(number) for number in done.stdout.split())

    assert read == 400_000
    assert peak - first < 80  # MiB
