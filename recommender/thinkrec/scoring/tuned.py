"""A finished ThinkRec tuning as a scoring run uses it: its adapters, the gate's choice for each end user, and vectors.

No torch: `fused` loads what is named here.
"""

import json
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.models import Catalog, RunState, ThinkrecRun
from recommender.runs.errors import CannotRunError
from recommender.thinkrec import ablation
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.experts.gate import Choice, by_weights
from recommender.thinkrec.experts.grouped import Grouped
from recommender.thinkrec.prompts import PLACE
from recommender.thinkrec.scoring.config import ScoringConfig
from recommender.thinkrec.scoring.people import Shows
from recommender.thinkrec.tuning import service
from recommender.thinkrec.tuning.config import ADAPTER, GROUPS, PROJECTOR, expert_name
from recommender.tuning.writing import sha256_of

DESCRIBED = "thinkrec.json"


class CannotScoreError(CannotRunError):
    """The tuned run that a scoring run names cannot score; the message says why, and what to do."""


@dataclass(frozen=True)
class Tuned:
    """`out`: the parts that are left out, by the tuning or by this run. `arrays`: of the groups that it was tuned for;
    None where neither experts nor vectors are used."""

    run: ThinkrecRun
    out: frozenset[str]
    arrays: Grouped | None

    @property
    def folder(self) -> Path:
        return service.folder_of(self.run)

    @property
    def base(self) -> str:
        return str(self.run.config["base"])

    @property
    def name(self) -> str:
        """What lists call it, with what it goes without."""
        return f"{self.run.adapter_name}{ablation.words(self.out)}"

    @cached_property
    def _groups(self) -> list[str]:
        """Of each of the N groups, by its number; none where experts are left out."""
        if self.arrays is None or not has_experts(self.run, self.out):
            return []
        return [grouped.adapter_group(number) for number in range(len(self.arrays.experts))]

    @cached_property
    def adapters(self) -> list[tuple[str, str]]:
        """Name and folder of the global adapter, then of each group's (1 + N).

        A group without rows had no adapter tuned: the global one stands for it.
        """
        shared = self.run.adapter_name, ADAPTER
        tuned = self.run.metrics.get("groups", {})
        own = {name: (expert_name(self.run.adapter_name, name), f"{GROUPS}/{name}") for name in tuned}
        return [shared, *(own.get(name, shared) for name in self._groups)]

    @property
    def projector(self) -> str:
        """The projector's folder; empty where prompts are text alone."""
        return PROJECTOR if has_vectors(self.run, self.out) else ""

    @property
    def matrix(self) -> NDArray[np.float32]:
        """The vectors (u + v, d) of end users, then of items, whose rows the marks in prompts name."""
        assert self.arrays is not None
        return np.concatenate([self.arrays.vectors, self.arrays.item_vectors]).astype(np.float32)

    def choice(self, end_user: int) -> Choice:
        """The gate's choice for the end user with this primary key: for one without a vector the global adapter."""
        row = self.arrays.row_of(end_user) if self.arrays and self._groups else None
        if self.arrays is None or row is None:
            return by_weights([1 / len(self._groups) for _ in self._groups])
        return self.arrays.choice(row)

    def acting(self, choice: Choice, *, mixed: bool = False) -> Acting:
        names = tuple(name for name, _ in self.adapters)
        return Acting(names, choice.kind, choice.weights, self.run.grouping_id if self._groups else None, mixed)

    def shows(self, end_user: int) -> Shows:
        """What prompts about the end user with this primary key show: what the rows of the tuning did."""
        keywords = "keywords" not in self.out
        if not self.projector or self.arrays is None:
            return Shows(keywords)
        row = self.arrays.row_of(end_user)
        return Shows(keywords, "" if row is None else _mark(row), partial(_mark_of_item, self.arrays))

    def require_weights(self) -> None:
        """Raises CannotScoreError where files are missing, or not those that were registered."""
        again = f"Tune again, or have the folder {self.folder} restored."
        try:
            known: dict[str, str] = json.loads((self.folder / DESCRIBED).read_text(encoding="utf-8"))["files"]
            used = {folder for _, folder in self.adapters} | {self.projector or ADAPTER}
            for path, digest in known.items():
                if path.rpartition("/")[0] in used and sha256_of(self.folder / path) != digest:
                    raise CannotScoreError(f"{path} of {self.run} is not the file that was registered. {again}")
        except (OSError, ValueError, KeyError) as error:
            raise CannotScoreError(f"The weights of {self.run} are gone. {again}") from error


def opened(catalog: Catalog, config: ScoringConfig) -> Tuned | None:
    """The tuned run that a scoring run names; None where it names none. Raises CannotScoreError."""
    if config.tuned is None:
        return None
    run = ThinkrecRun.objects.select_related("catalog", "grouping").filter(pk=config.tuned).first()
    if run is None:
        raise CannotScoreError(f"There is no ThinkRec tuning {config.tuned}.")
    if run.catalog_id != catalog.pk:
        raise CannotScoreError(
            f"{run} learnt from {run.catalog}, not from {catalog}: its groups and vectors are of others. To try its "
            f"texts alone, name the folder of its adapter (adapter: {service.folder_of(run) / ADAPTER})."
        )
    if run.state != RunState.DONE:
        raise CannotScoreError(f"{run} is not done ({run.get_state_display().lower()}): it has no weights to score by.")
    _require_same(run, config)
    out = ablation.left_out(run.config.get("without", ()), config.without)
    tuned = Tuned(run, out, _arrays(run, out))
    if config.where == "here":
        tuned.require_weights()
    elif tuned.projector:
        raise CannotScoreError(
            f"{run} has a projector, and an endpoint takes no vectors: score here, or without them (without: vectors)."
        )
    return tuned


def has_experts(run: ThinkrecRun, out: frozenset[str]) -> bool:
    return bool(run.metrics.get("groups")) and "experts" not in out


def has_vectors(run: ThinkrecRun, out: frozenset[str]) -> bool:
    return "projector" in run.metrics and "vectors" not in out


def _require_same(run: ThinkrecRun, config: ScoringConfig) -> None:
    base, split = run.config["base"], run.config["split"]
    if config.base and config.where == "here" and config.base != base:
        raise CannotScoreError(f"{run} was tuned on the base {base}, not on {config.base}: leave the base out.")
    if config.held_out and config.split != split:
        raise CannotScoreError(
            f"{run} learnt from the train part of the split {split}; in {config.split} other opinions are held out, "
            f"and it may have learnt them. Choose the split {split}, or hold nothing out (held_out: 0)."
        )


def _arrays(run: ThinkrecRun, out: frozenset[str]) -> Grouped | None:
    if not (has_experts(run, out) or has_vectors(run, out)):
        return None
    if run.grouping is None:
        raise CannotScoreError(
            f"The groups and vectors of {run} came from files, or are gone: nobody's are kept with it. Tune with "
            "--grouping, or score without experts and vectors (without: all-but-global)."
        )
    try:
        return grouped.load(run.grouping)
    except grouped.GroupingFilesError as error:
        raise CannotScoreError(str(error)) from error


def _mark(row: int) -> str:
    return f"{PLACE}{row}{PLACE}"


def _mark_of_item(arrays: Grouped, item: int) -> str:
    row = int(np.searchsorted(arrays.items, item))
    known = row < len(arrays.items) and arrays.items[row] == item
    return _mark(len(arrays.end_users) + row) if known else ""
