"""ThinkRec's own metrics (arXiv 2505.15091, METHODS.md 2.10), under its name: never compare them with full rankings.

Each end user's own test samples are ranked, nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.measures import statistics
from recommender.measures.ranking import Ids, Values, of_samples
from recommender.measures.scores import auc_of_each
from recommender.measures.statistics import Mean, Statistic

AT = (1, 2, 3, 5, 10)


def thinkrec(
    label: NDArray[Any], score: NDArray[np.floating[Any]], end_user: Ids, *, at: Sequence[int] = AT
) -> Mapping[str, Values]:
    """`thinkrec_uauc`, `thinkrec_ndcg@k` and `thinkrec_map@k` of every end user (u), ascending.

    The score is their mean without NaN, which is for those left out: by UAUC end users with one class only, by the
    others end users with one sample. Who likes nothing counts 0. MAP divides by all positives, not by
    min(k, positives). ThinkRec leaves the order of equal scores to its sort; here they go against the model.
    """
    each = auc_of_each(label, score, end_user)
    ranks = of_samples(label, score, end_user)
    alone = each.samples < 2

    def counted(values: Values) -> Values:
        return np.where(alone, np.nan, np.nan_to_num(values))

    return (
        {"thinkrec_uauc": each.auc}
        | {f"thinkrec_ndcg@{k}": counted(ranks.ndcg(k)) for k in at}
        | {f"thinkrec_map@{k}": counted(ranks.average_precision(k, of_all=True)) for k in at}
    )


def ranked(
    label: NDArray[Any], score: NDArray[np.floating[Any]], end_user: Ids, *, k: int = 5
) -> Mapping[str, Statistic]:
    """What says how well scores, of any scale, order samples (n): AUC, ThinkRec's columns, then the usual measures.

    `ndcg@k` and `map@k` are of everybody who likes something, `map@k` by min(k, positives); UAUC is the usual one.
    """
    ranks, theirs = of_samples(label, score, end_user), thinkrec(label, score, end_user, at=(k,))
    # Equal scores stay equal, others apart, in the range of probabilities.
    different, place = np.unique(score, return_inverse=True)
    share = place / max(1, len(different))
    usual = {f"ndcg@{k}": ranks.ndcg(k), f"map@{k}": ranks.average_precision(k)}
    return {
        "auc": statistics.of("auc", label, share, end_user),
        **{name: Mean.over_end_users(values) for name, values in theirs.items()},
        "gauc": statistics.of("gauc", label, share, end_user),
        **{name: Mean.over_end_users(values) for name, values in usual.items()},
    }
