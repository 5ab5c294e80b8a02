"""A tuned run with groups, made once a process: each test gets its row, a copy of the files, and a grouping."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from django.utils import timezone

from recommender.models import Catalog, Grouping, Interaction, RunState, ThinkrecRun
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.experts.grouped import Found, Group
from recommender.thinkrec.tuning import own, service
from recommender.thinkrec.tuning.config import ThinkrecConfig
from tests.carried_out import carried_out
from tests.transformers_server import make_model

WIDTH = 4
# As like the first expert as the second, by the place of an end user: one alone, all alike, fused, the other alone.
DIRECTIONS = ([1.0, 0.1], [1.0, 1.0], [1.0, 0.9], [0.1, 1.0])
_MADE: dict[str, tuple[Path, dict[str, object], dict[str, object]]] = {}


@cache
def base() -> str:
    return str(make_model(Path(mkdtemp()) / "tiny"))


def made_grouping(catalog: Catalog) -> Grouping:
    """Two groups, with vectors of all end users but the last and of all items but the first."""
    drawn = np.random.default_rng(0)
    people = np.array(catalog.end_users.order_by("pk").values_list("pk", flat=True))[:-1]
    items = np.array(catalog.items.order_by("pk").values_list("pk", flat=True))[1:]
    vectors = np.array([[*DIRECTIONS[n % len(DIRECTIONS)], 0, 0] for n in range(len(people))], dtype=np.float32)
    experts = np.eye(2, WIDTH, dtype=np.float32)
    of = (vectors[:, 1] > vectors[:, 0]).astype(np.int64)
    found = Found("by hand", tuple(Group(n + 1, int((of == n).sum()), ()) for n in range(2)), {}, 1, {}, "")
    run = Grouping.objects.create(
        catalog=catalog,
        config=GroupingConfig(groups=2, split="r4ec").to_json(),
        found=found.to_json(),
        state=RunState.DONE,
        finished_at=timezone.now(),
    )
    path = grouped.new_file(run)
    of_items = drawn.normal(size=(len(items), WIDTH)).astype(np.float32)
    run.sha256 = grouped.save(path, grouped.Grouped(people, vectors, of, items, of_items, experts))
    run.artifact = f"{catalog.name}/{path.name}"
    run.save()
    return run


def tuned_run(catalog: Catalog, folder: Path, **settings: object) -> ThinkrecRun:
    """All stages in few, large steps; computed once for its settings and a catalog of this size."""
    config = ThinkrecConfig(
        base=base(),
        **{"stage": "all", "split": "r4ec", "steps": 6, "epochs": 1, "group_epochs": 1, "valid_rows": 4}
        | {"learning_rate": 0.02, "group_rate": 0.03, "checkpoint": 50}
        | settings,
    )
    grouping = made_grouping(catalog)
    # Catalogs of one size have the same rows in all these tests; only their name and keys differ.
    sizes = [
        catalog.end_users.count(),
        catalog.items.count(),
        Interaction.objects.filter(item__catalog=catalog).count(),
    ]
    key = f"{config!r} {sizes}"
    if key not in _MADE:
        files = own.grouping_files(grouping, folder)
        run = carried_out(service.request(catalog, config, files=files, grouping=grouping, queue=False))
        assert run.state == RunState.DONE, run.error
        kept = Path(mkdtemp()) / "made"
        shutil.copytree(service.folder_of(run), kept)
        _MADE[key] = kept, run.metrics, run.config
        return run
    kept, metrics, stored = _MADE[key]
    run = ThinkrecRun.objects.create(
        catalog=catalog,
        config=stored,
        metrics=metrics,
        grouping=grouping,
        state=RunState.DONE,
        finished_at=timezone.now(),
    )
    run.artifact = f"{catalog.name}/{run.pk}"
    run.save()
    shutil.rmtree(service.folder_of(run), ignore_errors=True)  # of a test whose rows are gone
    shutil.copytree(kept, service.folder_of(run))
    return run
