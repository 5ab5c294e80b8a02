"""Whom a list is for: an end user of the catalog, or a visitor, of whom the catalog has no row."""

from dataclasses import dataclass

from recommender.models import Catalog, EndUser


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody without a row. `external_id`: what the caller calls them; empty for nobody in particular."""

    catalog: Catalog
    external_id: str = ""


Whom = EndUser | Visitor
