"""What a backbone is told, and what it is built from. B contexts (an end user at a moment), N candidates for each."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from torch import Tensor


class Batch(NamedTuple):
    """All int64 but the signals. Training has N = 1; serving has B = 1 and N = the candidates."""

    item: Tensor  # (B, N)
    history_item: Tensor  # (B, L), padded with PADDING_ITEM
    history_feedback: Tensor  # (B, L), padded with 0
    end_user_text: Tensor  # (B) rows of the knowledge vectors, 0 = none
    item_text: Tensor  # (B, N)
    signals: Tensor  # (B, N, S) float32, recommender.signals
    end_user_tokens: Tensor  # (B, T) of the end user's attributes, padded with 0


class KnowledgeFields(NamedTuple):
    """Knowledge in recommendation space: W numbers and one flag that says whether there was any."""

    end_user: Tensor  # (B, W + 1)
    item: Tensor  # (B, N, W + 1)


class SideFields(NamedTuple):
    """What stands beside item and history; None where the backbone has none of it."""

    end_user: Tensor | None  # (B, K) knowledge
    item: Tensor | None  # (B, N, K) knowledge
    match: Tensor | None  # (B, N, M) match.HistoryMatch
    signals: Tensor | None  # (B, N, S) recommender.signals
    demographics: Tensor | None  # (B, E) the mean of the end user's attributes

    def knowledge(self, candidates: int) -> list[Tensor]:
        """The knowledge fields, (B, N, K) each: of the end user, then of the items."""
        if self.end_user is None or self.item is None:
            return []
        return [self.end_user.unsqueeze(1).expand(-1, candidates, -1), self.item]

    def numbers(self, candidates: int) -> list[Tensor]:
        """Everything that is not knowledge, (B, N, ·) each."""
        of_end_user = None if self.demographics is None else self.demographics.unsqueeze(1).expand(-1, candidates, -1)
        return [field for field in (self.match, self.signals, of_end_user) if field is not None]

    def of_candidates(self, candidates: int) -> list[Tensor]:
        """All there are, (B, N, ·) each."""
        return [*self.knowledge(candidates), *self.numbers(candidates)]


@dataclass(frozen=True, slots=True)
class SideWidths:
    """Widths of side fields. `knowledge`: of each of the two knowledge fields, 0: none. `numbers`: all else."""

    knowledge: int
    numbers: int

    @property
    def total(self) -> int:
        return 2 * self.knowledge + self.numbers


@dataclass(frozen=True, slots=True)
class InputSizes:
    """Where every width of a backbone comes from. `knowledge`: width of the encoder's vectors; 0: none."""

    items: int  # with padding and the unknown item
    item_ids: int  # id embeddings, with padding and the shared one
    tokens: int  # attribute tokens, with padding
    tokens_per_item: int
    feedback: int  # feedback buckets, with padding
    knowledge: int = 0
    signals: int = 0
    end_user_tokens: int = 0  # tokens of end users' attributes, with padding; 0: none

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)
