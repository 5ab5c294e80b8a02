"""Whom a list is for: an end user of the catalog, or a visitor, of whom the catalog has no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recommender.models import Catalog, EndUser
from recommender.serving.history import PastInteraction
from recommender.serving.types import Notice, Understood
from recommender.statements.queries import Acting


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody without a row. `external_id`: what the caller calls them; empty for nobody in particular."""

    catalog: Catalog
    external_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


Whom = EndUser | Visitor


@dataclass(frozen=True, slots=True)
class Session:
    """What a request itself tells of somebody, which is used once and kept nowhere.

    `history`: what they met after everything that is stored, oldest first. `said`: statements of a text of theirs.
    `understood`, `notices`: what became of the text, and of what was not to be used.
    """

    history: Sequence[PastInteraction] = ()
    said: Sequence[Acting] = ()
    understood: tuple[Understood, ...] = ()
    notices: tuple[Notice, ...] = ()


NOTHING_TOLD = Session()
