"""How long does ranking take for one end user: a catalog whole, or what exact inner products choose of it?

    python -m benchmarks.ranking [--items 3706,100000] [--users 1000,10000,100000,1000000] [--turns N]

In this process, on one thread, without a database: DIN as it is trained by default (history 30), with both signals, its
numbers drawn by chance: speed does not depend on how good a model is. Stages are timed in turns, one of each after the
other, so that what else the machine does meets all alike; processor time, the least and the median. Peers: the same
backbone exported as it is (`unfolded`), and a plain numpy product with the whole catalog (`dot product`, what the
recommend of implicit does), which ranks nothing.

`recall` is measured instead where --artifact FOLDER names a trained version's folder and --histories FILE a CSV of
`user_id, movie_id, pos, label`: how much of the first ten of a whole ranking is among so many candidates. The last line
printed is one JSON object.
"""

import argparse
import csv
import ctypes
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django  # noqa: E402 - after the number of threads
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

django.setup()

from recommender import compiling  # noqa: E402 - after django.setup
from recommender.artifacts import folded as of_version  # noqa: E402
from recommender.artifacts import kernels, ranker  # noqa: E402
from recommender.artifacts.ranker import Ranker  # noqa: E402
from recommender.catalogs.feedback import FeedbackScale  # noqa: E402
from recommender.dataset.numbering import FIRST_ITEM  # noqa: E402
from recommender.serving import retrieve  # noqa: E402
from recommender.signals import native  # noqa: E402
from recommender.signals.folds import FOLDS  # noqa: E402
from recommender.signals.gaussian_process import GaussianProcess  # noqa: E402
from recommender.signals.llm_scores import Blend  # noqa: E402
from recommender.signals.registry import Signals  # noqa: E402
from recommender.signals.stated import Weights  # noqa: E402
from recommender.signals.statistics import Statistics  # noqa: E402

HISTORY, FACTORS, SPACE, WORDS = 30, 32, 24, 40
SCALE = FeedbackScale(1.0, 5.0, 3.0)
CHOSEN = (200, 500, 1000)
LONG_HISTORY = 106  # of ML-100k's end users, the mean
GOALS = {  # milliseconds, by items
    3_706: {"whole catalog": 30, "whole catalog, kernels": 17},
    100_000: {"retrieve and rank 500": 5, "retrieve and rank 500, kernels": 5},
}
LIST = 10


@dataclass
class Met:
    item_id: str
    rating: float | None
    label: int | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", default="3706,100000")
    parser.add_argument("--users", default="1000,10000,100000,1000000")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--threads", type=int, default=4, help="that rank at once where memory is looked at")
    parser.add_argument("--artifact", type=Path)
    parser.add_argument("--histories", type=Path)
    parser.add_argument("--people", type=int, default=200, help="whose lists are compared for the recall")
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)  # a step in a process of its own
    options = parser.parse_args()
    if options.export:
        export(int(options.items), options.export)
        return
    found: dict[str, Any] = {"load": os.getloadavg()}
    if options.artifact:
        found["recall"] = recall(ranker.read(options.artifact), options.histories, options.people)
    else:
        for items in map(int, options.items.split(",")):
            found[str(items)] = stages(items, options.turns)
        found["users"] = by_users([int(one) for one in options.users.split(",")], options.turns)
        found["memory"] = memory(options.threads, options.turns)
    print(json.dumps(found | {"load_after": os.getloadavg()}))


def stages(items: int, turns: int) -> dict[str, Any]:
    """Milliseconds of each stage for a catalog of so many items: (least, median)."""
    with tempfile.TemporaryDirectory() as folder:
        folded, unfolded, compiled = made(items, Path(folder))
    draw = np.random.default_rng(1)
    longer, history = (
        [Met(f"i{item}", None, int(draw.integers(2))) for item in draw.choice(items, length, replace=False)]
        for length in (LONG_HISTORY, HISTORY)
    )
    some = FIRST_ITEM + draw.choice(items, 500, replace=False)
    mask = np.ones(items, dtype=np.bool_)
    mask[[int(met.item_id[1:]) for met in history]] = False
    popular = draw.permutation(items)
    factors, own = folded.signals.fitted["gaussian_process"].factors[0], draw.normal(size=FACTORS).astype(np.float32)  # type: ignore[attr-defined]

    def ranked(most: int, by: Ranker = folded) -> NDArray[np.float64]:
        return by.score("u", history, FIRST_ITEM + chosen(by, "u", history, mask, popular, most))

    work: dict[str, Callable[[], object]] = {
        "dot product, first 500": lambda: np.argpartition(-(factors @ own), 500)[:500],
        "retrieve 500": lambda: chosen(folded, "u", history, mask, popular, 500),
        **{f"retrieve and rank {most}": lambda most=most: ranked(most) for most in CHOSEN},
        "signals of all": lambda: folded._signals("u", history, FIRST_ITEM + np.arange(items)),
        "whole catalog": lambda: folded.score("u", history),
        f"500 after {LONG_HISTORY}": lambda: folded.score("u", longer, some),
    }
    if compiled:
        work["retrieve 500, kernels"] = lambda: chosen(compiled, "u", history, mask, popular, 500)
        work["retrieve and rank 500, kernels"] = lambda: ranked(500, compiled)
        work["whole catalog, kernels"] = lambda: compiled.score("u", history)
        work[f"500 after {LONG_HISTORY}, kernels"] = lambda: compiled.score("u", longer, some)
        difference = float(np.abs(folded.score("u", longer) - compiled.score("u", longer)).max())
        print(f"largest difference of probabilities with kernels and without: {difference:.1e}")
    if items <= 10_000:
        work["whole catalog, unfolded"] = lambda: unfolded.score("u", history)
        difference = float(np.abs(folded.score("u", history) - unfolded.score("u", history)).max())
        print(f"largest difference of folded and unfolded probabilities: {difference:.1e}")
    found = timed(f"{items} items", work, turns)
    for name, goal in GOALS.get(items, {}).items():
        if name in found:
            print(
                f"{name}: median {found[name][1]} ms, goal {goal}: {'reached' if found[name][1] <= goal else 'missed'}"
            )
    return found


