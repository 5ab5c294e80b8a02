"""Whole catalogs ranked for tested end users, as a list would be served to them at the split: for NDCG, MAP and Recall.

Each is asked once, with history and knowledge as of the first tested interaction. Candidates are all items not met
before it; right are those of the test part that were liked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.dataset.histories import FROZEN
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.split import Rows
from recommender.dataset.texts import KnowledgeRows
from recommender.measures.ranking import Ids, Pairs, full_ranking
from recommender.models import SubjectKind
from recommender.signals.protocol import Candidates, Counted
from recommender.training.batches import to_batch
from recommender.training.inputs import Inputs

AT = (10,)
AT_ONCE = 4  # end users whose catalogs are scored together
SEED = 0  # draws the end users where they are too many


@dataclass(frozen=True, slots=True)
class Lists:
    """What u end users are asked with. `examples`: with the frozen history; `row` (u): each one's first tested one."""

    examples: Examples
    row: Rows
    item_text: NDArray[np.int32]  # (u, v) rows of the knowledge vectors
    signals: NDArray[np.float32]  # (u, v, S)
    seen: Pairs  # places among the end users, items
    liked: Pairs


def make_lists(inputs: Inputs, tested: Rows, *, most: int, alive: Callable[[], None]) -> Lists:
    """What at most `most` end users are asked with, always the same ones. `tested`: rows of the test part."""
    examples, known = inputs.examples[FROZEN], inputs.known[FROZEN]
    data = examples.interactions
    who, first = np.unique(data.end_user[tested], return_index=True)
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(who))[:most])
    row = tested[first[chosen]]
    item_text = _texts(known, examples, row, np.arange(len(data.items), dtype=np.int32))
    newest = known.newest_of_items(len(data.items))
    signals = []
    for place, each in enumerate(row.tolist()):
        alive()
        counted = inputs.signals.counted(int(data.moment[each]), int(data.end_user[each]))
        candidates = _candidates(examples, each, item_text[place], counted)
        leaking = item_text[place] != newest
        signals.append(inputs.signals.read(candidates, leaking=leaking, without=inputs.without))
    mine = np.flatnonzero(np.isin(data.end_user, data.end_user[row]))
    owner = np.searchsorted(data.end_user[row], data.end_user[mine])
    earlier = mine < examples.before[row][owner]
    right = np.isin(mine, tested) & (data.liked[mine] == 1)
    return Lists(
        examples,
        row,
        item_text,
        np.stack(signals),
        seen=Pairs(owner[earlier], data.item[mine[earlier]]),
        liked=Pairs(owner[right], data.item[mine[right]]),
    )


def rank(
    backbone: torch.nn.Module,
    lists: Lists,
    *,
    offset: Callable[[int], NDArray[np.float64]] | None = None,
    alive: Callable[[], None],
) -> Mapping[str, NDArray[np.float64]]:
    """ndcg@k, map@k and recall@k of each end user (u), NaN for who likes nothing of the test part.

    `offset`: as in `scorer`.
    """
    score = scorer(backbone, lists, offset=offset, alive=alive)
    everybody = np.arange(len(lists.row))
    return full_ranking(score, everybody, seen=lists.seen, liked=lists.liked, at_once=AT_ONCE).each(AT)


def scorer(
    backbone: torch.nn.Module,
    lists: Lists,
    *,
    offset: Callable[[int], NDArray[np.float64]] | None = None,
    alive: Callable[[], None],
) -> Callable[[Ids], NDArray[np.float64]]:
    """What gives the logits (some, v) of every item for some of the end users.

    `offset`: what is added to the logit of every item (v) for who has this text.
    """
    items = np.arange(len(lists.examples.interactions.items), dtype=np.int64) + FIRST_ITEM

    def score(some: Ids) -> NDArray[np.float64]:
        alive()
        arrays = lists.examples.batch(lists.row[some])._replace(
            item=np.broadcast_to(items, (len(some), len(items))).copy(),
            item_text=lists.item_text[some].astype(np.int64),
            signals=lists.signals[some],
        )
        with torch.inference_mode():
            scores: NDArray[np.float64] = backbone(to_batch(arrays)).double().numpy()
        if offset is not None:
            scores = scores + np.stack([offset(text) for text in arrays.end_user_text.tolist()])
        return scores

    backbone.eval()
    return score


def _texts(known: KnowledgeRows, examples: Examples, row: Rows, items: NDArray[np.int32]) -> NDArray[np.int32]:
    """The text of every item that each end user's list may know, (u, v): none that was made from that end user."""
    data = examples.interactions
    moment = np.repeat(data.moment[row], len(items))
    texts = known.known_of(SubjectKind.ITEM, np.tile(items, len(row)), moment).reshape(len(row), len(items))
    place_of = {end_user: place for place, end_user in enumerate(data.end_user[row].tolist())}
    for text, end_user in known.witnesses(data).tolist():
        if end_user in place_of:
            own = texts[place_of[end_user]]
            own[own == text] = NO_TEXT
    return texts


def _candidates(examples: Examples, row: int, item_text: NDArray[np.int32], counted: Counted | None) -> Candidates:
    """All items, after the history of one row's end user."""
    data = examples.interactions
    past = slice(int(examples.start[row]), int(examples.before[row]))
    return Candidates(
        data.end_users[data.end_user[row]],
        met=data.item[past].astype(np.int64),
        liked=data.liked[past],
        item=np.arange(len(data.items)),
        end_user_text=int(examples.end_user_text[row]),
        item_text=item_text,
        counted=counted,
    )
