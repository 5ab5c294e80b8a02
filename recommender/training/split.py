"""Named splits: which interactions are trained on, validated on and tested on. All of them split by time."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.training.errors import TooLittleDataError

UNSCORED, TRAIN, VALID, TEST = range(4)
PARTS: Mapping[str, int] = {"train": TRAIN, "valid": VALID, "test": TEST}

Codes = NDArray[np.int8]
Split = Callable[[NDArray[np.int32]], Codes]

R4EC_SKIPPED = 11
VALID_SHARE = 10  # one in ten


def r4ec(end_user: NDArray[np.int32]) -> Codes:
    """R4ec's split: per end user, by time, 80/20; the first 11 interactions are history only (METHODS.md 1.7).

    As in its released code the interaction at the cut itself is still trained on. R4ec has no validation part: the
    last tenth of each end user's train part, at least one where there are two, is cut off for it here.
    `end_user`: (n) ascending, oldest interaction first within each end user. Returns (n) codes.
    """
    position, count = _positions(end_user)
    cut = count * 8 // 10
    trained = cut - R4EC_SKIPPED + 1
    validated = np.where(trained >= 2, np.maximum(1, trained // VALID_SHARE), 0)
    return np.select(
        [position < R4EC_SKIPPED, position > cut, position > cut - validated], [UNSCORED, TEST, VALID], default=TRAIN
    ).astype(np.int8)


SPLITS: Mapping[str, Split] = {"r4ec": r4ec}


def split(name: str, end_user: NDArray[np.int32], liked: NDArray[np.int8]) -> Codes:
    """Apply a named split, leaving out of scoring what is not known to be liked or not.

    Raises TooLittleDataError when a part is empty, or what is trained on is all liked or all not liked.
    """
    codes = np.where(liked >= 0, SPLITS[name](end_user), UNSCORED).astype(np.int8)
    for part, code in PARTS.items():
        if not (codes == code).any():
            _, count = _positions(end_user)
            raise TooLittleDataError(
                f"There is nothing for the {part} part: the split {name} needs end users with about 15 interactions or "
                f"more, because the first {R4EC_SKIPPED} of each only serve as history. This catalog has {len(liked)} "
                f"interactions, of which {int((liked >= 0).sum())} say whether the item was liked; its longest history "
                f"has {int(count.max(initial=0))}."
            )
    if len(np.unique(liked[codes == TRAIN])) < 2:
        raise TooLittleDataError(
            "Every interaction to train on is liked, or none is: a backbone needs both. Check the catalog's like "
            "threshold."
        )
    return codes


def describe(codes: Codes, end_user: NDArray[np.int32], liked: NDArray[np.int8]) -> dict[str, dict[str, Any]]:
    """Samples, positives and end users of each part."""
    parts = {part: codes == code for part, code in PARTS.items()}
    return {
        part: {
            "samples": int(rows.sum()),
            "positives": int((liked[rows] == 1).sum()),
            "end_users": len(np.unique(end_user[rows])),
        }
        for part, rows in parts.items()
    }


def _positions(end_user: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each row's place within its end user, and that end user's number of rows."""
    _, start, inverse, count = np.unique(end_user, return_index=True, return_inverse=True, return_counts=True)
    return np.arange(len(end_user)) - start[inverse], count[inverse].astype(np.int64)
