"""What does one list cost, in processor time, by an earlier commit's code and by this one, and is it the same list?

    python -m benchmarks.in_turns --before COMMIT [--data FOLDER] [--requests N] [--users N]
                                  [--cases none,short] [--parts]

Prepares what benchmarks.serving serves (ML-100k, a text about everybody and everything, DIN after one epoch), starts
one process with each code, and asks both for the same lists, one request each in turns, through Django's handler, with
nothing kept of an answer (R4_ANSWERS_MB=0) and one thread. Milliseconds of processor time are the process's own
(`time.process_time`), so they hold on a shared machine where wall time does not; what shares the caches still slows
both. The first requests, which read the artifact and the index, are not counted. Of few `--users` each is soon asked
for again: what a process keeps of texts and items is then there; of all most are asked for once.

Every pair of answers is compared: all but the moment and the cursor, which is signed anew. Numbers may differ by
1e-5: rounding. `--parts`: how long the parts of a request take, of this code alone, nested ones within the others.
`--folder` keeps what was prepared, for the next run. The last line printed is one JSON object.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scratch import variables
from benchmarks.serving import CASES, ROOT, SERVED, codes, fill

CHANGING = ("generated_at", "next_cursor")
CLOSE = 1e-5
PARTS = (  # module, class or empty, function
    ("recommender.serving.queries", "", "end_user_named"),
    ("recommender.serving.request", "", "known_of"),
    ("recommender.serving.request", "", "steering_of"),
    ("recommender.serving.steering", "", "acting"),
    ("recommender.serving.retrieve", "", "candidates"),
    ("recommender.serving.vectors", "", "of_end_user"),
    ("recommender.artifacts.ranker", "Ranker", "nearest"),
    ("recommender.artifacts.ranker", "Ranker", "score"),
    ("recommender.artifacts.ranker", "Ranker", "_signals"),
    ("recommender.artifacts.ranker", "Ranker", "_logits"),
    ("recommender.artifacts.ranker", "Ranker", "effects"),
    ("recommender.serving.backbone", "", "_kept_away"),
    ("recommender.serving.recommend", "", "rank_treated"),
    ("recommender.serving.recommend", "", "_served"),
    ("recommender.serving.recommend", "", "explain"),
    ("recommender.serving.recommend", "", "cited"),
    ("recommender.serving.explain", "", "texts_about"),
    ("recommender.serving.explain", "", "moved_by"),
    ("recommender.serving.recommend", "", "items_of"),
    ("recommender.serving.recommend", "", "_cursor"),
    ("recommender.api.v1.recommendations", "", "as_json"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default="", help="a commit; this code alone unless given")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ml-100k")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--warm-up", type=int, default=60, help="requests before these, of each case")
    parser.add_argument("--users", type=int, default=0, help="whose lists are asked for: the first so many; 0: all")
    parser.add_argument("--cases", default="none,short")
    parser.add_argument("--folder", type=Path, help="to prepare in, or that was prepared before")
    parser.add_argument("--parts", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r4-turns-")))
        roots = stack.enter_context(codes(options.before, scratch))
        folder = options.folder or scratch
        environment = environment_of(folder)
        facts = prepared(environment, folder, options.data)
        ask = {name: stack.enter_context(answering(environment, root, options)) for name, root in roots.items()}
        wanted = [case for case in CASES if case.name in options.cases.split(",")]
        found = {case.name: compared(ask, facts, case.path, options) for case in wanted}
    print(json.dumps({"benchmark": "in_turns", "load": os.getloadavg(), **found}))


def environment_of(folder: Path) -> dict[str, str]:
    one = {"R4_ANSWERS_MB": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return os.environ | variables(folder, **one, **SERVED)


def prepared(environment: dict[str, str], folder: Path, data: Path) -> dict[str, Any]:
    kept = folder / "facts.json"
    if not kept.exists():
        (folder / "static").mkdir(parents=True)
        kept.write_text(json.dumps(fill(environment, data)))
    facts: dict[str, Any] = json.loads(kept.read_text())
    return facts


def compared(
    ask: dict[str, Callable[[dict[str, Any]], Any]], facts: dict[str, Any], path: str, options: argparse.Namespace
) -> dict[str, Any]:
    """Milliseconds of each code (median, 95th percentile, mean), the median of their quotients, and how many of the
    answers were not the same."""
    source, took, differing = random.Random(1), defaultdict[str, list[float]](list), 0
    users = facts["users"][: options.users or None]
    for number in range(options.warm_up + options.requests):
        wanted = {"path": path.format(user=source.choice(users)), "key": facts["key"]}
        answers = {name: one(wanted) for name, one in ask.items()}
        for name, told in answers.items():
            took[name].append(told["ms"])
        if len(answers) > 1 and not same(*(told["answer"] for told in answers.values())):
            differing += 1
            print(f"not the same: {wanted['path']}", file=sys.stderr)
        if number + 1 == options.warm_up:
            took.clear()
            for one in ask.values():
                one({})
    found: dict[str, Any] = {name: figures(each) for name, each in took.items()} | {"differing": differing}
    if len(took) > 1:
        pairs = zip(took["before"], took["now"], strict=True)
        found["now / before"] = round(statistics.median(now / before for before, now in pairs), 3)
    if options.parts:
        found["parts"] = ask["now"]({})
    print(path, json.dumps(found), file=sys.stderr, flush=True)
    return found


def figures(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    p95, mean = ordered[len(ordered) * 95 // 100], statistics.mean(ordered)
    named = {"p50": statistics.median(ordered), "p95": p95, "mean": mean}
    return {name: round(value, 2) for name, value in named.items()}


def same(one: Any, other: Any) -> bool:
    """Whether two parsed answers say the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            name in CHANGING or same(value, other[name]) for name, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= CLOSE
    return bool(one == other)


