"""Where the files of ThinkRec's tuning are: what it was given, what it is at, and what was made and registered.

Under VAR_DIR/thinkrec/CATALOG a finished run has a folder RUN, and one that is under way a folder .run-RUN, with what
it was given (`inputs`) and what is made so far (`made`). Only the latter has people's data; it goes when the run ends.
"""

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from recommender.models import Catalog, Grouping, RunState, ThinkrecRun
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.kinds import THINKREC
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.tuning.config import CannotTuneThinkrecError, ThinkrecConfig, require_given

INPUTS, MADE = "inputs", "made"
TRACES, VECTORS, GROUPS_OF = "traces.jsonl", "vectors.npz", "groups.json"
SAME = ("base", "rank", "alpha", "targets", "split")  # settings that an earlier run's adapter decides

Names = Callable[[Collection[str]], set[str]]  # which of these are to go


def folder_for(catalog: Catalog) -> Path:
    return Path(settings.VAR_DIR) / "thinkrec" / catalog.name


def folder_of(run: ThinkrecRun) -> Path:
    """A finished run's folder: adapter, projector, groups, and thinkrec.json with settings, metrics and hashes."""
    return Path(settings.VAR_DIR) / "thinkrec" / run.artifact


def part_of(run: ThinkrecRun) -> Path:
    """The folder of a run that is under way, whichever worker has it: the next one goes on there."""
    return folder_for(run.catalog) / f".run-{run.pk}"


def request(
    catalog: Catalog,
    config: ThinkrecConfig,
    *,
    files: Mapping[str, Path],
    after: ThinkrecRun | None = None,
    queue: bool = True,
    **columns: Any,
) -> ThinkrecRun:
    """Ask for a run. `files`: what it is given, by TRACES, VECTORS or GROUPS_OF; they are copied.

    Raises CannotTuneThinkrecError where a stage lacks what it learns from, where `after` has no global adapter that
    fits the settings, or its groups are others, and where the grouping was made on another split.
    """
    require_given(config, vectors=VECTORS in files, groups=GROUPS_OF in files, earlier=after is not None)
    if grouping := columns.get("grouping"):
        _require_same_split(grouping, config)
    if after is not None:
        _require_like(after, config)
        if config.stage == "new-groups":
            _require_extended(after, columns.get("grouping"))
    with transaction.atomic():
        run = runs.request(THINKREC, queue=queue, catalog=catalog, config=config.to_json(), after=after, **columns)
        inputs = part_of(run) / INPUTS
        inputs.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            shutil.copyfile(path, inputs / name)
    return run


def _require_like(after: ThinkrecRun, config: ThinkrecConfig) -> None:
    if after.state != RunState.DONE:
        raise CannotTuneThinkrecError(f"{after} is not done, so it has no adapter to go on from.")
    theirs, mine = after.config, config.to_json()
    if other := [name for name in SAME if theirs[name] != mine[name]]:
        told = ", ".join(f"{name} {theirs[name]}" for name in other)
        raise CannotTuneThinkrecError(f"The adapter of {after} has {told}: choose the same.")


def _require_same_split(grouping: Grouping, config: ThinkrecConfig) -> None:
    """Vectors know the train part that they were fitted on: of another split that is what this one validates and tests
    on. Without projector and groups nothing reads them."""
    theirs = GroupingConfig.from_json(grouping.config).split
    if theirs != config.split and {"projector", "groups"} & set(config.stages):
        raise CannotTuneThinkrecError(
            f"{grouping} learned from the train part of the split {theirs}, so it may know what {config.split} "
            f"validates and tests on: choose the split {theirs}, or make groups on {config.split} (`manage.py "
            f"group_end_users {grouping.catalog.name} --split {config.split}`)."
        )


def _require_extended(after: ThinkrecRun, grouping: Grouping | None) -> None:
    """An adapter stays with its group: a grouping in which the groups are others would give it to other end users."""
    if after.grouping_id is None or grouping is None or grouping.pk == after.grouping_id:
        return  # groups of a file are called as whoever wrote it calls them
    if GroupingConfig.from_json(grouping.config).extends != after.grouping_id:
        raise CannotTuneThinkrecError(
            f"{grouping} has other groups than those that {after} was tuned for: `manage.py group_end_users "
            f"{after.catalog.name} --extends {after.grouping_id}` leaves them and adds one."
        )


def register(run: ThinkrecRun, metrics: dict[str, Any]) -> None:
    """Move what a run made to where it stays and register it. Raises StoppedError, with nothing moved."""
    folder, part = folder_for(run.catalog) / str(run.pk), part_of(run)
    with transaction.atomic():
        leases.finish(run, artifact=f"{run.catalog.name}/{run.pk}", metrics=metrics)
        shutil.rmtree(folder, ignore_errors=True)  # of a transaction that never committed
        (part / MADE).rename(folder)
    shutil.rmtree(part, ignore_errors=True)


def clear_ended(catalog: Catalog) -> None:
    """Remove what runs left that were cancelled or failed."""
    under_way = catalog.thinkrec_runs.filter(state__in=runs.UNFINISHED).select_related("catalog")
    kept = {part_of(run) for run in under_way}
    for folder in folder_for(catalog).glob(".run-*"):
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def clear_of(catalog: Catalog, end_users: Names, items: Names) -> None:
    """Take end users and items out of what runs under way were given. They begin again: they learn other data."""
    clear_ended(catalog)
    for inputs in folder_for(catalog).glob(f".run-*/{INPUTS}"):
        if (path := inputs / TRACES).is_file():
            told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            out = end_users([str(one["end_user"]) for one in told]), items([str(one["item"]) for one in told])
            kept = [one for one in told if str(one["end_user"]) not in out[0] and str(one["item"]) not in out[1]]
            _replace(path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept).encode())
        if (path := inputs / GROUPS_OF).is_file():
            groups = json.loads(path.read_text(encoding="utf-8"))
            gone = end_users(list(groups))
            _replace(path, json.dumps({name: one for name, one in groups.items() if name not in gone}).encode())
        if (path := inputs / VECTORS).is_file():
            _clear_vectors(path, end_users, items)


def _clear_vectors(path: Path, end_users: Names, items: Names) -> None:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    for names, vectors, gone in (("end_users", "end_user_vectors", end_users), ("items", "item_vectors", items)):
        out = gone(arrays[names].astype(str).tolist())
        kept = [name not in out for name in arrays[names].astype(str).tolist()]
        arrays |= {names: arrays[names][kept], vectors: arrays[vectors][kept]}
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.savez(stream, **arrays)
    part.replace(path)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
