"""Reads the gold corpus of statements: texts, what they state, and the catalogs that they speak of."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from recommender.grounding.statements import Facet, FacetKind, Holder, Polarity, Statement

FOLDER = Path(__file__).parent / "data" / "statements"
CATALOGS = {
    "films": Path(__file__).parents[1] / "recommender" / "catalogs" / "sample" / "films.csv",
    "books": FOLDER / "books.csv",
}
KINDS: dict[str, FacetKind] = {"title": "title", "phrase": "phrase", "year": "period"}
Part = Literal["fit", "dev", "held_out"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class GoldText:
    """One text and what a careful person reads in it. The statements have no strength and no place."""

    part: Part
    style: str
    catalog: str
    about: Literal["end_user", "item"]
    subject: str  # the item's external id; empty for end users
    text: str
    statements: tuple[Statement, ...]


@cache
def catalog_items(catalog: str) -> tuple[dict[str, str], ...]:
    """The rows of a catalog: item_id, title, year and attributes; several values of one are separated by |."""
    with CATALOGS[catalog].open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


@cache
def catalog_values(catalog: str) -> dict[str, frozenset[str]]:
    """Every attribute's values, as items have them; `title` has the external ids."""
    items = catalog_items(catalog)
    names = [name for name in items[0] if name not in ("item_id", "title", "year")]
    values = {name: frozenset(value for item in items for value in item[name].split("|") if value) for name in names}
    return values | {"title": frozenset(item["item_id"] for item in items)}


def facet_of(key: str, catalog: str, text: str) -> Facet:
    """The facet that a key writes down. A key that the catalog or the text does not have raises ValueError."""
    name, _, value = key.partition("=")
    kind = KINDS.get(name, "attribute")
    facet = Facet(kind, name if kind in ("attribute", "period") else "", value)
    if kind == "phrase":
        known = bool(value) and value == value.strip() and value in text
    elif kind == "period":
        first, last = facet.years
        known = 0 <= first <= last <= 9999
    else:
        known = value in catalog_values(catalog).get(name, ())
    if not known:
        raise ValueError(f"{key!r} is not in {catalog} or not in the text: {text!r}")
    return facet


def gold_text(line: str, part: Part, style: str) -> GoldText:
    """One line of a file. Whatever the form does not allow raises ValueError."""
    data = json.loads(line)
    catalog, about, subject, text = data["catalog"], data["about"], data.get("subject", ""), data["text"]
    if unknown := set(data) - {"catalog", "about", "subject", "text", "statements"}:
        raise ValueError(f"A line has unknown fields: {sorted(unknown)}")
    if about not in ("end_user", "item") or (about == "item") != bool(subject):
        raise ValueError(f"Only a text about an item has a subject: {text!r}")
    if subject and subject not in catalog_values(catalog)["title"]:
        raise ValueError(f"{subject} is no item of {catalog}")
    statements = []
    for stated in data["statements"]:
        polarity, holder = stated["polarity"], stated["holder"]
        if polarity not in get_args(Polarity) or holder not in get_args(Holder) or not stated["aspect"]:
            raise ValueError(f"This is no statement: {stated}")
        if about == "end_user" and holder != "subject":
            raise ValueError(f"An end user's text has one holder, the subject: {stated}")
        aspect = tuple(facet_of(key, catalog, text) for key in stated["aspect"])
        statements.append(Statement(aspect, polarity, holder=holder))
    return GoldText(part, style, catalog, about, subject, text, tuple(statements))


def read_corpus(part: Part | None = None, style: str | None = None) -> Iterator[GoldText]:
    """Every text, or those of one part or one style."""
    for folder in PARTS:
        for path in sorted((FOLDER / folder).glob(f"{style or '*'}.jsonl")) if part in (None, folder) else ():
            for line in path.read_text(encoding="utf-8").splitlines():
                yield gold_text(line, folder, path.stem)
