"""Write knowledge texts to a file that `evaluate --knowledge-file` reads, on this machine or another."""

import gzip
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.knowledge.proposals import Known, as_proposed, in_force
from recommender.management.options import whole
from recommender.models import Catalog, Interaction
from recommender.rounds.config import SUBJECTS

EVERY = -1  # proposals as they stand, however many refinements they took
CHUNK = 500  # texts whose interactions are read together


class Command(BaseCommand):
    help = (
        "Write the texts in force, or with --proposals what would be were every open proposal approved, as JSON lines: "
        "the subject's id, text, the moment it is known from, and the interactions it was made from."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog")
        parser.add_argument("--out", type=Path, required=True, help="JSON lines; gzipped where the name ends with .gz")
        parser.add_argument("--subjects", choices=list(SUBJECTS), default="all")
        parser.add_argument(
            "--proposals",
            nargs="?",
            type=whole,
            const=EVERY,
            metavar="N",
            help="as if every open proposal were approved; N: as the models alone propose after at most N refinements",
        )
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["catalog"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no catalog {options['catalog']!r}. Catalogs: {known or 'none yet'}.")
        wanted, path = options["proposals"], options["out"]
        texts = (
            list(in_force(catalog))
            if wanted is None
            else as_proposed(catalog, refinements=None if wanted == EVERY else wanted)
        )
        if options["subjects"] != "all":
            texts = [one for one in texts if (one.item_id is not None) == (options["subjects"] == "items")]
        if not texts:
            raise CommandError(
                f"{catalog.name} has no such texts. Open rounds (open_rounds) and approve what they propose, or export "
                "what they propose with --proposals."
            )
        try:
            with (
                gzip.open(path, "wt", encoding="utf-8")
                if path.suffix == ".gz"
                else path.open("w", encoding="utf-8") as file
            ):
                file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in _lines(catalog, texts))
        except OSError as error:
            raise CommandError(f"{path} cannot be written. {error}") from error
        unreviewed = sum(not one.in_force for one in texts)
        counts = {"texts": len(texts), "unreviewed": unreviewed, "out": str(path)}
        said = f"Wrote {len(texts):,} texts to {path}; {unreviewed:,} of them are unreviewed."
        self.stdout.write(json.dumps(counts) if options["json"] else said)


def _lines(catalog: Catalog, texts: list[Known]) -> Iterator[dict[str, Any]]:
    names = {
        "user_id": dict(catalog.end_users.values_list("pk", "external_id")),
        "item_id": dict(catalog.items.values_list("pk", "external_id")),
    }
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        shown = [_shown(one.evidence) for one in chunk]
        rows = Interaction.objects.filter(pk__in={key for keys in shown for key in keys})
        pairs = {pk: (end_user, item) for pk, end_user, item in rows.values_list("pk", "end_user_id", "item_id")}
        for one, keys in zip(chunk, shown, strict=True):
            name = "item_id" if one.item_id is not None else "user_id"
            yield {
                name: names[name][one.item_id or one.end_user_id or 0],
                "text": one.texts[0],
                **({"further": list(one.texts[1:])} if len(one.texts) > 1 else {}),
                "as_of": one.as_of,
                "shown": [
                    (names["user_id"][pairs[key][0]], names["item_id"][pairs[key][1]]) for key in keys if key in pairs
                ],
            }


def _shown(evidence: Mapping[str, Any]) -> list[int]:
    encounters = [one for name in ("history", "liker", "disliker") for one in evidence.get(name, ())]
    return [one["interaction_id"] for one in encounters if one.get("interaction_id")]
