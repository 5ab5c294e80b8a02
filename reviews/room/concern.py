"""Why a text should be read soon: what the AI check said of it, and what its evidence says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recommender.grounding.findings import Finding, findings
from recommender.grounding.tagger.tags import tagger
from recommender.grounding.words import tokens
from recommender.models import Holder, Round, Turn, TurnKind
from recommender.rounds import queries
from recommender.rounds.core.drafts import judgement
from recommender.rounds.core.types import Subject
from recommender.statements import service
from recommender.statements.aspects import CatalogAspects, aspects_of
from reviews.choices import Concern
from reviews.room.statements import evidence_of

LONGEST_QUOTE = 80  # characters that a line has room for
MOST = 20  # findings that a card lists


@dataclass(frozen=True, slots=True)
class Concerns:
    """The gravest, in words, and everything of the proposed texts that the evidence contradicts, as a card lists it."""

    gravest: Concern = Concern.NONE
    words: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)


def concerns_of(round_: Round) -> Concerns:
    """About what the round proposes. Its turns' statements have been read; `catalog` is loaded."""
    kept = queries.proposed(round_)
    turns = queries.turn_values(sorted(round_.turns.all(), key=lambda turn: turn.index))
    by_index = {turn.index: turn for turn in turns}
    checks = [judgement(turns, by_index[turn.index]) for turn in kept]
    written = any(turn.kind == TurnKind.EDIT for turn in kept)
    wrong = _wrong(kept, Subject.from_json(round_.evidence), aspects_of(round_.catalog))
    if not written and not any(check is not None and check.verdict == "reasonable" for check in checks):
        return Concerns(Concern.NOT_PASSED, "", wrong)
    return Concerns(Concern.CONTRADICTED, _told(wrong[0]), wrong) if wrong else Concerns()


def _wrong(texts: Sequence[Turn], subject: Subject, catalog: CatalogAspects) -> list[dict[str, Any]]:
    shown = evidence_of(subject)
    rows = {holder: shown[holder] for holder in (Holder.SUBJECT, Holder.LIKERS, Holder.DISLIKERS)}
    found: list[dict[str, Any]] = []
    for turn in texts:
        said = [service.said(row) for row in turn.statements.all() if row.ended_at is None]
        named = catalog.lexicon.named_in(turn.text, tokens(turn.text))
        titles = [catalog.title_of[item] for each in named for item in each.items]
        own = rows if subject.kind == "item" else rows[Holder.SUBJECT]
        wrong = findings(turn.text, said, own, catalog.title_of, subject.ordered, titles, tagger())  # type: ignore[arg-type]
        found += [_stored(turn, each) for each in wrong]
    return found[:MOST]


def _stored(turn: Turn, finding: Finding) -> dict[str, Any]:
    quote = turn.text[finding.start : finding.end].strip()
    return {
        "turn": turn.pk,
        "kind": finding.kind,
        "start": finding.start,
        "end": finding.end,
        "quote": quote if len(quote) <= LONGEST_QUOTE else f"{quote[: LONGEST_QUOTE - 1]}…",
        "words": finding.words,
        "holder": finding.holder,
        "rows": list(finding.rows),
    }


def _told(finding: dict[str, Any]) -> str:
    """In a sentence, whose words may hold the quote already."""
    quote, words = f"“{finding['quote']}”", finding["words"]
    return (f"It {words}." if quote in words else f"{quote}: it {words}.")[:300]
