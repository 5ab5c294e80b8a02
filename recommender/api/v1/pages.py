"""Pages of a list: the cursor that goes on with it, read and held against what is asked."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from recommender.api import errors
from recommender.serving.cursor import Cursor, CursorError
from recommender.serving.whom import Whom

CURSOR = "the `next_cursor` of an earlier answer about the same end user"
WHICH_LIST = (
    "scenario",
    "as_of",
    "filter",
    "exclude",
    "among",
    "diversity",
)  # what a list is made by: its pages go on with the same


def after(whom: Whom, asked: Mapping[str, Any], given: set[str]) -> Cursor | None:
    """The list that is gone on with. Raises InvalidParameter where it is not one of this end user, asked for so."""
    if "cursor" not in asked:
        return None
    try:
        cursor = Cursor.read(asked["cursor"])
    except CursorError as error:
        raise _not_this_cursor(f"`cursor` must be {CURSOR}.") from error
    if not cursor.is_about(whom):
        raise _not_this_cursor(f"`cursor` must be {CURSOR}; this one is about another.")
    if given & set(WHICH_LIST) and cursor.asked != digest(asked):
        names = ", ".join(f"`{name}`" for name in WHICH_LIST)
        raise _not_this_cursor(f"This `cursor` goes on with a list of its own: leave {names} out, or as they were.")
    return cursor


def _not_this_cursor(detail: str) -> errors.InvalidParameter:
    return errors.InvalidParameter([{"parameter": "cursor", "detail": detail}])


def digest(asked: Mapping[str, Any]) -> str:
    """What a list is made by, so that its cursor goes on with no other."""
    which = [str(asked.get(name)) for name in WHICH_LIST]
    return hashlib.sha256(json.dumps(which).encode()).hexdigest()[:16]
