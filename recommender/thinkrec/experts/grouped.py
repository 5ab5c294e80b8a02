"""A stored grouping: what it found, as JSON in its row, and its vectors in one file, by numbers of rows. numpy only."""

import hashlib
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.models import Catalog, Grouping, RunState
from recommender.thinkrec.experts.gate import Choice, choose
from recommender.thinkrec.experts.groups import Vectors
from recommender.thinkrec.experts.traits import Trait

MOST_TRAITS = 12  # of a group that are kept
IN_A_NAME = 2
ENDING = ".npz"


class GroupingFilesError(Exception):
    """The file of a grouping is missing or not what was stored; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group. `size` counts end users of the train part."""

    number: int  # from 1
    size: int
    traits: tuple[Trait, ...]  # the surest first

    @property
    def name(self) -> str:
        """What its end users like more than others do, in words."""
        told = [value_of(trait.aspect) for trait in self.traits[:IN_A_NAME]]
        return f"Group {self.number}: likes {' and '.join(told)} more" if told else f"Group {self.number}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a grouping came to, without anybody in it."""

    words: str  # how the groups came about
    groups: tuple[Group, ...]
    silhouettes: Mapping[int, float]  # by number of groups, where it chose
    without: int  # end users with nothing in the train part: in no group
    valid: Mapping[str, float | None]  # scores of the vectors on the valid part
    data: str  # hash of the interactions

    @property
    def names(self) -> list[str]:
        return [group.name for group in self.groups]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"silhouettes": {str(number): score for number, score in self.silhouettes.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        groups = tuple(
            Group(each["number"], each["size"], tuple(Trait(**trait) for trait in each["traits"]))
            for each in data["groups"]
        )
        silhouettes = {int(number): score for number, score in data["silhouettes"].items()}
        return cls(**{**data, "groups": groups, "silhouettes": silhouettes})


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """The arrays of a grouping: u end users with a vector, v items with one, N experts, all d wide."""

    end_users: NDArray[np.int64]  # (u) primary keys, ascending
    vectors: Vectors  # (u, d)
    of: NDArray[np.int64]  # (u) groups from 0
    items: NDArray[np.int64]  # (v) primary keys, ascending
    item_vectors: Vectors  # (v, d)
    experts: Vectors  # (N, d)

    def row_of(self, end_user: int) -> int | None:
        """The row of the end user with this primary key; None for who has no vector here."""
        row = int(np.searchsorted(self.end_users, end_user))
        return row if row < len(self.end_users) and self.end_users[row] == end_user else None

    def choice(self, row: int) -> Choice:
        return choose(self.vectors[row], self.experts)

    def members(self, group: int, most: int) -> list[int]:
        """Primary keys of a group's end users (from 0), those nearest to its expert first."""
        rows = np.flatnonzero(self.of == group)
        distance = np.linalg.norm(self.vectors[rows] - self.experts[group], axis=1)
        nearest: list[int] = self.end_users[rows[np.argsort(distance, kind="stable")[:most]]].tolist()
        return nearest

    def among(self, end_users: Collection[int], items: Collection[int]) -> "Grouped":
        """The same, with these end users and items only."""
        people, things = np.isin(self.end_users, list(end_users)), np.isin(self.items, list(items))
        return Grouped(
            self.end_users[people],
            self.vectors[people],
            self.of[people],
            self.items[things],
            self.item_vectors[things],
            self.experts,
        )


def adapter_group(number: int) -> str:
    """What a tuned adapter's group is called, by its number from 0."""
    return f"group-{number + 1}"


def newest(catalog: Catalog) -> Grouping | None:
    """The catalog's newest grouping that is done."""
    return Grouping.objects.filter(catalog=catalog, state=RunState.DONE).order_by("-finished_at", "-pk").first()


def value_of(aspect: str) -> str:
    """`genres=Film-Noir` as pages say it: Film-Noir."""
    return aspect.partition("=")[2]


def folder_for(catalog: Catalog) -> Path:
    """The folder of a catalog's groupings; web and training processes share it."""
    return Path(settings.VAR_DIR) / "groupings" / catalog.name


def path_of(grouping: Grouping) -> Path:
    return Path(settings.VAR_DIR) / "groupings" / grouping.artifact


def new_file(grouping: Grouping) -> Path:
    """Where a file of this grouping may lie: a name that no other one has or had."""
    return folder_for(grouping.catalog) / f"{grouping.pk}-{secrets.token_hex(8)}{ENDING}"


def save(path: Path, grouped: Grouped) -> str:
    """Write the arrays, whole or not at all, for this account's eyes only. Returns the file's SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{name: getattr(grouped, name) for name in _NAMES})
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return _sha256(path)


def load(grouping: Grouping) -> Grouped:
    """The arrays of a grouping that is done. Raises GroupingFilesError."""
    path = path_of(grouping)
    if not path.is_file():  # an erasure may have put another file in its place
        grouping.refresh_from_db(fields=["artifact", "sha256"])
        path = path_of(grouping)
    try:
        if _sha256(path) != grouping.sha256:
            raise GroupingFilesError("The file of these groups is not what was stored. Make the groups again.")
        with np.load(path, allow_pickle=False) as stored:
            return Grouped(*(stored[name] for name in _NAMES))
    except OSError as error:
        raise GroupingFilesError("The file of these groups is missing. Make the groups again.") from error


_NAMES: Sequence[str] = ("end_users", "vectors", "of", "items", "item_vectors", "experts")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
