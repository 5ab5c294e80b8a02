"""What the home page says about each catalog."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet

from recommender.accounts.visible import catalogs_of
from recommender.llm import gguf_header
from recommender.llm.labels import SMALL, Label, label_of
from recommender.llm.weights import NoWeightsError, gguf_of
from recommender.models import (
    RATIONALES,
    Account,
    BackboneVersion,
    Catalog,
    EndUser,
    Item,
    Knowledge,
    Round,
    RoundState,
    Turn,
    VersionState,
)
from recommender.process_cache import ProcessCache
from reviews.models import Review, ReviewState


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """How far one catalog is on the way from imported rows to explained recommendations."""

    catalog: Catalog
    end_users: int
    items: int
    texts_under_way: int
    texts_written: int
    reviews_open: int
    approved: int
    active: BackboneVersion | None


@dataclass(frozen=True, slots=True)
class Tallies:
    """Rows of every catalog, by its id."""

    end_users: dict[int, int]
    items: dict[int, int]
    texts_under_way: dict[int, int]
    texts_written: dict[int, int]
    reviews_open: dict[int, int]
    approved: dict[int, int]


@dataclass(frozen=True, slots=True)
class AiInUse:
    """`what`: which models write and check, in a sentence; `label`: of the one that writes."""

    what: str
    label: Label | None


def ai_in_use() -> AiInUse:
    """By the settings; no endpoint is asked."""
    actor, reflector = (_described(settings.LLM[role]) for role in ("actor", "reflector"))
    said = f"{actor} writes and checks." if actor == reflector else f"{actor} writes, {reflector} checks."
    label = label_of(str(settings.LLM["actor"]["model"]))
    warned = " It is for trying out: expect that many of its answers cannot be read." if label == SMALL else ""
    said = said.replace("the", "The", 1) if said.startswith("the ") else said  # a model's name stays as it is
    return AiInUse(f"{said}{warned}", label)


def _described(role: dict[str, Any]) -> str:
    if role["base_url"] != settings.EMBEDDED_ENDPOINT_URL:
        return f"{role['model']} at {urlsplit(role['base_url']).hostname or '?'}"
    if settings.LOCAL_LLM:
        return f"{role['model']}{_size(settings.LOCAL_LLM)}, which llama.cpp serves on this machine,"
    return "the demonstration model, which is statistics and no LLM,"


@cache
def _size(word: str) -> str:
    """How large the model is, in brackets; empty where its file cannot be read."""
    try:
        return f" ({gguf_header.read(gguf_of(word)).parameters / 1e6:,.0f} million parameters)"
    except NoWeightsError:
        return ""


# Counting a large catalog takes long, and nobody needs it to the second: what took long is kept for a while.
KEPT: ProcessCache[str, Tallies] = ProcessCache("home", most=1)
QUICK = 0.05  # seconds of counting that are not worth keeping
LONGEST_KEPT = 60.0  # seconds


def catalog_facts(account: Account) -> list[CatalogFacts]:
    """The account's catalogs by name. Eight queries, however many there are; two while the tallies are kept."""
    tallies = KEPT.get("all", _tallies, fresh_for=lambda took: min(200 * took, LONGEST_KEPT) if took > QUICK else 0.0)
    active = {v.catalog_id: v for v in BackboneVersion.objects.filter(state=VersionState.ACTIVE).defer("metrics")}
    return [
        CatalogFacts(
            catalog=catalog,
            **{field.name: getattr(tallies, field.name).get(catalog.pk, 0) for field in fields(Tallies)},
            active=active.get(catalog.pk),
        )
        for catalog in catalogs_of(account)
    ]


def _tallies() -> Tallies:
    has_text = Exists(Turn.objects.filter(round=OuterRef("pk"), kind__in=RATIONALES))
    asked = Round.objects.for_knowledge()
    return Tallies(
        end_users=_counts(EndUser.objects.all()),
        items=_counts(Item.objects.all()),
        texts_under_way=_counts(asked.filter(state__in=[RoundState.WAITING, RoundState.ASKING])),
        texts_written=_counts(asked.filter(has_text, state=RoundState.RESTING)),
        reviews_open=_counts(Review.objects.filter(state=ReviewState.OPEN)),
        approved=_counts(Knowledge.objects.filter(in_force=True)),
    )


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("catalog").annotate(n=Count("pk")))
