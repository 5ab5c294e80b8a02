"""Which knowledge of a snapshot each interaction may see, and the vectors of its texts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.models import KnowledgeSnapshot, SubjectKind
from recommender.training.data import Interactions


@dataclass(frozen=True, slots=True)
class Text:
    """One knowledge text. `shown`: primary keys of the interactions its prompts showed."""

    kind: SubjectKind
    subject: int  # number of the end user or item
    as_of: int
    text_hash: str
    text: str = field(repr=False, default="")
    shown: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class KnowledgeRows:
    """The texts of a snapshot; text n's vector is row n + 1 of the vectors, row 0 stands for none."""

    texts: Sequence[Text]

    def assign(self, interactions: Interactions) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """For each interaction the row of its end user's and its item's knowledge, 0 for none: int32 (n), (n).

        The knowledge is the latest with as_of <= the interaction's moment. On top of that a text is never shown to
        an interaction its own prompts showed and, about an item, to no interaction of those end users with that item:
        on an order clock as_of = 0 would not keep them apart.
        """
        end_user_text = self._of_kind(SubjectKind.END_USER, interactions.end_user, interactions.moment)
        item_text = self._of_kind(SubjectKind.ITEM, interactions.item, interactions.moment)
        by_key = np.argsort(interactions.keys) if self.texts else np.empty(0, dtype=np.int64)
        sorted_keys = interactions.keys[by_key]
        for number, text in enumerate(self.texts, start=1):
            keys = np.fromiter(text.shown, dtype=np.int64)
            place = np.searchsorted(sorted_keys, keys)
            found = place < len(sorted_keys)
            found[found] = sorted_keys[place[found]] == keys[found]
            shown = by_key[place[found]]
            if text.kind == SubjectKind.END_USER:
                end_user_text[shown[end_user_text[shown] == number]] = 0
            else:
                witnesses = np.unique(interactions.end_user[shown]).tolist()
                theirs = self._rows_of(interactions, witnesses, text.subject)
                item_text[theirs[item_text[theirs] == number]] = 0
        return end_user_text, item_text

    def _of_kind(self, kind: SubjectKind, subject: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int32]:
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
        return {subject: number for subject, (_, number) in newest.items()}

    def matrix(self, vectors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """(1 + texts, D), row 0 zero. D is 1 when there is no text at all."""
        width = len(next(iter(vectors.values()))) if vectors else 1
        rows = [vectors[text.text_hash] for text in self.texts]
        return np.vstack([np.zeros((1, width), dtype=np.float32), *rows]).astype(np.float32)


def read(snapshot: KnowledgeSnapshot, interactions: Interactions) -> KnowledgeRows:
    """The snapshot's texts, subjects by their numbers in `interactions`, in an order that any database gives."""
    rows = snapshot.knowledge.values_list(
        "end_user_id", "item_id", "as_of", "text_hash", "text", "turn__round__evidence"
    )
    texts = []
    for end_user, item, as_of, text_hash, text, evidence in rows.iterator(chunk_size=500):
        number = interactions.item_keys[item] if item else interactions.end_user_keys[end_user]
        kind = SubjectKind.ITEM if item else SubjectKind.END_USER
        texts.append(Text(kind, number, as_of, text_hash, text, _shown(evidence)))
    return KnowledgeRows(sorted(texts, key=lambda text: (text.kind, text.subject, text.as_of)))


def _shown(evidence: Mapping[str, Any]) -> frozenset[int]:
    encounters = [one for name in ("history", "liker", "disliker") for one in evidence.get(name, ())]
    return frozenset(one["interaction_id"] for one in encounters if one.get("interaction_id"))
