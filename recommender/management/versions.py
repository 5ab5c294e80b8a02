"""Backbone versions in commands: how they are named, a catalog and a number or nothing, and what their gates said."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from recommender.models import BackboneVersion, Catalog, Examination

SIGNS = {"passed": "✓", "unsure": "?", "failed": "✗"}


def number_argument(parser: ArgumentParser, said: str = "the version's number; the newest unless given") -> None:
    parser.add_argument("number", type=int, nargs="?", help=said)


def catalog_named(name: str) -> Catalog:
    """Raises CommandError, which names the catalogs there are."""
    catalog = Catalog.objects.filter(name=name).first()
    if catalog is None:
        known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
        raise CommandError(f"There is no catalog {name!r}. Catalogs: {known or 'none yet'}.")
    return catalog


def version_named(name: str, number: int | None) -> BackboneVersion:
    """Raises CommandError."""
    versions = catalog_named(name).backbone_versions.select_related("catalog", "snapshot").order_by("number")
    found = versions.last() if number is None else versions.filter(number=number).first()
    if found is None:
        have = ", ".join(str(one) for one in versions.values_list("number", flat=True))
        raise CommandError(f"{name} has no such backbone version. Versions: {have or 'none yet'}.")
    return found


def gates_json(examination: Examination) -> dict[str, Any]:
    """What --json prints."""
    return {
        "version": examination.version.number,
        "against": examination.against.number if examination.against else None,
        "passed": not examination.not_passed,
        "gates": examination.gates,
        "facts": examination.facts,
        "outcome": examination.outcome,
    }


def gate_lines(examination: Examination) -> str:
    """A line for each gate, for a terminal."""
    lines = [f"{SIGNS[gate['outcome']]} {gate['label']}: {gate['words']}" for gate in examination.gates]
    return "\n".join([*lines, *(said for said in (examination.outcome, examination.error) if said)])
