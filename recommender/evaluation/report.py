"""What an evaluation found, in plain words with numbers. Pure: figures in, sentences out.

Knowledge *helps* where the intervals of its gain in AUC and in GAUC are both above zero. That is a claim from SEEDS
seeds on, and a lead before. It is the *knowledge* that helps only where it also beats every control in what it gains.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from recommender.dataset import negatives
from recommender.dataset.histories import FROZEN, STREAMING
from recommender.evaluation.arms import ARMS, BASE, PLAIN, PUBLISHED, SEEDS
from recommender.evaluation.figures import ALL
from recommender.recipe import BACKBONES, CONTROLS, KNOWLEDGE, TrainConfig
from recommender.setting import label_of

DECIDING = ("auc", "gauc")
OF_LISTS = "ndcg@10"  # there where whole catalogs were ranked
NAMES = {
    "auc": "AUC",
    "gauc": "GAUC",
    "uauc": "UAUC",
    "logloss": "LogLoss",
    "ece": "ECE",
    "ndcg@10": "NDCG@10",
    "map@10": "MAP@10",
    "recall@10": "Recall@10",
    "thinkrec_uauc": "ThinkRec's UAUC",
    "thinkrec_ndcg@5": "ThinkRec's NDCG@5",
    "thinkrec_map@5": "ThinkRec's MAP@5",
}
TO = {BASE: "everything else", PLAIN: "R4ec's plain inputs"}  # what knowledge is added to
Row = Mapping[str, Any]


class Effect(StrEnum):
    HELPS = "helps"
    HURTS = "hurts"
    PARTLY = "helps in part"
    MIXED = "cuts both ways"
    UNCLEAR = "makes no difference that can be told"
    UNKNOWN = "cannot be judged"


WORDS = {  # of an effect, after "The texts"
    Effect.HELPS: "help",
    Effect.HURTS: "hurt",
    Effect.PARTLY: "help in part",
    Effect.MIXED: "cut both ways",
    Effect.UNCLEAR: "make no difference that can be told",
}


class Explained(StrEnum):
    """Whether a control explains what knowledge does."""

    NO = "no"
    YES = "yes"
    UNTESTED = "untested"
    NOTHING = "nothing to explain"


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one backbone. `sentences` stand on their own, without the headline."""

    backbone: str
    effect: Effect
    explained: Explained
    claim: bool  # enough seeds
    headline: str
    sentences: list[str]

    @property
    def tone(self) -> str:
        """good, bad, warn or info: how a page shows it."""
        if self.effect == Effect.HURTS:
            return "bad"
        if self.effect == Effect.HELPS and self.explained == Explained.NO:
            return "good" if self.claim else "info"
        return "info" if self.effect == Effect.UNKNOWN else "warn"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def report(figures: Mapping[str, Any], *, texts: int | None = None) -> list[Finding]:
    """One finding for each backbone that has fits. `texts`: how many were evaluated; None: not known."""
    arms = figures.get("arms", ())
    bare = texts == 0 and any(ARMS[row["arm"]].source for row in arms)
    backbones = dict.fromkeys(row["backbone"] for row in arms)
    return [_nothing(backbone) if bare else _finding(backbone, figures) for backbone in backbones]


