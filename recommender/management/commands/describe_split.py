"""Count what a named split makes of a catalog."""

import json
from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from recommender.dataset import negatives as drawing
from recommender.dataset.interactions import Interactions, read_interactions
from recommender.dataset.named import GIVEN, parsed
from recommender.dataset.split import FOLD_SEED, FOLDS, NO_CUTS, PARTS, SPLITS, UNSCORED, Codes, Cuts, assign, describe
from recommender.management.options import add_options, chosen, made, require_fitting
from recommender.models import Catalog, Clock
from recommender.recipe import TrainConfig
from recommender.runs.errors import TooLittleDataError

ONLY_ORDER = (
    "This catalog's clock only orders: its moments do not compare between end users. These are 80/10/10 of each end "
    "user's own interactions, not a split by global time; that needs a catalog whose clock counts seconds."
)
NO_ORDER = "This catalog has no order: the first half of each end user's interactions is one drawn by chance."


class Command(BaseCommand):
    help = "Count the samples, positives and end users of a catalog's train, valid and test parts under a named split."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        names = f"{{{','.join([*SPLITS, GIVEN.form])}}}"
        add_options(parser, TrainConfig, ["split"], choices=None, metavar=names)
        add_options(parser, TrainConfig, ["fold", "valid_from", "test_from", "negatives"])
        add_options(parser, TrainConfig, ["seed"], help=f"kar: deals end users to folds (default {FOLD_SEED})")
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["catalog"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no catalog {options['catalog']!r}. Catalogs: {known or 'none yet'}.")
        name, given = options.get("split", TrainConfig().split), chosen(options, ("fold", "seed"))
        if given and name != "kar":
            raise CommandError(f"--{next(iter(given))} belongs to the split kar, which alone deals end users to folds.")
        moments, more = chosen(options, ("valid_from", "test_from")), chosen(options, ("negatives",))
        if name.startswith("given:"):  # as runs of LLMs spell it
            name, moments = _parsed(name, moments)
        cuts = made(TrainConfig, {"split": name, **given, **moments, **more}).cuts
        require_fitting(catalog, split=name)
        try:
            found = counts(catalog, name, cuts=cuts, **given, **more)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found) if options["json"] else table(found))


def _parsed(text: str, moments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and moments of `given:VALID_FROM:TEST_FROM`. Raises CommandError."""
    if moments:
        raise CommandError(f"{text} says both moments: leave --valid-from and --test-from out.")
    try:
        name, (valid_from, test_from) = parsed(text)
    except ValueError as error:
        raise CommandError(f"{error} The first moment must be before the second.") from error
    return name, {"valid_from": valid_from, "test_from": test_from}


def counts(
    catalog: Catalog,
    name: str,
    *,
    fold: int = 0,
    seed: int = FOLD_SEED,
    cuts: Cuts = NO_CUTS,
    negatives: int = TrainConfig().negatives,
) -> dict[str, Any]:
    """What --json prints. `samples` count every interaction of a part, `labelled` those known to be liked or not.

    `drawn`, where training draws items as not liked: how many for each like (`negatives`), and in each part;
    `too_little` says why it cannot.
    """
    interactions = read_interactions(catalog)
    only_order = catalog.clock == Clock.ORDER
    end_user, liked = interactions.end_user, interactions.liked
    codes = assign(
        name, end_user, moment=interactions.moment, clock=Clock(catalog.clock), fold=fold, seed=seed, cuts=cuts
    )
    parts = describe(codes, end_user, liked)
    drawn, too_little = dict[str, int](), ""
    try:
        drawn = drawn_beside(interactions, codes, each=negatives, clock=Clock(catalog.clock))
    except TooLittleDataError as error:
        too_little = str(error)
    if only_order and name == "global-time":
        by = "relative order"
    else:
        by = {"r4ec": "end user and order", "kar": "end user", "global-time": "moment", "given": "moment"}[name]
    return {
        "catalog": catalog.name,
        "split": name,
        "by": by,
        **({"fold": fold, "seed": seed} if name == "kar" else {}),
        **({"valid_from": cuts[0], "test_from": cuts[1]} if name == "given" else {}),
        **(
            {"note": ONLY_ORDER if catalog.ordered else NO_ORDER}
            if by == "relative order" or not catalog.ordered
            else {}
        ),
        "interactions": len(interactions),
        "unknown_labels": int((liked < 0).sum()),
        "unscored": int((codes == UNSCORED).sum()),
        **parts,
        "train_before_valid": {
            name: parts["train"][name] + parts["valid"][name] for name in ("samples", "labelled", "positives")
        },
        **({"drawn": {"each": negatives} | drawn} if drawn else {}),
        **({"too_little": too_little} if too_little else {}),
    }


def drawn_beside(interactions: Interactions, codes: Codes, *, each: int, clock: Clock) -> dict[str, int]:
    """How many rows training draws in each part at its default seed; nothing where it draws none."""
    codes = np.where(interactions.liked >= 0, codes, UNSCORED).astype(np.int8)
    if not each or not drawing.are_needed(interactions.liked, codes):
        return {}
    data, codes = drawing.draw(interactions, codes, each=each, seed=TrainConfig().seed, clock=clock)
    return {part: int((data.drawn & (codes == code)).sum()) for part, code in PARTS.items()}


def table(found: dict[str, Any]) -> str:
    """The same for a terminal."""
    fold = f", fold {found['fold']} of {FOLDS} by seed {found['seed']}" if "fold" in found else ""
    cuts = f", valid from {found['valid_from']}, test from {found['test_from']}" if "test_from" in found else ""
    meaning = "each end user's last tenth is tested" if found["by"] == "relative order" else SPLITS[found["split"]].help
    lines = [f"{found['catalog']}, split {found['split']} by {found['by']}{fold}{cuts}: {meaning}.", ""]
    columns = ("samples", "labelled", "positives", "end_users")
    lines.append(f"{'':22}{'samples':>12}{'label known':>14}{'positives':>12}{'end users':>12}")
    for part in PARTS:
        numbers = [found[part][name] for name in columns]
        lines.append(f"{part:22}{numbers[0]:>12,}{numbers[1]:>14,}{numbers[2]:>12,}{numbers[3]:>12,}")
    before = found["train_before_valid"]
    lines.append(
        f"{'train before valid':22}{before['samples']:>12,}{before['labelled']:>14,}{before['positives']:>12,}"
        "   (train and valid together)"
    )
    lines.append("")
    lines.append(
        f"{found['interactions']:,} interactions, {found['unscored']:,} of them history only; "
        f"{found['unknown_labels']:,} do not say whether the item was liked: they count as samples "
        "here, and are neither trained on nor scored."
    )
    if drawn := found.get("drawn"):
        few = (
            "hardly anybody" if any(found[part]["labelled"] > found[part]["positives"] for part in PARTS) else "nobody"
        )
        each = ", ".join(f"{drawn[part]:,} {part}" for part in PARTS)
        lines.append(f"Training adds items as not liked, {drawn['each']} drawn for each like: {few} said no. {each}.")
    if "too_little" in found:
        lines.append(f"Training would stop: {found['too_little']}")
    return "\n".join([*lines, *(["", found["note"]] if "note" in found else [])])
