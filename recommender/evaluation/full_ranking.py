"""Whole catalogs ranked for tested end users, as a list would be served to them at the split: for NDCG, MAP and Recall.

Each is asked once, with history and knowledge as of the first tested interaction. Candidates are all items not met
before it; right are those of the test part that were liked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.texts import KnowledgeRows
from recommender.measures.ranking import Ids, Pairs, full_ranking
from recommender.models import SubjectKind
from recommender.signals.statement_match import Asked, Claims
from recommender.signals.tables import Tables, fold_of
from recommender.training.batches import to_batch

AT = (10,)
AT_ONCE = 4  # end users whose catalogs are scored together
SEED = 0  # draws the end users where they are too many
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lists:
    """What u end users are asked with. `examples`: frozen (study.frozen); `row` (u): each one's first tested one."""

    examples: Examples
    row: Rows
    item_text: NDArray[np.int32]  # (u, v) rows of the knowledge vectors
    signals: NDArray[np.float32]  # (u, v, S)
    seen: Pairs  # places among the end users, items
    liked: Pairs


def prepare(
    examples: Examples,
    tested: Rows,
    known: KnowledgeRows,
    tables: Tables | None,
    uninformed: Tables | None,
    *,
    claims: Claims | None = None,
    most: int,
    alive: Callable[[], None],
) -> Lists:
    """`tested`: rows of the test part; `uninformed`: the tables without knowledge, for items whose text is denied."""
    data = examples.interactions
    who, first = np.unique(data.end_user[tested], return_index=True)
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(who))[:most])
    row = tested[first[chosen]]
    items = np.arange(len(data.items), dtype=np.int32)
    item_text = _texts(known, examples, row, items)
    newest = np.full(len(items), NO_TEXT, dtype=np.int32)
    for number, text in known.latest(SubjectKind.ITEM).items():
        newest[number] = text
    read = []
    for place, one in enumerate(row.tolist()):
        alive()
        own = _asked(examples, one, tables)
        hidden = item_text[place] != newest
        if uninformed is not None and hidden.any():
            own[hidden] = _asked(examples, one, uninformed)[hidden]
        if claims is not None:
            asked = Asked(np.full(len(items), examples.end_user_text[one]), items, item_text[place])
            own = np.column_stack([own, claims.read(asked)])
        read.append(own)
    mine = np.flatnonzero(np.isin(data.end_user, data.end_user[row]))
    owner = np.searchsorted(data.end_user[row], data.end_user[mine])
    earlier = mine < examples.before[row][owner]
    right = np.isin(mine, tested) & (data.liked[mine] == 1)
    return Lists(
        examples,
        row,
        item_text,
        np.stack(read),
        seen=Pairs(owner[earlier], data.item[mine[earlier]]),
        liked=Pairs(owner[right], data.item[mine[right]]),
    )


def rank(backbone: Backbone, lists: Lists, *, alive: Callable[[], None]) -> Mapping[str, NDArray[np.float64]]:
    """ndcg@k, map@k and recall@k of each end user (u), NaN for who likes nothing of the test part."""
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
        return scores

    backbone.eval()
    everybody = np.arange(len(lists.row))
    return full_ranking(score, everybody, seen=lists.seen, liked=lists.liked, at_once=AT_ONCE).each(AT)


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


def _asked(examples: Examples, row: int, tables: Tables | None) -> NDArray[np.float32]:
    """The readings of all items after one end user's history, (v, S)."""
    data = examples.interactions
    count = len(data.items)
    if tables is None:
        return np.zeros((count, 0), dtype=np.float32)
    past = slice(int(examples.start[row]), int(examples.before[row]))
    learned = past.stop - past.start
    item = np.r_[data.item[past], np.arange(count)].astype(np.int64)
    liked = np.r_[data.liked[past], np.full(count, -1, dtype=np.int8)]
    before = np.r_[examples.before[past] - past.start, np.full(count, learned)]
    return tables.read(fold_of(data.end_users[data.end_user[row]]), item, liked, before)[learned:]
