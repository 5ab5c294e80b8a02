"""Named splits: which interactions are trained on, validated on and tested on. Scores of different ones never compare.

Interactions come as columns of n rows, ascending by end user and, within each, oldest first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.models import Clock
from recommender.runs.errors import CannotTrainError, TooLittleDataError
from recommender.setting import Choice

UNSCORED, TRAIN, VALID, TEST = range(4)
PARTS: Mapping[str, int] = {"train": TRAIN, "valid": VALID, "test": TEST}

Codes = NDArray[np.int8]
EndUsers = NDArray[np.int32]
Rows = NDArray[np.int64]
Cuts = tuple[int, int]  # moments: the first that is validated on, the first that is tested

SPLITS: Mapping[str, Choice] = {
    "r4ec": Choice("r4ec", "each end user's last fifth is tested; the first 11 interactions are history only"),
    "kar": Choice(
        "kar", "a tenth of the end users is tested, never met in training; the first half, at most 30, is history only"
    ),
    "global-time": Choice("global-time", "the latest tenth of all interactions is tested, whoever they are of"),
    "given": Choice("given", "two moments that you give cut all interactions, whoever they are of"),
}

BY_MOMENT = ("global-time", "given")
WITHOUT_ORDER = "kar"  # the one split that does not ask which interaction came first

R4EC_SKIPPED = 11
VALID_SHARE = 10  # one in ten
FOLDS = 10
FOLD_SEED = 1234  # KAR's
NO_CUTS = (0, 0)
KAR_PREFIX = 30


def r4ec(end_user: EndUsers) -> Codes:
    """R4ec's split: per end user, by time, 80/20; the first 11 interactions are history only (METHODS.md 1.7).

    As in its released code the interaction at the cut itself is still trained on. R4ec has no validation part: the
    last tenth of each end user's train part, at least one where there are two, is cut off for it here.
    Returns (n) codes.
    """
    position, count = _positions(end_user)
    cut = count * 8 // 10
    trained = cut - R4EC_SKIPPED + 1
    validated = np.where(trained >= 2, np.maximum(1, trained // VALID_SHARE), 0)
    return np.select(
        [position < R4EC_SKIPPED, position > cut, position > cut - validated], [UNSCORED, TEST, VALID], default=TRAIN
    ).astype(np.int8)


def kar(end_user: EndUsers, *, fold: int = 0, seed: int = FOLD_SEED) -> Codes:
    """KAR's split: 90/10 by end user; what its LLM prompts show, the first min(⌈n/2⌉, 30), is history only.

    End users are dealt to 10 folds by `seed`. Those of `fold` are tested. KAR has no validation part: here it is the
    end users of the fold after (of the first after the last), cut from the train part, so that over all folds everybody
    is tested once and validated on once. Returns (n) codes. Raises ValueError for a fold that is none.
    """
    if not 0 <= fold < FOLDS:
        raise ValueError(f"fold must be a whole number from 0 to {FOLDS - 1}; it is {fold}.")
    position, count = _positions(end_user)
    who, number = np.unique(end_user, return_inverse=True)
    dealt = np.empty(len(who), dtype=np.int64)
    # RandomState: its stream is the same in every version of numpy.
    dealt[np.random.RandomState(seed).permutation(len(who))] = np.arange(len(who)) % FOLDS
    theirs = dealt[number]
    return np.select(
        [position < np.minimum((count + 1) // 2, KAR_PREFIX), theirs == fold, theirs == (fold + 1) % FOLDS],
        [UNSCORED, TEST, VALID],
        default=TRAIN,
    ).astype(np.int8)


def global_time(moment: NDArray[np.int64]) -> Codes:
    """80/10/10 of all interactions by their moment (n), whoever they are of: nothing later than a cut is trained on.

    The first 90 % are the train part and its last ninth is the validation part. A moment is never divided: all
    interactions of the one at a cut come after it. Returns (n) codes.
    """
    if not len(moment):
        return np.zeros(0, dtype=np.int8)
    in_order = np.sort(moment)
    return by_cuts(moment, (in_order[len(moment) * 8 // 10], in_order[len(moment) * 9 // 10]))


def by_cuts(moment: NDArray[np.int64], cuts: Cuts) -> Codes:
    """Train, valid and test by two moments, whoever the interactions (n) are of, as others published them.

    At 1017620997 and 1030839253 the months of ML-1M that CoLLM and ThinkRec took are cut as they did (METHODS.md 2.9).
    Raises ValueError where the second moment is not the later one. Returns (n) codes.
    """
    valid_from, test_from = cuts
    if valid_from > test_from:
        raise ValueError(f"test_from must not be before valid_from; they are {test_from} and {valid_from}.")
    return np.select([moment >= test_from, moment >= valid_from], [TEST, VALID], default=TRAIN).astype(np.int8)


def relative_order(end_user: EndUsers) -> Codes:
    """80/10/10 of each end user's own interactions: what is left of `global-time` where moments only order.

    Not a global split: of other end users the train part may know what came later. Returns (n) codes.
    """
    position, count = _positions(end_user)
    return np.select([position >= count * 9 // 10, position >= count * 8 // 10], [TEST, VALID], default=TRAIN).astype(
        np.int8
    )


def require_order(name: str, clock: str) -> None:
    """Raises CannotTrainError for a split by what came first in a catalog where that is not known."""
    if clock == Clock.NONE and name != WITHOUT_ORDER:
        raise CannotTrainError(
            f"The split {name} needs to know which interaction came first, and this catalog was imported without an "
            f"order: choose the split {WITHOUT_ORDER}, which tests end users that nothing was trained on."
        )


def assign(
    name: str,
    end_user: EndUsers,
    *,
    moment: NDArray[np.int64] | None = None,
    clock: Clock = Clock.SECONDS,
    fold: int = 0,
    seed: int = FOLD_SEED,
    cuts: Cuts = NO_CUTS,
) -> Codes:
    """The part of every interaction (n), whether or not it is known to be liked.

    `moment` (n) is read by `global-time` and `given`, `clock`, the catalog's, by the former, `cuts` by the latter,
    `fold` and `seed` by `kar`. Raises KeyError for an unknown name, ValueError for a fold or cuts that are none, and
    CannotTrainError when moments are needed and missing, or the split needs an order and the catalog has none.
    """
    require_order(name, clock)
    if name == "kar":
        return kar(end_user, fold=fold, seed=seed)
    if name == "global-time" and clock == Clock.ORDER:
        return relative_order(end_user)
    if name in BY_MOMENT:
        if moment is None:
            raise CannotTrainError(f"The split {name} needs the moment of every interaction.")
        return by_cuts(moment, cuts) if name == "given" else global_time(moment)
    return {"r4ec": r4ec}[name](end_user)


def split(
    name: str,
    end_user: EndUsers,
    liked: NDArray[np.int8],
    *,
    moment: NDArray[np.int64] | None = None,
    clock: Clock = Clock.SECONDS,
    fold: int = 0,
    seed: int = FOLD_SEED,
    cuts: Cuts = NO_CUTS,
    likes_will_do: bool = False,
) -> Codes:
    """`assign`, leaving out of scoring what is not known to be liked or not.

    Raises TooLittleDataError when a part is empty, or what is trained on is all not liked or, unless `likes_will_do`
    (dataset.negatives), all liked.
    """
    assigned = assign(name, end_user, moment=moment, clock=clock, fold=fold, seed=seed, cuts=cuts)
    codes = np.where(liked >= 0, assigned, UNSCORED).astype(np.int8)
    for part, code in PARTS.items():
        if not (codes == code).any():
            raise TooLittleDataError(f"There is nothing for the {part} part: {_needs(name)} {_has(end_user, liked)}")
    if not (liked[codes == TRAIN] == 1).any():
        raise TooLittleDataError(
            "No interaction to train on is liked: a backbone needs likes. Check the catalog's like threshold."
        )
    if not likes_will_do and not (liked[codes == TRAIN] == 0).any():
        raise TooLittleDataError(
            "Every interaction to train on is liked: a model needs both. Check the catalog's like threshold. Where "
            "only likes and purchases are known, train_backbone draws items for each like (negatives above 0); all "
            "else needs what was passed over, sent with the label 0 (docs/moving.md)."
        )
    return codes


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows of the interactions to train on, to choose the best epoch on, and to read once at the end."""

    train: Rows
    valid: Rows
    test: Rows

    @classmethod
    def of(cls, codes: Codes) -> "Parts":
        return cls(**{name: np.flatnonzero(codes == code) for name, code in PARTS.items()})


