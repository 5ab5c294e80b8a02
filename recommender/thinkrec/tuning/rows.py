"""What ThinkRec learns from: one question about one end user and one item, and the answer to learn (METHODS.md 2.3).

A row's history is what its end user had met strictly before, likes and dislikes. What they thought of the item itself
is in the answer and nowhere in the prompt. A row on a trace shows the same prompt, and learns reasons too.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import PARTS, UNSCORED, Codes
from recommender.models import Catalog
from recommender.thinkrec.prompts import LONGEST_HISTORY, OPINION, PLACE, Described, Past, Person, asked
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
) -> Rows:
    """The rows of the train and the valid part, and those of the train part's traces with one of these tags.

    A trace is left out whose interaction is not in the train part ("elsewhere"), whose tag is not chosen ("tag"), or
    which does not begin with the right word ("contradicts"). `apart`: keys of interactions that are no row at all.
    """
    codes = np.where(np.isin(interactions.keys, list(apart)), UNSCORED, codes)
    train, valid = (np.flatnonzero(codes == PARTS[part]).tolist() for part in ("train", "valid"))
    recommended = {row: _row(interactions, row) for row in train}
    place = {_key(interactions, row): row for row in train}
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
    return Rows([*recommended.values(), *reasons], [_row(interactions, row) for row in valid], dict(left_out))


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
        self, row: Row, *, known: Known | None = None, history: int = LONGEST_HISTORY
    ) -> tuple[list[Message], list[Entity]]:
        """The messages of a row, as candidates are asked about; the entities of its PLACEs, in order.

        Without `known` there are no places: a prompt of text alone. With it an end user or item that is not `known`
        gets no place and no word about one. `history`: how many of the last items are shown.
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

        last = row.history[len(row.history) - min(history, len(row.history)) :]
        past = tuple(Past(item(name), liked) for name, liked in last)
        person = Person(self.noun, past, ordered=self.ordered, vector=place(("end_user", row.end_user)))
        (prompt,) = asked(person, [item(row.item)])
        return list(prompt.messages), entities


def _key(interactions: Interactions, row: int) -> tuple[str, str, int]:
    end_user, item = interactions.end_user[row], interactions.item[row]
    return interactions.end_users[end_user], interactions.items[item], int(interactions.moment[row])


def _row(interactions: Interactions, row: int) -> Row:
    end_user, item, _ = _key(interactions, row)
    label = bool(interactions.liked[row])
    return Row(end_user, item, label, "recommend", YES_NO[label], tuple(_history(interactions, row)))


def _history(interactions: Interactions, row: int) -> Sequence[tuple[str, bool]]:
    """The last known likes and dislikes strictly before a row, oldest first: of its own moment nothing is shown."""
    found: list[tuple[str, bool]] = []
    end_user, moment, liked = interactions.end_user, interactions.moment, interactions.liked
    earlier = row - 1
    while earlier >= 0 and end_user[earlier] == end_user[row] and len(found) < LONGEST_HISTORY:
        if moment[earlier] < moment[row] and liked[earlier] >= 0:
            found.append((interactions.items[interactions.item[earlier]], bool(liked[earlier])))
        earlier -= 1
    return found[::-1]


def _answer(told: str, label: bool) -> str | None:
    """A trace as "Yes. …" or "No. …" with single blanks; None where it has no reason or says the other word."""
    text = " ".join(told.split())
    word = YES_NO[label]
    reason = text[len(word) :].lstrip(" .,:;—–-")
    return f"{word}. {reason}" if text.startswith(word) and not text[len(word) :][:1].isalnum() and reason else None
