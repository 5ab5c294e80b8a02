"""ThinkRec's global stage on the research data's train rows of ML-1M for some minutes, scored on its valid part.

    python benchmarks/thinkrec_tuning.py [--data FOLDER] [--base smollm2] [--minutes N] [--valid N] [--cutoff N]
        [--batch N] [--rate X] [--contrast] [--threads N] [--seed N]

Labels alone, text alone: no traces and no vectors. Histories are those of the files, before each row. AUC and UAUC
are of whole end users of the valid part, drawn by the seed; the test part is not read. Steps are as many as fit in the
minutes by the pace of the first ones, so that the learning rate falls to its floor. The last
line printed is one JSON object.
"""

import argparse
import csv
import gzip
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")

import django  # noqa: E402

django.setup()

from recommender.thinkrec.prompts import LONGEST_HISTORY, Described  # noqa: E402
from recommender.thinkrec.tuning.config import ThinkrecConfig  # noqa: E402
from recommender.thinkrec.tuning.rows import YES_NO, Prompts, Row, Rows  # noqa: E402
from recommender.thinkrec.tuning.stages import Data, tune  # noqa: E402

MEASURED = 8  # steps of the run that measures the pace


def read(folder: Path) -> Data:
    """Rows of both parts; a history is what the same person met strictly before, of any part."""
    with (folder / "items.csv").open(encoding="utf-8") as stream:
        items = {
            one["item_id"]: Described(one["title"], tuple(one["genres"].split("|"))) for one in csv.DictReader(stream)
        }
    of_each: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(folder / "interactions.csv.gz", "rt", encoding="utf-8") as stream:
        for one in csv.DictReader(stream):
            of_each[one["user_id"]].append(one)
    parts: dict[str, list[Row]] = {"train": [], "valid": [], "test": []}
    for end_user, met in of_each.items():
        met.sort(key=lambda one: int(one["timestamp"]))
        for place, one in enumerate(met):
            if one["part"] == "test":
                continue
            earlier = [each for each in met[:place] if int(each["timestamp"]) < int(one["timestamp"])]
            history = tuple((each["item_id"], each["label"] == "1") for each in earlier[-LONGEST_HISTORY:])
            label = one["label"] == "1"
            parts[one["part"]].append(Row(end_user, one["item_id"], label, "recommend", YES_NO[label], history))
    return Data(Rows(parts["train"], parts["valid"], {}), Prompts(items, "movie"))


def tuned(data: Data, config: ThinkrecConfig) -> tuple[dict[str, Any], float]:
    """The metrics of the global stage, and the seconds that its steps took."""
    began: list[float] = []

    def observer(told: dict[str, Any]) -> None:
        if "step" in told:
            began.append(time.monotonic())
            print(f"step {told['step']} of {told['of']}: loss {told['loss']:.4f}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        metrics = tune(data, Path(folder), config=config, observer=observer)["global"]
    return metrics, (began[-1] - began[0]) / max(1, len(began) - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "thinkrec-ml-1m")
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--valid", type=int, default=300, help="rows")
    parser.add_argument("--cutoff", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--contrast", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    data = read(options.data)
    config = ThinkrecConfig(
        base=options.base,
        epochs=1,
        steps=MEASURED,
        valid_rows=1,
        cutoff=options.cutoff,
        batch_size=options.batch,
        learning_rate=options.rate,
        contrast=options.contrast,
        threads=options.threads,
        seed=options.seed,
    )
    _, pace = tuned(data, config)
    steps = max(MEASURED, int(options.minutes * 60 / pace))
    metrics, pace = tuned(data, config.but(steps=steps, valid_rows=options.valid))
    after = metrics["epochs"][-1]
    for name in ("auc", "uauc"):
        print(f"valid {name.upper()}: {metrics['before'][name]:.4f} untuned, {after[name]:.4f} tuned")
    print(f"{steps} steps of {pace:.2f} s, {metrics['tokens'] / metrics['seconds']:,.0f} tokens/s with the scoring")
    result = {"rows": metrics["rows"], "steps": steps, "before": metrics["before"], "after": after}
    print(json.dumps(result | {"seconds_a_step": pace, "tokens": metrics["tokens"], "seconds": metrics["seconds"]}))


if __name__ == "__main__":
    main()
