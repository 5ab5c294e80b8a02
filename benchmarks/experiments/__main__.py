"""What experiments promise, measured: one lived through on the sample catalog, and thousands simulated.

python -m benchmarks.experiments lived       # real serving and events, a database of its own
python -m benchmarks.experiments simulated   # false alarms, coverage, power; numpy alone
"""

import sys
import time
from typing import Any

from benchmarks.scratch import own_database

CHANCE = {"a": 0.30, "b": 0.42}


def simulated(runs: int = 1_000) -> None:
    """A/A runs with many looks, and runs with a planted lift."""
    from benchmarks.experiments.simulated import Design, looked_at

    print(
        "| runs | chance | lift | users | looks | false alarms | usual interval, each look | once | missed | power "
        "| users at half | shares' alarms | s |"
    )
    print(f"| {' | '.join(['---'] * 13)} |")
    for rate, lift, users in (
        (0.30, 0.0, 4_000), (0.10, 0.0, 4_000), (0.03, 0.0, 10_000),
        (0.10, 0.10, 20_000), (0.10, 0.20, 10_000), (0.30, 0.10, 10_000),
    ):  # fmt: skip
        design = Design(runs=runs, users=users, looks=100, rate=rate, lift=lift, planned=users)
        began = time.process_time()
        found = looked_at(design, seed=2024, block=50)
        took = time.process_time() - began
        alarms = f"{found.false_alarms:.1%} | {found.naive:.1%} | {found.naive_once:.1%}" if not lift else "– | – | –"
        power = f"{found.power:.1%} | {found.median_looked:,.0f}" if lift else "– | –"
        print(
            f"| {runs:,} | {rate:.0%} | {lift:+.0%} | {users:,} | 100 | {alarms} | {found.missed:.1%} | {power} "
            f"| {found.shares:.1%} | {took:.0f} |",
            flush=True,
        )


def lived(times: int = 5) -> None:
    """Everybody of the sample catalog many times over (copies of its end users), served and clicking by chance."""
    with own_database(sample=True):
        _live(times)


def _live(times: int) -> None:
    from datetime import timedelta

    import numpy as np
    from django.utils import timezone

    from recommender.events import service as events
    from recommender.events import upserts
    from recommender.experiments import service, words
    from recommender.experiments.results import compute
    from recommender.experiments.service import Plan
    from recommender.models import Catalog
    from recommender.serving.recommend import recommend
    from recommender.serving.variants import Variant

    catalog: Any = Catalog.objects.get(name="sample")
    rng = np.random.default_rng(7)
    original = list(catalog.end_users.order_by("pk"))
    copies = [
        {"user_id": f"{one.external_id}-{n}", "attributes": one.attributes} for one in original for n in range(times)
    ]
    upserts.write_all(upserts.end_users, catalog, copies)
    made = service.create(
        catalog, Plan("planted", (Variant("a"), Variant("b", steering=0.0)), holdout=0.1, planned=1_200), by=None
    )
    service.start(made, by=None)
    catalog.refresh_from_db()
    began, sent, lists = time.process_time(), [], 0
    people = list(catalog.end_users.order_by("pk"))
    for one in people:
        one.catalog = catalog
        for _ in range(int(rng.integers(1, 4))):
            served = recommend(one, limit=5)
            lists += 1
            if rng.random() < CHANCE.get(served.variant, 0.2):
                item = served.items[int(rng.integers(len(served.items)))]
                sent.append({
                    "event_id": str(served.recommendation_id), "type": "click", "user_id": one.external_id,
                    "item_id": item.item_id, "recommendation_id": str(served.recommendation_id),
                })  # fmt: skip
    for first in range(0, len(sent), 2_000):
        taken = events.take(catalog, sent[first : first + 2_000])
        assert not taken.rejected
    took = time.process_time() - began
    began = time.process_time()
    found = compute(made, now=timezone.now() + timedelta(hours=made.window_hours))
    print(
        f"{len(people):,} users, {lists:,} lists, {len(sent):,} clicks in {took:.1f} s of processor time; "
        f"results in {time.process_time() - began:.2f} s."
    )
    # A user clicks with 1 - E[(1 - p)^lists], lists being 1, 2 or 3 alike.
    true = {name: 1 - np.mean([(1 - p) ** n for n in (1, 2, 3)]) for name, p in CHANCE.items()}
    lift = found.primary[0].lift
    assert lift is not None
    print(f"true lift {true['b'] / true['a'] - 1:+.3f}; found {lift.estimate:+.3f} [{lift.low:+.3f}, {lift.high:+.3f}]")
    per_list = next(each for each in found.others if each.metric == "clicked_lists")
    if per_list.lift:
        print(
            f"lists: true {CHANCE['b'] / CHANCE['a'] - 1:+.3f}; found {per_list.lift.estimate:+.3f} "
            f"[{per_list.lift.low:+.3f}, {per_list.lift.high:+.3f}]"
        )
    for each in found.exposed:
        print(f"  {each.name}: {each.shown} users, {each.over} counted, {each.value:.3f}")
    print(f"evidence against the shares: {found.shares.evidence:.2f}")
    print(*(said.words for said in words.verdicts(found)), sep="\n")


if __name__ == "__main__":
    {"lived": lived, "simulated": simulated}[sys.argv[1] if len(sys.argv) > 1 else "simulated"]()
