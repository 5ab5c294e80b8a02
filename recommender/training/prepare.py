"""What no fit changes: a catalog's interactions, their split, the texts and their vectors. Without torch.

Reading is apart from the rest: interactions and texts that are in memory already make a `Prepared` as well.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.dataset import attributes, negatives
from recommender.dataset.attributes import LEAST_END_USERS, Vocabulary
from recommender.dataset.histories import STREAMING, frozen, some_end_users
from recommender.dataset.interactions import Interactions, read_interactions, trained_on
from recommender.dataset.low_activity import use_items
from recommender.dataset.split import TRAIN, VALID, Codes, Parts, split
from recommender.dataset.texts import KnowledgeRows, read_texts
from recommender.models import Catalog, Clock, KnowledgeSnapshot
from recommender.recipe import TrainConfig
from recommender.runs.observer import Observer
from recommender.signals import llm_scores
from recommender.signals.controls import Encode
from recommender.signals.llm_scores import Scores

T = TypeVar("T")
ReadTexts = Callable[[KnowledgeSnapshot, Interactions], KnowledgeRows]


@dataclass(frozen=True)
class Prepared:
    """What all fits on the same interactions and texts share."""

    interactions: Interactions
    codes: Codes  # the part of each interaction
    known: KnowledgeRows  # the texts, without the sets of low-activity end users (`texts_of`)
    vectors: NDArray[np.float32]  # (1 + texts, D) of the texts
    encode: Encode  # what an arm needs to be encoded beside the texts
    scores: Scores | None = None  # what an LLM said of ratings
    joined: bool = False  # the valid part is in the train part
    kept: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def parts(self) -> Parts:
        return Parts.of(self.codes)

    @cached_property
    def demographics(self) -> Vocabulary | None:
        """Of the attributes of end users in the train part; None where they have none worth a token."""
        return demographics_of(self.interactions, self.codes)

    @cached_property
    def refit(self) -> Self:
        """The same with the valid part joined to the train part: of a refit (recipe.refit)."""
        joined = replace(self, codes=np.where(self.codes == VALID, TRAIN, self.codes), joined=True)
        joined.kept.update(self.kept)
        return joined

    def rows(self, history: str) -> Interactions:
        """The interactions with one of HISTORIES."""
        return self.interactions if history == STREAMING else self._frozen

    @cached_property
    def _frozen(self) -> Interactions:
        return frozen(self.interactions, self.codes)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns, made when it is first asked for and kept for all arms."""
        if key not in self.kept:
            self.kept[key] = make()
        kept: T = self.kept[key]
        return kept


def prepare(
    snapshot: KnowledgeSnapshot,
    recipe: TrainConfig,
    *,
    encoder_name: str,
    observer: Observer,
    users: float = 1.0,
    read_known: ReadTexts = read_texts,
) -> Prepared:
    """Read, split and encode, once.

    `users`: the share of the end users that is kept. `read_known`: what reads the texts, the snapshot's unless it
    reads others. Of several processes (training.distributed) rank 0 encodes first. Raises CannotTrainError where the
    catalog, the texts or the encoder will not do, and what the observer raises.
    """
    observer.at("reading", 0, 1)
    interactions, codes = read(snapshot.catalog, recipe, users=users)
    known = read_known(snapshot, interactions)
    observer.at("reading", 1, 1)
    encode = _encoder(encoder_name, snapshot.encoder, observer)
    scores = llm_scores.read(snapshot.catalog, interactions, recipe)
    return Prepared(interactions, codes, known, known.matrix(encode(known.to_encode())), encode, scores)


def read(catalog: Catalog, recipe: TrainConfig, *, users: float = 1.0) -> tuple[Interactions, Codes]:
    """A catalog's interactions as they are now, of a share of the end users, and the part of each.

    Where hardly anything is known not to be liked, rows are drawn here, and nowhere else: signals, fits, figures and
    gates read the same. Raises CannotTrainError where the recipe's split leaves a part empty.
    """
    interactions = some_end_users(read_interactions(catalog), users)
    clock = Clock(catalog.clock)
    codes = split(
        recipe.split,
        interactions.end_user,
        interactions.liked,
        moment=interactions.moment,
        clock=clock,
        fold=recipe.fold,
        cuts=recipe.cuts,
        likes_will_do=recipe.negatives > 0,
    )
    if recipe.negatives and negatives.are_needed(interactions.liked, codes):
        return negatives.draw(interactions, codes, each=recipe.negatives, seed=recipe.seed, clock=clock)
    return interactions, codes


def texts_of(recipe: TrainConfig, known: KnowledgeRows, interactions: Interactions) -> KnowledgeRows:
    """The texts with what low-activity end users have in place of one, where the recipe gives them something."""
    return use_items(known, interactions, below=recipe.low_activity_below) if recipe.low_activity == "items" else known


def demographics_of(interactions: Interactions, codes: Codes) -> Vocabulary | None:
    """The vocabulary of the attributes of end users in the train part; None where they have none worth a token."""
    met = np.unique(interactions.end_user[trained_on(interactions, codes)]).tolist()
    bags = [interactions.end_user_attributes[number] for number in met] if interactions.end_user_attributes else []
    vocabulary = attributes.fit(bags, least=LEAST_END_USERS)
    return vocabulary if vocabulary.tokens else None


def _encoder(name: str, key: str, observer: Observer) -> Encode:
    """Texts by hash → vectors by hash. Rank 0 goes first and stores them, so that the others find them."""
    from recommender.knowledge import encoder  # noqa: PLC0415 - torch: only where texts are encoded
    from recommender.training import distributed  # noqa: PLC0415

    def encode(texts: Mapping[str, str]) -> Mapping[str, NDArray[np.float32]]:
        with distributed.first_goes_first():
            return encoder.vectors(texts, name=name, key=key, done=partial(observer.at, "encoding"))

    return encode
