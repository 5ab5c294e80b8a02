"""What the signals of one model are fitted from. What several of them need is computed once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions, fitted_on
from recommender.dataset.split import Codes
from recommender.dataset.texts import KnowledgeRows
from recommender.recipe import TrainConfig
from recommender.signals import controls
from recommender.signals.controls import Encode, Vectors
from recommender.signals.factors import Likes, fit
from recommender.signals.folds import fold_of
from recommender.signals.spaces import Space, of_attributes, of_numbers


@dataclass(frozen=True, slots=True)
class FoldFactors:
    """What other folds' end users tell of v items; row v is an item nobody knows."""

    mean: NDArray[np.float32]  # (folds, v + 1)
    count: NDArray[np.float32]  # (folds, v + 1)
    factors: NDArray[np.float32]  # (folds, v + 1, K)


@dataclass(frozen=True)
class Sources:
    """A catalog's interactions and, in the model with knowledge, its texts.

    `informed`: it has the columns of the model with knowledge, with its texts or, to lend them to it, without.
    """

    config: TrainConfig
    interactions: Interactions
    codes: Codes
    known: KnowledgeRows = field(default_factory=lambda: KnowledgeRows([]))
    vectors: Vectors | None = None  # (1 + texts, D) of the texts, or of a control
    encode: Encode = lambda texts: {}  # never asked for anything without knowledge
    sentences: Space | None = None  # of the items' metadata as sentences, where the recipe has them
    informed: bool = False
    alive: Callable[[], None] = lambda: None

    @property
    def resembles(self) -> bool:
        """Whether there is anything by which items resemble each other."""
        config = self.config
        plain = config.collaborative or config.metadata or config.metadata_text or config.metadata_numbers > 0
        return plain or (config.knowledge_signal and self.informed)

    @cached_property
    def likes(self) -> Likes:
        """The train part's, by end user; what was drawn comes after what they did, and is asked as what it is for."""
        data = self.interactions
        rows = np.flatnonzero(fitted_on(data, self.codes) & (data.liked >= 0))
        end_user, item = data.end_user[rows].astype(np.int64), data.item[rows].astype(np.int64)
        like = rows if data.drawn_for is None else np.where(data.drawn[rows], data.drawn_for[rows], rows)
        before = np.searchsorted(rows, like) - np.searchsorted(end_user, end_user)
        return Likes(end_user, item, data.liked[rows].astype(np.float64), before)

    @cached_property
    def numbers(self) -> list[Space]:
        """The space of numbers (v, D), where the recipe gives it a weight and items have any."""
        if not self.config.metadata_numbers:
            return []
        numbers = of_numbers(self.interactions.item_tokens, self.interactions.tokens)
        return [numbers] if numbers.any() else []

    @property
    def given(self) -> list[float]:
        """The amplitude that the recipe gives each space; 0 where the train part chooses it."""
        given = [0.0] * len(self.spaces)
        if self.numbers:
            given[1 if self.config.metadata else 0] = self.config.metadata_numbers
        return given

    @cached_property
    def spaces(self) -> list[Space]:
        """In which items resemble each other: by attributes, by numbers, by sentences, by knowledge texts (v, ·)."""
        spaces = [of_attributes(self.interactions.item_tokens)] if self.config.metadata else []
        spaces += self.numbers
        if self.config.metadata_text and self.sentences is not None:
            spaces.append(self.sentences)
        if self.config.knowledge_signal and self.vectors is not None:
            spaces.append(
                controls.knowledge_space(self.config, self.known, self.vectors, self.interactions, self.codes)
            )
        return spaces

    @cached_property
    def fold_factors(self) -> FoldFactors:
        """Fitted for each fold on all others, so that nobody's own likes are in what is said about them."""
        likes, count = self.likes, self.config.signal_folds
        folds = np.array([fold_of(name, count) for name in self.interactions.end_users])[likes.end_user]
        fitted = []
        for fold in range(count):
            self.alive()
            rest = folds != fold
            fitted.append(
                fit(
                    Likes(likes.end_user[rest], likes.item[rest], likes.liked[rest]),
                    len(self.interactions.items),
                    self.spaces,
                    collaborative=self.config.collaborative,
                    seed=self.config.seed,
                )
            )
        return FoldFactors(
            mean=np.stack([each.mean for each in fitted]).astype(np.float32),
            count=np.stack([each.count for each in fitted]).astype(np.float32),
            factors=np.stack([each.factors for each in fitted]).astype(np.float32),
        )
