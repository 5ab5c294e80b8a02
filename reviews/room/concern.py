"""Why a text should be read soon: what the AI check said of it, and what its evidence says otherwise."""

from collections.abc import Sequence

from recommender.grounding.ratings import misquotes
from recommender.models import Round, Turn, TurnKind
from recommender.rounds import queries
from recommender.rounds.core.drafts import judgement
from recommender.rounds.core.types import Encounter, Subject
from reviews.choices import Concern

LONGEST_TITLE = 80  # characters that a line has room for


def concern_of(round_: Round) -> tuple[Concern, str]:
    """The gravest concern about what the round proposes, and what the evidence contradicts, in words."""
    kept = queries.proposed(round_)
    turns = queries.turn_values(sorted(round_.turns.all(), key=lambda turn: turn.index))
    by_index = {turn.index: turn for turn in turns}
    checks = [judgement(turns, by_index[turn.index]) for turn in kept]
    written = any(turn.kind == TurnKind.EDIT for turn in kept)
    if not written and not any(check is not None and check.verdict == "reasonable" for check in checks):
        return Concern.NOT_PASSED, ""
    words = contradictions(kept, Subject.from_json(round_.evidence))
    return (Concern.CONTRADICTED, words) if words else (Concern.NONE, "")


def contradictions(texts: Sequence[Turn], subject: Subject) -> str:
    """One sentence about the first rating that these texts quote wrongly; empty where they quote none."""
    shown: list[Encounter] = [*subject.history, *subject.liker, *subject.disliker]
    rated = [(each.title, each.rating) for each in shown]
    for text in texts:
        for wrong in misquotes(text.text, rated):
            title = wrong.title if len(wrong.title) <= LONGEST_TITLE else f"{wrong.title[: LONGEST_TITLE - 1]}…"
            return f"It says that “{title}” was rated {wrong.said:g}; the evidence says {wrong.rated:g}."
    return ""
