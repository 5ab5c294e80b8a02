"""End users are dealt to folds by external id: what is said about them is fitted on all other folds."""

import zlib

FOLDS = 5


def fold_of(end_user: str, folds: int = FOLDS) -> int:
    """The fold, below `folds`, of an end user by external id: known, new and in any database the same."""
    return zlib.crc32(end_user.encode()) % folds
