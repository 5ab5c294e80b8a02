"""The stream that an annotator works through: which reviews, told by the addresses and forms of the room."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet

from recommender.accounts.visible import catalogs_of
from recommender.models import Account
from reviews.choices import Kind
from reviews.models import Review

Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True, slots=True)
class Stream:
    """Reviews of one catalog, by its name, and of one kind. Empty: of all."""

    catalog: str = ""
    kind: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any], account: Account) -> "Stream":
        """From a query or a form. What is no kind, or no catalog that the account may see, narrows nothing."""
        kind = str(data.get("kind", ""))
        catalog = str(data.get("catalog", ""))
        known = bool(catalog) and "\x00" not in catalog and catalogs_of(account).filter(name=catalog).exists()
        return cls(catalog if known else "", kind if kind in Kind.values else "")

    @property
    def is_everything(self) -> bool:
        return not (self.catalog or self.kind)

    @property
    def query(self) -> str:
        """What an address ends with to stay in the stream."""
        chosen = {name: value for name, value in (("catalog", self.catalog), ("kind", self.kind)) if value}
        return f"?{urlencode(chosen)}" if chosen else ""

    def holds(self, review: Review) -> bool:
        return self.kind in ("", review.kind) and self.catalog in ("", review.round.catalog.name)

    def narrow(self, rows: Rows, *, at: str = "") -> Rows:
        """Rows whose review, found at `at`, belongs to the stream."""
        if self.catalog:
            rows = rows.filter(**{f"{at}catalog__name": self.catalog})
        if self.kind:
            rows = rows.filter(**{f"{at}kind": self.kind})
        return rows

    @property
    def words(self) -> str:
        """What the stream holds, for people: "users in films"."""
        about = Kind(self.kind).label.lower() if self.kind else ""
        return " in ".join(part for part in (about or "texts", self.catalog) if part)


EVERYTHING = Stream()
