"""Why one entry of many is not taken, while the others are."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Programs may rely on these; sentences may change."""

    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    INVALID_VALUE = "invalid-value"
    UNKNOWN_TYPE = "unknown-type"
    OUTSIDE_SCALE = "outside-scale"
    TIME_IN_FUTURE = "time-in-future"
    TOO_LONG = "too-long"
    UNKNOWN_USER = "unknown-user"
    UNKNOWN_ITEM = "unknown-item"
    UNKNOWN_RECOMMENDATION = "unknown-recommendation"
    NOT_THEIR_LIST = "not-their-list"
    ERASED = "erased"


class RefusedError(ValueError):
    """An entry cannot be taken; `detail` says what to do, and never names anybody."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Rejected:
    """`index`: the entry's place among those that were sent, from 0; in a stream its line, from 1."""

    index: int
    code: Code
    detail: str

    @classmethod
    def of(cls, index: int, why: RefusedError) -> "Rejected":
        return cls(index, why.code, why.detail)


UNKNOWN_USER = RefusedError(
    Code.UNKNOWN_USER,
    "The catalog has no end user of this `user_id`. Send the end user first, or ask with create=true.",
)
UNKNOWN_ITEM = RefusedError(Code.UNKNOWN_ITEM, "The catalog has no item of this `item_id`. Send the item first.")
ERASED = RefusedError(Code.ERASED, "Who or what has this id was erased from the catalog, and nothing of it is kept.")