@contextmanager
def answering(
    environment: dict[str, str], root: Path, options: argparse.Namespace
) -> Iterator[Callable[[dict[str, Any]], Any]]:
    """A process with the code of `root`: give it a path, and it says how long the answer took, and the answer."""
    # This code's benchmarks, whatever an earlier commit's are; all else is of `root`.
    begin = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks.in_turns import answer; del sys.path[0]"
    command = [sys.executable, "-c", f"{begin}; answer(parts={options.parts})"]
    paths = os.pathsep.join([str(root), environment["PYTHONPATH"]])
    process = subprocess.Popen(
        command, cwd=root, env=environment | {"PYTHONPATH": paths}, text=True, stdin=-1, stdout=-1
    )
    assert process.stdin
    assert process.stdout
    to, by = process.stdin, process.stdout

    def ask(wanted: dict[str, Any]) -> Any:
        to.write(json.dumps(wanted) + "\n")
        to.flush()
        return json.loads(by.readline())

    try:
        yield ask
    finally:
        to.close()
        process.wait(timeout=60)


def answer(*, parts: bool) -> None:
    """Answer what stands in each line of the standard input."""
    import django

    django.setup()
    from django.test import Client

    client = Client()
    spent: dict[str, float] = defaultdict(float)
    counted = 0
    if parts:
        watch(spent)
    for line in sys.stdin:
        wanted = json.loads(line)
        if not wanted:
            print(json.dumps({name: round(value / counted * 1000, 2) for name, value in spent.items()}), flush=True)
            spent.clear()
            counted = 0
            continue
        counted += 1
        began = time.process_time()
        said = client.get(wanted["path"], headers={"Authorization": f"Bearer {wanted['key']}", "Host": "127.0.0.1"})
        took = (time.process_time() - began) * 1000
        print(json.dumps({"ms": took, "answer": said.json()}), flush=True)


def watch(spent: dict[str, float]) -> None:
    """Add up the processor time (seconds) of PARTS."""
    import importlib

    for module, owner, name in PARTS:
        of = importlib.import_module(module)
        holder = getattr(of, owner) if owner else of
        setattr(holder, name, watched(getattr(holder, name), name, spent))


def watched(wrapped: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return wrapped(*arguments, **named)
        finally:
            spent[name] += time.process_time() - began

    return call


if __name__ == "__main__":
    main()
