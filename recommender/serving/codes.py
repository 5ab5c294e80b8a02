"""What programs may rely on in an answer: codes for what is wrong with a list."""

from dataclasses import dataclass
from enum import StrEnum


class DegradedCode(StrEnum):
    """Why a list is not what was asked for. Programs may rely on these; `degraded_reason` says it in words."""

    NO_BACKBONE = "no_backbone"
    ARTIFACT_UNUSABLE = "artifact_unusable"
    NO_HISTORY = "no_history"
    UNKNOWN_USER = "unknown_user"
    NO_SCORED_LIST = "no_scored_list"
    STALE_SCORED_LIST = "stale_scored_list"
    CANNOT_RANK = "cannot_rank"
    ALL_MET = "all_met"
    NO_ITEMS = "no_items"
    NOTHING_LEFT = "nothing_left"


class NoticeCode(StrEnum):
    """What else is to be known of a list. Programs may rely on these."""

    FEWER_ITEMS = "fewer_items"
    UNKNOWN_ITEMS = "unknown_items"
    UNKNOWN_VALUE = "unknown_value"
    TEXT_NOT_UNDERSTOOD = "text_not_understood"
    TEXT_PARTLY_UNDERSTOOD = "text_partly_understood"
    TEXT_UNSURE = "text_unsure"
    MEETS_NOTHING = "meets_nothing"
    MOVES_NOTHING = "moves_nothing"
    PINNED = "pinned"
    BURIED = "buried"
    OUT_OF_STOCK = "out_of_stock"


@dataclass(frozen=True, slots=True)
class Notice:
    """`detail` says it in words."""

    code: NoticeCode
    detail: str
