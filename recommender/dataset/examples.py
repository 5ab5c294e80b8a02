"""Examples: each scored interaction with the history and the knowledge that were known at its moment.

Nothing is copied per example: a history is a range of rows before the example in the sorted interactions, gathered
batch by batch, so memory stays at the size of the interactions whatever the history's length.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.attributes import Vocabulary
from recommender.dataset.interactions import Interactions, places
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT, PADDING_ITEM
from recommender.dataset.texts import KnowledgeRows


class Arrays(NamedTuple):
    """One batch: B examples, histories of L, oldest first, padded at the left."""

    item: NDArray[np.int64]  # (B, 1)
    history_item: NDArray[np.int64]  # (B, L)
    history_feedback: NDArray[np.int64]  # (B, L)
    end_user_text: NDArray[np.int64]  # (B) rows of the knowledge vectors, 0 = none
    item_text: NDArray[np.int64]  # (B, 1)
    signals: NDArray[np.float32]  # (B, 1, S)
    end_user_tokens: NDArray[np.int64]  # (B, T), padded with 0


@dataclass(frozen=True, slots=True)
class Examples:
    interactions: Interactions
    history: int
    start: NDArray[np.int64]  # (n) the first row of this row's end user
    before: NDArray[np.int64]  # (n) the first row of the same end user at the same moment: history ends before it
    end_user_text: NDArray[np.int32]  # (n)
    item_text: NDArray[np.int32]  # (n)
    signals: NDArray[np.float32]  # (n, S)
    demographics: Vocabulary | None  # of the end users' attributes, where they are an input
    end_user_tokens: NDArray[np.int32]  # (u, T) in it, padded with 0

    def histories(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The rows of each example's history (B, L), oldest first, and which of them exist (B, L)."""
        index = self.before[rows][:, None] + np.arange(-self.history, 0)
        exists = index >= self.start[rows][:, None]
        return np.where(exists, index, 0), exists

    def batch(self, rows: NDArray[np.int64]) -> Arrays:
        index, exists = self.histories(rows)
        return Arrays(
            item=(self.interactions.item[rows].astype(np.int64) + FIRST_ITEM)[:, None],
            history_item=np.where(exists, self.interactions.item[index].astype(np.int64) + FIRST_ITEM, PADDING_ITEM),
            history_feedback=np.where(exists, self.interactions.feedback[index], 0).astype(np.int64),
            end_user_text=self.end_user_text[rows].astype(np.int64),
            item_text=self.item_text[rows].astype(np.int64)[:, None],
            signals=self.signals[rows][:, None],
            end_user_tokens=self.end_user_tokens[self.interactions.end_user[rows]].astype(np.int64),
        )

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.interactions.liked[rows].astype(np.float32)

    def coverage(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """The share of rows with knowledge of their end user, and of their item."""
        return {
            "end_user": round(float((self.end_user_text[rows] != NO_TEXT).mean()), 4) if len(rows) else 0.0,
            "item": round(float((self.item_text[rows] != NO_TEXT).mean()), 4) if len(rows) else 0.0,
        }


def build(
    interactions: Interactions, knowledge: KnowledgeRows, *, history: int, demographics: Vocabulary | None = None
) -> Examples:
    """Line every interaction up with its strictly earlier history and the knowledge of its moment; no signals yet."""
    start, before, _ = places(interactions)
    end_user_text, item_text = knowledge.assign(interactions)
    return Examples(
        interactions=interactions,
        history=history,
        start=start,
        before=before,
        end_user_text=end_user_text,
        item_text=item_text,
        signals=np.zeros((len(interactions), 0), dtype=np.float32),
        demographics=demographics,
        end_user_tokens=(
            demographics.encode(interactions.end_user_attributes)
            if demographics
            else np.zeros((len(interactions.end_users), 1), dtype=np.int32)
        ),
    )


def leaking_rows(examples: Examples, known: KnowledgeRows) -> NDArray[np.bool_]:
    """Rows (n) that must not see the newest text of their item: it is later than they are, or was made from them."""
    newest = known.newest_of_items(len(examples.interactions.items))[examples.interactions.item]
    leaking: NDArray[np.bool_] = (newest != NO_TEXT) & (examples.item_text != newest)
    return leaking
