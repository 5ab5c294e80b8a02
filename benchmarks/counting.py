"""What counting costs: processor microseconds of a request, a list and a read of a kept value; a scrape's milliseconds.

In the mode of several processes: every count is written into a file.   python -m benchmarks.counting
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TIMES, ROUNDS = 50_000, 5
ROUTES = 120


def microseconds(count: Callable[[], object]) -> float:
    """Of processor time, in the quickest of a few rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            count()
        took.append(time.process_time() - began)
    return min(took) / TIMES * 1e6


def main(folder: Path) -> None:
    import django

    django.setup()
    from prometheus_client import generate_latest

    from r4web import metrics
    from recommender.counters import LISTS, NONE, REQUESTS
    from recommender.process_cache import ProcessCache

    request: Any = SimpleNamespace(resolver_match=SimpleNamespace(view_name="api:recommendations"), method="GET")
    response: Any = SimpleNamespace(status_code=200)
    timed = metrics.timed(lambda _: response)
    cache: ProcessCache[int, int] = ProcessCache("benchmark", most=1)
    cache.get(1, int)
    print(f"a request:              {microseconds(lambda: timed(request)):6.2f} µs")
    print(f"a list:                 {microseconds(lambda: LISTS.labels('films', 'backbone', NONE).inc()):6.2f} µs")
    print(f"a read of a kept value: {microseconds(cache._found.inc):6.2f} µs")

    for route in range(ROUTES):
        for status in ("2xx", "4xx"):
            REQUESTS.labels(f"route-{route}", "GET", status).observe(0.01)
    for file in folder.glob("*.db"):  # as if another process had counted the same
        shutil.copy(file, folder / file.name.replace(str(os.getpid()), "0"))
    metrics.KEPT.get("all", lambda: dict.fromkeys(("waiting", "asking", "reviews"), 0))
    began = time.process_time()
    read = generate_latest(metrics._counted())
    print(f"a scrape:               {(time.process_time() - began) * 1e3:6.1f} ms, {len(read) / 1e3:.0f} KB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        os.environ |= {
            "PROMETHEUS_MULTIPROC_DIR": made,
            "R4_VAR": os.environ.get("R4_VAR", made),
            "DJANGO_SETTINGS_MODULE": "r4web.settings",
        }
        main(Path(made))