def describe(
    codes: Codes, end_user: EndUsers, liked: NDArray[np.int8], drawn: NDArray[np.bool_] | None = None
) -> dict[str, dict[str, Any]]:
    """Samples, those with a known label, positives and end users of each part; where some were `drawn`, how many."""
    parts = {part: codes == code for part, code in PARTS.items()}
    return {
        part: {
            "samples": int(rows.sum()),
            "labelled": int((liked[rows] >= 0).sum()),
            "positives": int((liked[rows] == 1).sum()),
            "end_users": len(np.unique(end_user[rows])),
            **({} if drawn is None or not drawn.any() else {"drawn": int(drawn[rows].sum())}),
        }
        for part, rows in parts.items()
    }


def _needs(name: str) -> str:
    return {
        "r4ec": "the split r4ec needs end users with about 15 interactions or more, because the first "
        f"{R4EC_SKIPPED} of each only serve as history.",
        "kar": f"the split kar needs {FOLDS} end users or more, because each part has others, and at least two "
        "interactions of each, because the first half only serves as history.",
        "global-time": "the split global-time needs interactions of at least three moments.",
        "given": "the split given needs interactions before, between and after its two moments.",
    }[name]


def _has(end_user: EndUsers, liked: NDArray[np.int8]) -> str:
    _, count = _positions(end_user)
    return (
        f"This catalog has {len(liked)} interactions, of which {int((liked >= 0).sum())} say whether the item was "
        f"liked; its longest history has {int(count.max(initial=0))}."
    )


def _positions(end_user: EndUsers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each row's place within its end user, and that end user's number of rows."""
    _, start, inverse, count = np.unique(end_user, return_index=True, return_inverse=True, return_counts=True)
    return np.arange(len(end_user)) - start[inverse], count[inverse].astype(np.int64)
