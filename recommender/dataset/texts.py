"""Which knowledge of a snapshot each interaction may see, and the vectors of its texts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.dataset.numbering import NO_TEXT
from recommender.knowledge.proposals import as_proposed
from recommender.models import Catalog, KnowledgeSnapshot, SubjectKind
from recommender.statements.queries import Opinion, opinions


@dataclass(frozen=True, slots=True)
class Text:
    """One knowledge text, or several kept drafts whose vectors are averaged (`further`: hash and text of the others).

    `shown`: primary keys of the interactions its prompts showed. `opinions`: what it says of an end user's likes; None:
    it comes from elsewhere than the database, and nobody has read it.
    """

    kind: SubjectKind
    subject: int  # number of the end user or item
    as_of: int
    text_hash: str
    text: str = field(repr=False, default="")
    shown: frozenset[int] = frozenset()
    further: tuple[tuple[str, str], ...] = field(repr=False, default=())
    opinions: tuple[Opinion, ...] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class ItemsInstead:
    """What low-activity end users have instead of a text of their own: sets of item texts (dataset.low_activity).

    Set n's vector is the mean of its texts' vectors. `of_interaction` (n): which set, -1 for none; `now`: the same of
    each end user as serving uses it.
    """

    sets: Sequence[tuple[int, ...]]  # rows of the vectors
    of_interaction: NDArray[np.int32]
    now: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class KnowledgeRows:
    """The texts of a snapshot; text n's vector is row n + 1 of the vectors, row 0 stands for none.

    With `instead`, the rows after the texts' are those of its sets. `unreviewed`: of proposals, how many of the texts
    nobody approved.
    """

    texts: Sequence[Text]
    instead: ItemsInstead | None = None
    unreviewed: int | None = None

    def assign(self, interactions: Interactions) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """For each interaction the row of its end user's and its item's knowledge, 0 for none: int32 (n), (n).

        The knowledge is the latest with as_of <= the interaction's moment. On top of that a text is never shown to
        an interaction its own prompts showed and, about an item, to no interaction of those end users with that item:
        on an order clock as_of = 0 would not keep them apart. A drawn row sees the text of its end user that the liked
        one sees, and none of its item where the liked one's is hidden: a missing text would tell which one was liked.
        """
        end_user_text = self.known_of(SubjectKind.END_USER, interactions.end_user, interactions.moment)
        item_text = self.known_of(SubjectKind.ITEM, interactions.item, interactions.moment)
        there = item_text != 0
        for number, text, shown in self._shown(interactions):
            if text.kind == SubjectKind.END_USER:
                end_user_text[shown[end_user_text[shown] == number]] = 0
            else:
                witnesses = np.unique(interactions.end_user[shown]).tolist()
                theirs = self._rows_of(interactions, witnesses, text.subject)
                item_text[theirs[item_text[theirs] == number]] = 0
        if self.instead is not None:
            without = (end_user_text == 0) & (self.instead.of_interaction >= 0)
            end_user_text[without] = 1 + len(self.texts) + self.instead.of_interaction[without]
        if interactions.drawn_for is not None:
            drawn = np.flatnonzero(interactions.drawn)
            likes = interactions.drawn_for[drawn]
            end_user_text[drawn] = end_user_text[likes]
            item_text[drawn[there[likes] & (item_text[likes] == 0)]] = 0
        return end_user_text, item_text

    def witnesses(self, interactions: Interactions) -> NDArray[np.int64]:
        """Of item texts, who their prompts showed: (pairs, 2), row of the vectors and number of the end user."""
        pairs = [
            (number, end_user)
            for number, text, shown in self._shown(interactions)
            if text.kind == SubjectKind.ITEM
            for end_user in np.unique(interactions.end_user[shown]).tolist()
        ]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def _shown(self, interactions: Interactions) -> Iterator[tuple[int, Text, NDArray[np.int64]]]:
        """Each text with its row of the vectors, and the rows of the interactions that its prompts showed."""
        by_key = np.argsort(interactions.keys) if self.texts else np.empty(0, dtype=np.int64)
        sorted_keys = interactions.keys[by_key]
        for number, text in enumerate(self.texts, start=1):
            keys = np.fromiter(text.shown, dtype=np.int64)
            place = np.searchsorted(sorted_keys, keys)
            found = place < len(sorted_keys)
            found[found] = sorted_keys[place[found]] == keys[found]
            yield number, text, by_key[place[found]]

    def known_of(self, kind: SubjectKind, subject: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int32]:
        """The row of each subject's latest text with as_of <= its moment, 0 for none: (n)."""
        assigned = np.zeros(len(subject), dtype=np.int32)
        by_subject: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, text in enumerate(self.texts, start=1):
            if text.kind == kind:
                by_subject[text.subject].append((text.as_of, number))
        if not by_subject:
            return assigned
        order = np.argsort(subject, kind="stable")
        ordered = subject[order]
        for which, known in by_subject.items():
            rows = order[np.searchsorted(ordered, which) : np.searchsorted(ordered, which, side="right")]
            as_of, numbers = (np.array(column) for column in zip(*sorted(known), strict=True))
            assigned[rows] = np.r_[0, numbers][np.searchsorted(as_of, moment[rows], side="right")]
        return assigned

    @staticmethod
    def _rows_of(interactions: Interactions, end_users: Iterable[int], item: int) -> NDArray[np.int64]:
        rows: list[int] = []
        for end_user in end_users:
            first, last = np.searchsorted(interactions.end_user, [end_user, end_user + 1])
            rows += (first + np.flatnonzero(interactions.item[first:last] == item)).tolist()
        return np.array(rows, dtype=np.int64)

    def latest(self, kind: SubjectKind) -> dict[int, int]:
        """Each subject's newest knowledge, as serving uses it: number of the subject → row of the vectors."""
        newest: dict[int, tuple[int, int]] = {}
        for number, text in enumerate(self.texts, start=1):
            if text.kind == kind:
                newest[text.subject] = max(newest.get(text.subject, (text.as_of, number)), (text.as_of, number))
        latest = {subject: number for subject, (_, number) in newest.items()}
        if self.instead is None or kind == SubjectKind.ITEM:
            return latest
        return {subject: 1 + len(self.texts) + each for subject, each in self.instead.now.items()} | latest

    def newest_of_items(self, items: int) -> NDArray[np.int64]:
        """The row of each item's newest text, 0 for none: (items)."""
        rows = np.full(items, NO_TEXT, dtype=np.int64)
        for number, row in self.latest(SubjectKind.ITEM).items():
            rows[number] = row
        return rows

    def to_encode(self) -> dict[str, str]:
        """Every text by its hash."""
        further = {text_hash: text for one in self.texts for text_hash, text in one.further}
        return {text.text_hash: text.text for text in self.texts} | further

    def matrix(self, vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """(1 + texts, D), row 0 zero, kept drafts averaged. D is 1 when there is no text at all."""
        width = len(next(iter(vectors.values()))) if vectors else 1
        made = np.zeros((1 + len(self.texts), width), dtype=np.float32)
        for row, text in enumerate(self.texts, start=1):
            if text.further:
                hashes = (text.text_hash, *(text_hash for text_hash, _ in text.further))
                made[row] = np.mean([vectors[one] for one in hashes], axis=0)
            else:
                made[row] = vectors[text.text_hash]
        return made

    def with_sets(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The vectors (1 + texts, D) of `matrix`, or what stands in for them, and after them those of the sets."""
        if self.instead is None or not self.instead.sets:
            return vectors
        made = np.empty((len(vectors) + len(self.instead.sets), vectors.shape[1]), dtype=np.float32)
        made[: len(vectors)] = vectors
        for row, members in enumerate(self.instead.sets, start=len(vectors)):
            made[row] = vectors[list(members)].mean(axis=0)
        return made


def read_texts(snapshot: KnowledgeSnapshot, interactions: Interactions) -> KnowledgeRows:
    """The snapshot's texts, subjects by their numbers in `interactions`, in an order that any database gives."""
    rows = snapshot.knowledge.values_list(
        "end_user_id", "item_id", "as_of", "text_hash", "text", "turn__round__evidence", "further_texts", "turn_id"
    )
    texts, drafts = [], {}
    for end_user, item, as_of, text_hash, text, evidence, others, turn in rows.iterator(chunk_size=500):
        number = interactions.item_keys[item] if item else interactions.end_user_keys[end_user]
        kind = SubjectKind.ITEM if item else SubjectKind.END_USER
        further = tuple((other["text_hash"], other["text"]) for other in others)
        if kind == SubjectKind.END_USER:
            drafts[number, as_of] = [turn, *(other["turn"] for other in others)]
        texts.append(Text(kind, number, as_of, text_hash, text, _shown(evidence), further))
    said = opinions(drafts.values())
    texts = [
        replace(text, opinions=said[drafts[text.subject, text.as_of][0]] if text.kind == SubjectKind.END_USER else ())
        for text in texts
    ]
    return KnowledgeRows(sorted(texts, key=lambda text: (text.kind, text.subject, text.as_of)))


def read_proposed_texts(catalog: Catalog, interactions: Interactions, *, refinements: int | None) -> KnowledgeRows:
    """What knowledge.proposals.as_proposed says of the catalog, as `read_texts` gives it."""
    proposed = as_proposed(catalog, refinements=refinements)
    texts = []
    for one in proposed:
        number = (
            interactions.item_keys[one.item_id] if one.item_id else interactions.end_user_keys[one.end_user_id or 0]
        )
        kind = SubjectKind.ITEM if one.item_id else SubjectKind.END_USER
        (text_hash, text), *further = zip(one.hashes, one.texts, strict=True)
        texts.append(Text(kind, number, one.as_of, text_hash, text, _shown(one.evidence), tuple(further)))
    unreviewed = sum(not one.in_force for one in proposed)
    texts.sort(key=lambda text: (text.kind, text.subject, text.as_of))
    return KnowledgeRows(texts, unreviewed=unreviewed)


def _shown(evidence: Mapping[str, Any]) -> frozenset[int]:
    encounters = [one for name in ("history", "liker", "disliker") for one in evidence.get(name, ())]
    return frozenset(one["interaction_id"] for one in encounters if one.get("interaction_id"))
