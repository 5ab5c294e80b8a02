"""How much faster is scoring a person's candidates with their common beginning computed once, than row by row?

    OMP_NUM_THREADS=1 nice -n 10 python -m benchmarks.thinkrec_scoring [--base smollm2] [--candidates 5,20,50]

Real titles and genres of ML-1M (--data), ThinkRec's text-only prompt, ten items of history, --people people. By row it
is as good as it can be without sharing: only the last position's logits, no padding. Seconds are the processor's, one
thread: a busy machine changes them little. `tokens`: how many times fewer tokens are read when sharing; `time`: how
many times faster it is; `reached`: time as a share of tokens, which is all that sharing can give. --preference puts a
text of about 150 words about the person into the prompt, as R4ec's. The last line printed is one JSON object.
"""

import argparse
import csv
import gzip
import json
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "ml-1m"
PREFERENCE = (
    "Prefers long, quiet dramas and war films of the sixties and seventies, most of all those told by one director "
    "over many years. Rated eleven of twelve of them 4 or 5. Comedies are liked when they are dry: four of seven. "
    "Dislikes loud action and musicals, with one exception. Recent ratings lean towards older black-and-white films. "
) * 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="smollm2", help="as `manage.py tune --base`")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--candidates", default="5,20,50")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--preference", action="store_true")
    parser.add_argument("--at-once", type=int, help="tokens of prompts' ends that are computed at once")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from recommender.thinkrec.scoring import scorer

    if options.at_once:
        scorer.TOKENS_AT_ONCE = options.at_once
    shared = scorer.load(options.base)  # one thread
    alone = scorer.LocalScorer(shared._model, shared._tokenizer, name=shared.name, share=False)
    people = list(_people(options.data, options.people, 50, options.preference))
    for one in (shared, alone):
        one.score(people[0][:3])
    found = []
    for count in options.candidates.split(","):
        row = _measured(shared, alone, people, int(count))
        found.append(row)
        print(
            f"{row['candidates']:3} candidates: {row['shared_seconds']:.2f} s shared, {row['alone_seconds']:.2f} s by "
            f"row; tokens {row['tokens']:5.2f} ×, time {row['time']:5.2f} ×, reached {row['reached']:.0%}; "
            f"largest difference {row['difference']:.1e}",
            flush=True,
        )
    print(json.dumps({"base": options.base, "load": os.getloadavg()[0], "rows": found}))


def _measured(shared: Any, alone: Any, people: list[Any], count: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"shared": [], "alone": []}
    tokens, difference = [], 0.0
    for prompts in people:
        results = {}
        for name, one in (("shared", shared), ("alone", alone)):
            began = time.process_time()
            results[name] = one.score(prompts[:count])
            seconds[name].append(time.process_time() - began)
        cost = results["shared"].cost
        tokens.append(cost.row_by_row / cost.read)
        difference = max(difference, float(abs(results["shared"].log_odds - results["alone"].log_odds).max()))
    fast, slow = (statistics.mean(seconds[name]) for name in ("shared", "alone"))
    ratio = statistics.mean(tokens)
    return {
        "candidates": count,
        "shared_seconds": fast,
        "alone_seconds": slow,
        "tokens": ratio,
        "time": slow / fast,
        "reached": slow / fast / ratio,
        "difference": difference,
    }


def _people(data: Path, count: int, candidates: int, with_preference: bool) -> Iterator[Any]:
    from recommender.thinkrec import prompts

    with (data / "movies.dat").open(encoding="latin-1") as file:
        rows = [line.rstrip("\n").split("::") for line in file]
    items = [prompts.described(title, {"genres": genres.split("|")}) for _, title, genres in rows]
    number = {name: place for place, (name, _, _) in enumerate(rows)}
    met: dict[str, list[tuple[int, int, bool]]] = {}
    with gzip.open(data / "interactions.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["movie_id"] in number and (len(met) < 200 or row["user_id"] in met):
                mine = met.setdefault(row["user_id"], [])
                mine.append((int(row["pos"]), number[row["movie_id"]], row["label"] == "1"))
    draw = random.Random(0)
    for name in draw.sample(sorted(met), count):
        history = tuple(prompts.Past(items[place], liked) for _, place, liked in sorted(met[name]))
        seen = {place for _, place, _ in met[name]}
        targets = draw.sample([item for place, item in enumerate(items) if place not in seen], candidates)
        person = prompts.Person("movie", history, preference=PREFERENCE if with_preference else "")
        yield prompts.asked(person, targets)


if __name__ == "__main__":
    main()