def chosen(
    by: Ranker,
    end_user: str,
    history: Sequence[Met],
    mask: NDArray[np.bool_],
    popular: NDArray[np.int64],
    most: int,
) -> NDArray[np.int64]:
    """Places of the candidates, as retrieve.candidates takes them without a database."""
    then = math.ceil(most / retrieve.BY_LIKES * retrieve.BY_LIKENESS)
    found = by.nearest(end_user, history, mask, most, then=then)
    shares = [retrieve.BY_LIKES] + [retrieve.BY_LIKENESS] * (len(found) - 1)
    lists = list(zip(shares, found, strict=True))
    lists.append((retrieve.POPULAR, retrieve.first_of(popular, mask, most)))
    lists.append((retrieve.NEWEST, retrieve.newest(mask, most)))
    return retrieve.in_turn(lists, most)


def made(items: int, folder: Path) -> tuple[Ranker, Ranker, Ranker | None]:
    """Rankers of one backbone: as it is served, exported as it is, and with kernels where they can be compiled and run
    here. Torch stays in the process that exports.
    """
    subprocess.run(
        [sys.executable, "-m", "benchmarks.ranking", "--items", str(items), "--export", str(folder)], check=True
    )
    shared: Mapping[str, Any] = {
        "items": {f"i{number}": FIRST_ITEM + number for number in range(items)},
        "end_users": {},
        "end_user_knowledge": np.zeros((1, 1), dtype=np.float32),
        "scale": SCALE,
        "history": HISTORY,
        "signals": Signals.load(folder, [one.name for one in folder.iterdir()]),
        "demographics": None,
        "statements": Weights(),
        "llm_scores": Blend(),
    }
    folded, unfolded = (
        Ranker(session=ranker.Graph(folder / f"{kind}.onnx"), **shared) for kind in ("ServingForm", "Unfolded")
    )
    level = next((name for name, needed in compiling.PROCESSORS.items() if needed <= compiling.can_do()), None)
    program = compiling.compiler()
    if not program or not level:
        return folded, unfolded, None
    compiling.compile_library(program, kernels.SOURCES, folder / "made.so", [f"-march={level}"])
    library = ctypes.CDLL(str(folder / "made.so"))
    signals = folded.signals.compiled(native.Kernel(library))
    return folded, unfolded, replace(folded, signals=signals, folded=of_version.load(folder, library))


def export(items: int, folder: Path) -> None:
    """Write both graphs and the signals."""
    import torch

    from recommender.artifacts import graph
    from recommender.backbones.base import Folded
    from recommender.backbones.batch import InputSizes
    from recommender.backbones.registry import make
    from recommender.recipe import TrainConfig

    class Unfolded(graph.ServingForm):
        def folded(self) -> torch.nn.Module:
            return self

    torch.set_num_threads(1)
    rows, draw = FIRST_ITEM + items, np.random.default_rng(0)
    process = GaussianProcess(
        draw.uniform(0.2, 0.8, (FOLDS, items + 1)).astype(np.float32),
        draw.normal(0, 0.1, (FOLDS, items + 1, FACTORS)).astype(np.float32),
        np.arange(3),
        [_unit(draw.normal(size=(items + 1, SPACE)))],
        [0.05],
    )
    statistics = Statistics(process.mean, draw.integers(0, 99, process.mean.shape).astype(np.float32))
    signals = Signals({"statistics": statistics, "gaussian_process": process})
    signals.save(folder)
    sizes = InputSizes(rows, rows, WORDS, 3, SCALE.buckets, signals=signals.width)
    torch.manual_seed(0)
    network = make(sizes, TrainConfig(history=HISTORY)).eval()
    network.items.describe(id_of=torch.arange(rows), tokens_of=torch.randint(0, WORDS, (rows, 3)))
    for kind in (graph.ServingForm, Unfolded):
        path = folder / f"{kind.__name__}.onnx"
        form = kind(network, None).eval()
        graph.save(form, path, history=HISTORY, end_users=torch.zeros(1, 1), tokens=1)
        if isinstance(multiplied := form.folded(), Folded):
            of_version.save(folder, {name: each.numpy() for name, each in multiplied.arrays().items()})


