"""How groups of end users are made. Without torch: web processes read and write it too."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from recommender.dataset.named import ALONE, GIVEN
from recommender.models import Clock
from recommender.runs.errors import CannotRunError
from recommender.setting import Choice, OneOf, Settings
from recommender.thinkrec.experts.groups import NUMBERS, Method

ENCODERS: Mapping[str, Choice] = {  # those of `collaborative.fit.MODELS`, which need torch
    "mf": Choice("MF", "an end user's and an item's vector, multiplied; the quickest"),
    "lightgcn": Choice("LightGCN", "vectors smoothed over who liked what"),
    "sasrec": Choice("SASRec", "what was liked, in its order"),
}
METHODS: Mapping[str, Choice] = {
    "ward": Choice("Ward's clusters", "as published; above 8,000 end users k-means takes their place"),
    "kmeans": Choice("k-means", "for any number of end users"),
}
ORDERED = {name: ALONE[name] for name in ("global-time", "r4ec")}


class CannotGroupError(CannotRunError):
    """No groups can be made of what was asked for."""


class GroupingConfig(Settings):
    """One grouping's settings."""

    of: ClassVar = "grouping"

    encoder: Annotated[str, OneOf(ENCODERS)] = Field(
        default="mf", title="What likes are learned by", description="What gives each end user a vector."
    )
    groups: int | None = Field(
        default=None,
        ge=1,
        le=NUMBERS.stop - 1,
        title="Number of groups",
        description="Left empty, the number whose groups lie furthest apart, if any do.",
    )
    method: Annotated[Method, OneOf(METHODS)] = Field(
        default="ward", title="How groups are made", description="Of those vectors."
    )
    split: Annotated[str, OneOf(ORDERED, GIVEN)] = Field(
        default="global-time", title="Split", description="Vectors and groups are learned from its train part alone."
    )
    extends: int | None = Field(
        default=None,
        title="Extends",
        description="The number of an earlier grouping: its groups stay, and whoever is in none becomes a new one.",
    )
    seed: int = Field(
        default=42, ge=0, le=2**32 - 1, title="Seed", description="The same seed on the same opinions: the same groups."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, title="Settings of the fit", description="Of what likes are learned by, as a mapping."
    )


def require_order(clock: str) -> None:
    """Raises CannotGroupError for a catalog that does not say what came first."""
    if clock == Clock.NONE:
        raise CannotGroupError(
            "Groups are learned from earlier likes and checked on later ones, and this catalog was imported without "
            "an order. Import it again with a time or a number that orders."
        )
