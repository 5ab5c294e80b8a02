"""What ThinkRec learns from: one question about one end user and one item, and the answer to learn (METHODS.md 2.3).

A row's history is what its end user had met strictly before, likes and dislikes (`recommender.thinkrec.blocks`). What
they thought of the item itself is in the answer and nowhere in the prompt. A row on a trace shows the same prompt, and
learns reasons too.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import PARTS, UNSCORED, Codes
from recommender.models import Catalog
from recommender.thinkrec.blocks import blocks
from recommender.thinkrec.prompts import OPINION, PLACE, Described, Past, Person, asked
from recommender.thinkrec.shown import as_shown
from recommender.thinkrec.tuning.config import CannotTuneThinkrecError

YES_NO = OPINION

Kind = Literal["recommend", "reason"]
Entity = tuple[Literal["end_user", "item"], str]  # and its external id
Known = Callable[[Entity], bool]  # whether it has a vector
Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """`end_user`, `item`: external ids. `history`: items and whether they were liked, oldest first.

    `answer`: "Yes" or "No", and in a row of the kind "reason" a full stop and the trace after it.
    """

    end_user: str
    item: str
    label: bool
    kind: Kind
    answer: str
    history: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Why an end user did or did not like an item at a moment, as a model or a person told it. `tag`: config.TAGS."""

    end_user: str
    item: str
    moment: int
    answer: str
    tag: str


@dataclass(frozen=True, slots=True)
class Rows:
    """`left_out`: how many traces were not learnt, by the reason."""

    train: list[Row]
    valid: list[Row]
    left_out: Mapping[str, int]


def build(
    interactions: Interactions,
    codes: Codes,
    traces: Iterable[Trace] = (),
    *,
    tags: Collection[str],
    apart: Collection[int] = (),
    grows: int = 0,
) -> Rows:
    """The rows of the train and the valid part, and those of the train part's traces with one of these tags.

    A trace is left out whose interaction is not in the train part ("elsewhere"), whose tag is not chosen ("tag"), or
    which does not begin with the right word ("contradicts"). `apart`: keys of interactions that are no row at all.
    `grows`: by how much a history may grow over the rows that follow before it begins with ten again.
    """
    codes = np.where(np.isin(interactions.keys, list(apart)), UNSCORED, codes)
    train, valid = (np.flatnonzero(codes == PARTS[part]) for part in ("train", "valid"))
    recommended = dict(_rows(interactions, train, grows=grows))
    place = {_key(interactions, row): row for row in recommended}
    reasons, left_out = [], Counter[str]()
    for trace in traces:
        about = recommended.get(place.get((trace.end_user, trace.item, trace.moment), -1))
        if about is None:
            left_out["elsewhere"] += 1
        elif trace.tag not in tags:
            left_out["tag"] += 1
        elif (answer := _answer(trace.answer, about.label)) is None:
            left_out["contradicts"] += 1
        else:
            reasons.append(Row(about.end_user, about.item, about.label, "reason", answer, about.history))
    return Rows(
        [*recommended.values(), *reasons], [row for _, row in _rows(interactions, valid, grows=grows)], dict(left_out)
    )


def together(rows: Sequence[Row], *, most: int) -> list[tuple[Row, ...]]:
    """Rows that follow each other and whose histories go on from one another, at most `most` at once."""
    found: list[list[Row]] = []
    for row in rows:
        last = found[-1][-1] if found else None
        goes_on = (
            last is not None
            and (last.end_user, last.kind) == (row.end_user, row.kind)
            and row.history[: len(last.history)] == last.history
            and len(found[-1]) < most
        )
        if goes_on:
            found[-1].append(row)
        else:
            found.append([row])
    return [tuple(rows) for rows in found]


def read_traces(path: Path) -> Iterator[Trace]:
    """Traces of a JSONL file with end_user, item, moment, answer and tag. Raises CannotTuneThinkrecError."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                told = json.loads(line)
                yield Trace(
                    str(told["end_user"]), str(told["item"]), int(told["moment"]), str(told["answer"]), str(told["tag"])
                )
            except (ValueError, KeyError, TypeError) as error:
                raise CannotTuneThinkrecError(
                    f"Line {number} of the traces cannot be read: it needs end_user, item, moment, answer and tag."
                ) from error


def shown_items(catalog: Catalog, *, keywords: bool = True) -> dict[str, Described]:
    """The catalog's items by external id, as prompts show them; without `keywords` by their titles alone."""
    items = list(catalog.items.order_by("pk"))
    shown = as_shown(items, catalog, keywords=keywords)
    return {item.external_id: shown[item.pk] for item in items}


@dataclass(frozen=True, slots=True)
class Prompts:
    """Rows as messages. `noun`: what an item is called; `ordered`: whether histories say what came first."""

    items: Mapping[str, Described]
    noun: str
    ordered: bool = True

    def of(
        self, row: Row, *, known: Known | None = None, history: int | None = None
    ) -> tuple[list[Message], list[Entity]]:
        """The messages of a row, as candidates are asked about; the entities of its PLACEs, in order.

        Without `known` there are no places: a prompt of text alone. With it an end user or item that is not `known`
        gets no place and no word about one. `history`: how many of the last items are shown; None: all.
        """
        entities: list[Entity] = []

        def place(entity: Entity) -> str:
            if known is None or not known(entity):
                return ""
            entities.append(entity)
            return PLACE

        def item(name: str) -> Described:
            shown = self.items[name]
            return Described(shown.title, shown.keywords, place(("item", name)))

        shown = len(row.history) if history is None else min(history, len(row.history))
        last = row.history[len(row.history) - shown :]
        past = tuple(Past(item(name), liked) for name, liked in last)
        person = Person(self.noun, past, ordered=self.ordered, vector=place(("end_user", row.end_user)))
        (prompt,) = asked(person, [item(row.item)], shown=len(past))
        return list(prompt.messages), entities


def _key(interactions: Interactions, row: int) -> tuple[str, str, int]:
    end_user, item = interactions.end_user[row], interactions.item[row]
    return interactions.end_users[end_user], interactions.items[item], int(interactions.moment[row])


def _rows(interactions: Interactions, rows: NDArray[np.int64], *, grows: int) -> Iterator[tuple[int, Row]]:
    """Each of `rows`, ascending, with its number."""

    def past(known: int) -> tuple[str, bool]:
        return interactions.items[interactions.item[known]], bool(interactions.liked[known])

    for block in blocks(interactions, rows, grows=grows):
        for place, row in enumerate(block.rows):
            end_user, item, _ = _key(interactions, row)
            label = bool(interactions.liked[row])
            history = tuple(map(past, block.history(place).tolist()))
            yield row, Row(end_user, item, label, "recommend", YES_NO[label], history)


def _answer(told: str, label: bool) -> str | None:
    """A trace as "Yes. …" or "No. …" with single blanks; None where it has no reason or says the other word."""
    text = " ".join(told.split())
    word = YES_NO[label]
    reason = text[len(word) :].lstrip(" .,:;—–-")
    return f"{word}. {reason}" if text.startswith(word) and not text[len(word) :][:1].isalnum() and reason else None