def about_rows(config: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """What was tested, from an evaluation's config and facts."""
    settings, tested = config["settings"], facts["samples"]["test"]
    name = TrainConfig.from_json(settings).split_in_words
    share = "" if config["users"] == 1 else f"; {100 * config['users']:.3g} % of all end users, drawn at random"
    drawn = negatives.said(facts["samples"], TrainConfig.from_json(settings).negatives)
    if drawn:
        drawn = f" {drawn}, so that AUC tells likes from those."
    return f"Split {name}: {tested['labelled']:,} test samples of {tested['end_users']:,} end users{share}.{drawn}"


def about_texts(config: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """How many texts were evaluated and whose they are, from an evaluation's config and facts."""
    count = f"{facts['texts']:,} texts"
    if config.get("knowledge_file"):
        return f"{count} from the file {config['knowledge_file']}."
    if not config.get("proposals"):
        return f"{count}, all of them approved by people." if facts["texts"] else f"{count}."
    if config.get("refinements") is not None:
        times = "1 refinement" if config["refinements"] == 1 else f"{config['refinements']} refinements"
        return f"{count} as the models alone propose them after at most {times}: unreviewed, nobody approved them."
    return f"{count} as they would be were every open proposal approved: {facts['unreviewed']:,} are unreviewed."


def number(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def said(row: Row) -> str:
    """A difference with its interval: +0.0021 AUC [+0.0017, +0.0025]."""
    name = NAMES.get(row["metric"], row["metric"])
    return f"{number(row['estimate'])} {name} [{number(row['low'])}, {number(row['high'])}]"


def effect(gains: Sequence[Row | None]) -> Effect:
    """Of the differences in DECIDING; None where one is undefined."""
    known = [gain for gain in gains if gain is not None]
    if len(known) < len(DECIDING):
        return Effect.UNKNOWN
    above, below = (sum(test) for test in ((g["low"] > 0 for g in known), (g["high"] < 0 for g in known)))
    if above and below:
        return Effect.MIXED
    if above:
        return Effect.HELPS if above == len(known) else Effect.PARTLY
    return Effect.HURTS if below else Effect.UNCLEAR


def _nothing(backbone: str) -> Finding:
    """There are no texts, so that every arm with knowledge, or a control in its place, is the one without."""
    name = label_of(BACKBONES, backbone)
    headline = f"There are no texts, so we cannot say whether texts help {name}."
    why = (
        "Every arm with knowledge, or with a control in its place, is the model without it. Approve texts in the "
        "review room, evaluate open proposals, or name a file of texts."
    )
    return Finding(backbone, Effect.UNKNOWN, Explained.NOTHING, False, headline, [why])


def _finding(backbone: str, figures: Mapping[str, Any]) -> Finding:
    name = label_of(BACKBONES, backbone)
    rows = [row for row in figures["differences"] if row["backbone"] == backbone]

    def differences(one: str, other: str, history: str = STREAMING, part: str = ALL) -> list[Row | None]:
        found = {
            row["metric"]: row
            for row in rows
            if (row["one"], row["other"], row["history"], row["slice"]) == (one, other, history, part)
        }
        return [found.get(metric) for metric in DECIDING]

    done = {row["arm"] for row in figures["arms"] if row["backbone"] == backbone}
    informed, bare = (PUBLISHED, PLAIN) if done <= {PUBLISHED, PLAIN} else (KNOWLEDGE, BASE)
    gains = differences(informed, bare)
    of_gains = effect(gains)
    known = [gain for gain in gains if gain is not None]
    if of_gains == Effect.UNKNOWN:
        return Finding(backbone, of_gains, Explained.NOTHING, False, *_unknown(name, done, (bare, informed), known))
    each = {control: differences(KNOWLEDGE, control) for control in CONTROLS}
    controls = {control: rows for control, rows in each.items() if None not in rows}
    # Of the comparison with the fewest: a control that is still being trained holds the claim back.
    seeds = min(row["seeds"] for rows in [gains, *controls.values()] for row in rows if row)
    claim = seeds >= SEEDS
    explained, about_controls = _explained(of_gains, gains, controls)
    sentences = [
        f"With {name}, adding the knowledge to {TO[bare]} changes the test part by {_list(map(said, known))}.",
        about_controls,
        _frozen(of_gains, differences(informed, bare, FROZEN)),
        *(
            f"In lists from the whole catalog the change is {said(row)}."
            for row in rows
            if (row["one"], row["other"], row["metric"]) == (informed, bare, OF_LISTS)
        ),
        *_for_whom(
            {part: differences(informed, bare, STREAMING, part)[0] for part in figures["slices"] if part != ALL}
        ),
        _how_sure(seeds, claim),
    ]
    return Finding(
        backbone, of_gains, explained, claim, _headline(name, of_gains, explained, claim), [s for s in sentences if s]
    )


def _headline(name: str, effect: Effect, explained: Explained, claim: bool) -> str:
    what = f"The texts {WORDS[effect]} with {name}"
    if effect in (Effect.HELPS, Effect.PARTLY):
        why = {
            Explained.NO: ", and nothing in their place does as well",
            Explained.YES: ", but something else in their place may do as well",
            Explained.UNTESTED: ", but nothing else was tried in their place",
        }
        what += why.get(explained, "")
    elif effect == Effect.MIXED:
        what += ": one measure rises, another falls"
    return f"{what}." if claim else f"Only a hint so far: {what[0].lower()}{what[1:]}."


def _explained(
    effect: Effect, gains: Sequence[Row | None], controls: Mapping[str, Sequence[Row | None]]
) -> tuple[Explained, str]:
    if not controls:
        return (
            Explained.UNTESTED,
            "No control was run beside it, so nothing says that it is the knowledge which counts.",
        )
    gained = [gain["metric"] for gain in gains if gain and gain["low"] > 0]
    unbeaten = {
        control: [row["metric"] for row in rows if row and row["metric"] in gained and row["low"] <= 0]
        for control, rows in controls.items()
    }
    best = min(controls, key=lambda c: (not unbeaten[c], _smallest(controls[c])))
    against = _list(said(row) for row in controls[best] if row)
    what = f"the strongest control ({best}: {CONTROLS[best].help})"
    if effect not in (Effect.HELPS, Effect.PARTLY):
        return Explained.NOTHING, f"Against {what} the difference is {against}."
    if not any(unbeaten.values()):
        every = "every control" if len(controls) > 1 else f"the one control that was run ({best})"
        return Explained.NO, f"It also beats {every} in {_names(gained)}. Against {what} the difference is {against}."
    return Explained.YES, (
        f"But {what} leaves {against} when it stands in its place, which is not surely above zero in "
        f"{_names(unbeaten[best])}: the gain cannot be put down to what the texts say."
    )


def _names(metrics: Sequence[str]) -> str:
    return _list(NAMES[metric] for metric in metrics)


def _smallest(gains: Sequence[Row | None]) -> float:
    return min(float(gain["estimate"]) for gain in gains if gain)


def _frozen(streaming: Effect, gains: Sequence[Row | None]) -> str:
    known = [gain for gain in gains if gain is not None]
    if not known:
        return ""
    same = effect(gains)
    verdict = "the same holds" if same == streaming else f"it {same}"
    return (
        f"With every history frozen at the split, as for a list that is served, {verdict}: {_list(map(said, known))}."
    )


def _for_whom(parts: Mapping[str, Row | None]) -> list[str]:
    """By slice, on AUC."""
    known = {part: row for part, row in parts.items() if row is not None}
    if not known:
        return []
    sorts = {
        "It helps": [part for part, row in known.items() if row["low"] > 0],
        "It hurts": [part for part, row in known.items() if row["high"] < 0],
    }
    unclear = [part for part, row in known.items() if row["low"] <= 0 <= row["high"]]
    sentences = [
        f"{words} {_list(f'{part} ({said(known[part])})' for part in some)}." for words, some in sorts.items() if some
    ]
    stands_out = bool(sentences)
    if unclear:
        sentences.append(f"No difference can be told for {_list(f'{part} ({said(known[part])})' for part in unclear)}.")
    if stands_out:
        sentences.append(f"These are {len(known)} comparisons at 95 % each, so that one may stand out by chance.")
    return sentences


def _how_sure(seeds: int, claim: bool) -> str:
    if claim:
        return f"That is over {seeds} seeds; the intervals hold 95 % and cover end users and seeds."
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    return f"That is {count}: {SEEDS} or more are conclusive, fewer are only a hint."


def _unknown(name: str, done: Set[str], arms: Iterable[str], known: Sequence[Row]) -> tuple[str, list[str]]:
    missing = [ARMS[arm].label for arm in arms if arm not in done]
    if missing:
        return f"We cannot say yet whether the texts help {name}.", [
            f"The comparison takes a model {_list(missing)}, and that is not done or was not asked for."
        ]
    if known:
        why = f"Only {_list(map(said, known))} is defined: nobody in the test part both liked and disliked something."
    else:
        why = "AUC and GAUC are undefined: everything in the test part is liked, or nothing is."
    return f"We cannot tell on this test whether the texts help {name}.", [why]


def _list(parts: Any) -> str:
    """a, b and c."""
    *most, last = list(parts)
    return f"{', '.join(most)} and {last}" if most else str(last)