def by_users(counts: Sequence[int], turns: int) -> dict[str, Any]:
    """Milliseconds to rank 500 items where so many end users have a text that was folded into the artifact."""
    with tempfile.TemporaryDirectory() as folder:
        bare, *_ = made(3706, Path(folder))
        draw = np.random.default_rng(2)
        items = [f"i{item}" for item in draw.choice(3706, 500, replace=False)]
        history = [Met(f"i{item}", None, int(draw.integers(2))) for item in draw.choice(3706, HISTORY, replace=False)]
        work = {}
        for count in counts:
            path = Path(folder) / f"{count}.npy"
            np.save(path, np.zeros((1 + count, 33), dtype=np.float32))
            known = {f"u{number}": 1 + number for number in range(count)}
            one = replace(bare, end_users=known, end_user_knowledge=np.load(path, mmap_mode="r"))
            asked = [f"u{number}" for number in draw.integers(0, count, 1000)]
            work[f"{count} end users"] = lambda one=one, asked=asked: one.score(
                asked[int(time.monotonic_ns()) % 1000], history, items
            )
        return timed("by end users", work, turns)


def memory(threads: int, turns: int) -> dict[str, Any]:
    """MB of this process before and after many rankings of different sizes by threads of their own."""
    with tempfile.TemporaryDirectory() as folder:
        folded, unfolded, _ = made(3706, Path(folder))
    found = {}
    for name, one in (("folded", folded), ("unfolded", unfolded)):
        before = resident()

        def work(seed: int, one: Ranker = one) -> None:
            draw = np.random.default_rng(seed)
            for _ in range(turns):
                history = [Met(f"i{item}", None, 1) for item in draw.choice(3706, draw.integers(0, 60), replace=False)]
                one.score("u", history, [f"i{item}" for item in range(int(draw.integers(3000, 3706)))])

        growing = []
        for turn in range(2):
            running = [threading.Thread(target=work, args=(10 * turn + number,)) for number in range(threads)]
            for each in running:
                each.start()
            for each in running:
                each.join()
            growing.append(resident())
        found[name] = {"before": before, "after": growing}
        print(f"memory, {name}: {before} MB, then {growing} MB")
    return found


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def timed(title: str, work: Mapping[str, Callable[[], object]], turns: int) -> dict[str, Any]:
    taken: dict[str, list[float]] = defaultdict(list)
    for one in work.values():
        one()
    for _ in range(turns):
        for name, one in work.items():
            begin = time.process_time()
            one()
            taken[name].append((time.process_time() - begin) * 1000)
    print(f"\n{title:32}{'least ms':>10}{'median':>10}    load {os.getloadavg()[0]:.1f}")
    for name, all_of in taken.items():
        print(f"{name:32}{min(all_of):>10.2f}{float(np.median(all_of)):>10.2f}", flush=True)
    return {name: [round(min(each), 2), round(float(np.median(each)), 2)] for name, each in taken.items()}


def recall(one: Ranker, path: Path, people: int) -> dict[str, float]:
    """The share of the first ten of a whole ranking that is in the first ten of so many candidates, over end users."""
    histories: dict[str, list[Met]] = defaultdict(list)
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["pos"])):
            label = int(row["label"])
            histories[row["user_id"]].append(Met(row["movie_id"], None, None if label < 0 else label))
    names = list(one.items)
    met = np.zeros(len(names))
    for past in histories.values():
        for each in past:
            met[one.items[each.item_id] - FIRST_ITEM] += 1
    popular = np.argsort(-met, kind="stable")
    chosen_at: dict[int, list[float]] = defaultdict(list)
    for end_user in sorted(histories)[:: max(1, len(histories) // people)]:
        past = histories[end_user]
        past = past[: max(1, len(past) // 2)]
        mask = np.ones(len(names), dtype=np.bool_)
        mask[[one.items[each.item_id] - FIRST_ITEM for each in past]] = False
        scores = np.where(mask, one.score(end_user, past), -np.inf)
        best = set(np.argsort(-scores, kind="stable")[:LIST].tolist())
        for most in CHOSEN:
            candidates = chosen(one, end_user, past, mask, popular, most)
            chosen_at[most].append(len(best & set(candidates.tolist())) / len(best))
    found = {str(most): round(float(np.mean(each)), 4) for most, each in chosen_at.items()}
    print(f"recall of the first {LIST} of {len(names)} items, over {len(chosen_at[CHOSEN[0]])} end users: {found}")
    return found


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
