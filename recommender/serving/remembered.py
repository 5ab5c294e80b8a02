"""Reasons as the serving log keeps them, and back: what was cited, with its shares and statuses of that moment.

No text about somebody is copied: turns and statements have them, which only ever end. So what is erased there is gone
from every replay. One exception: what an LLM reasoned before it scored, whose row the next run writes anew. It stands
in its item's own entry, and goes with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from recommender.grounding.wording import in_words
from recommender.models import Catalog, Statement, Turn
from recommender.serving.explain import cut
from recommender.serving.served import Served
from recommender.serving.texts import HEAVY, author
from recommender.serving.types import (
    AdapterShare,
    Explanation,
    HistoryReason,
    KeptAway,
    Moment,
    OwnStatementReason,
    Reason,
    RuleReason,
    ScoredReason,
    Shown,
    StatementReason,
    StatisticReason,
    TextStatement,
    UserTextReason,
)
from recommender.statements.aspects import aspects_of
from recommender.statements.phrases import Sentence
from recommender.statements.service import said

Kept = Mapping[str, Any]


def keep(shown: Shown) -> dict[str, Any]:
    """A text without its words."""
    text = shown.text
    if text is None:
        return {"status": shown.status}
    return {
        "status": shown.status,
        "turn": text.explanation_id,
        "further": list(text.further),
        "review_status": text.review_status,
        "reviewed_at": text.reviewed_at.isoformat() if text.reviewed_at else None,
        "in_snapshot": text.in_snapshot,
        "statements": [_counted(one) for one in text.statements],
    }


def keep_away(served: Served) -> list[dict[str, Any]]:
    """What keeps items off a list; what the request told is kept nowhere."""
    return [
        _counted(one.statement) | {"said_in": one.said_in, "quoted": bool(one.statement.quote)}
        for one in served.kept_away
        if one.said_in != "request"
    ]


def _counted(one: TextStatement) -> dict[str, int]:
    return {"id": one.statement_id, "liked": one.liked, "ratings": one.ratings, "kept_away": one.kept_away}


def keep_reason(reason: Reason) -> dict[str, Any]:
    kept = asdict(reason)
    if isinstance(reason, StatementReason | OwnStatementReason):
        del kept["aspect"]  # its statement has it
        kept.pop("quote", None)
        if reason.sentence is not None and reason.sentence.turn_id is not None:
            del kept["sentence"]["quote"]  # the text has it; what describes an item may change, and is about nobody
    elif isinstance(reason, HistoryReason):
        kept["met"] = reason.met.value
    elif isinstance(reason, ScoredReason):
        kept |= {"as_of": reason.as_of.value, "scored_at": reason.scored_at.isoformat()}
    return kept


@dataclass(frozen=True, slots=True)
class Memory:
    """The rows that kept reasons name, of one catalog: two queries. `level`: how much of a text was shown."""

    catalog: Catalog
    turns: Mapping[int, Turn]
    statements: Mapping[int, Statement]
    level: Literal["short", "full"]

    @classmethod
    def of(cls, catalog: Catalog, texts: Iterable[Kept], reasons: Iterable[Kept], *, level: str) -> "Memory":
        texts, reasons = list(texts), list(reasons)
        turns = {pk for text in texts for pk in (text.get("turn"), *text.get("further", ())) if pk}
        sentences = filter(None, (reason.get("sentence") for reason in reasons))
        turns |= {sentence["turn_id"] for sentence in sentences if sentence["turn_id"] is not None}
        named = {one["id"] for text in texts for name in ("statements", "kept_away") for one in text.get(name, ())}
        named |= {reason["statement_id"] for reason in reasons if reason["kind"] in ("statement", "own_statement")}
        rows = Turn.objects.filter(pk__in=turns, round__catalog=catalog).select_related("call", "round")
        return cls(
            catalog,
            rows.defer("round__evidence", *(f"call__{name}" for name in HEAVY)).in_bulk() if turns else {},
            Statement.objects.select_related("account", "turn").in_bulk(named) if named else {},
            "short" if level == "short" else "full",
        )

    def text(self, kept: Kept) -> Shown:
        """The text as it was shown; gone where it was erased since."""
        if kept.get("status") != "shown":
            return Shown(kept.get("status", "not_asked"))
        turn = self.turns.get(kept["turn"])
        if turn is None or not turn.text:
            return Shown("gone")
        further = [self.turns[pk] for pk in kept["further"] if pk in self.turns]
        reviewed_at = kept["reviewed_at"]
        text = Explanation(
            about="item" if turn.round.item_id else "user",
            explanation_id=turn.pk,
            text=turn.text,
            review_status=kept["review_status"],
            round_id=turn.round_id,
            as_of=Moment(turn.round.as_of, self.catalog.clock),
            written_by=author(turn),
            reviewed_at=datetime.fromisoformat(reviewed_at) if reviewed_at else None,
            in_snapshot=kept["in_snapshot"],
            further={each.pk: each.text for each in further},
            statements=tuple(self._statement(one) for one in kept["statements"] if one["id"] in self.statements),
        )
        return cut(Shown("shown", text), self.level)

    def kept_away(self, about: Kept) -> tuple[KeptAway, ...]:
        """What kept items off the list; none where it is not known any more, or was not kept then."""
        rows = [(one, self._statement(one)) for one in about.get("kept_away", ()) if one["id"] in self.statements]
        return tuple(KeptAway(one["said_in"], said if one["quoted"] else replace(said, quote="")) for one, said in rows)

    def _statement(self, kept: Kept) -> TextStatement:
        row = self.statements[kept["id"]]
        return TextStatement(
            statement_id=row.pk,
            aspect=self._aspect(row),
            polarity="likes" if row.polarity == "likes" else "dislikes",
            quote=row.quote or (" ".join(said(row).quote(row.turn.text).split()) if row.turn else ""),
            said_by=str(row.account) if row.account else "",
            liked=kept["liked"],
            ratings=kept["ratings"],
            kept_away=kept.get("kept_away", 0),  # lists of before do not have it
        )

    def _aspect(self, row: Statement) -> str:
        return in_words(said(row).aspect, aspects_of(self.catalog).title_of)

    def _sentence(self, kept: Kept) -> Sentence | None:
        """Of the text about the item; None where it was erased since. Of a description as it was then."""
        named = kept.get("sentence")
        if named and named["turn_id"] is None:
            return Sentence(**named)
        turn = self.turns.get(named["turn_id"]) if named else None
        if named is None or turn is None or not turn.text:
            return None
        return Sentence(**named, quote=" ".join(turn.text[named["start"] : named["end"]].split()))

    def reasons(self, kept: Iterable[Kept]) -> tuple[Reason, ...]:
        return tuple(reason for each in kept if (reason := self._reason(each)) is not None)

    def _reason(self, kept: Kept) -> Reason | None:
        clock = self.catalog.clock
        match kept["kind"]:
            case "statement":
                row = self.statements.get(kept["statement_id"])
                if row is None:
                    return None
                return StatementReason(**{**kept, "sentence": self._sentence(kept)}, aspect=self._aspect(row))
            case "own_statement":
                row = self.statements.get(kept["statement_id"])
                if row is None:
                    return None
                told = {**kept, "sentence": self._sentence(kept)}
                return OwnStatementReason(**told, aspect=self._aspect(row), quote=row.quote)
            case "history":
                shared = tuple(kept["shared"])
                return HistoryReason(**{**kept, "met": Moment(kept["met"], clock), "shared": shared})
            case "user_text":
                return UserTextReason(**kept)
            case "scored":
                moments = {
                    "as_of": Moment(kept["as_of"], clock),
                    "scored_at": datetime.fromisoformat(kept["scored_at"]),
                }
                adapters = tuple(AdapterShare(**each) for each in kept.get("adapters", ()))
                return ScoredReason(**{**kept, **moments, "adapters": adapters})
            case "rule":
                return RuleReason(**kept)
            case _:
                return StatisticReason(**kept)
