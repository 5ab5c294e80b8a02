"""What an item must have to be listed, as callers write it. Pure.

genres:Drama            has the value
genres:Drama|Comedy     has one of them
-genres:Horror          has none of them
year>=1990              a number; also <=, > and <

A backslash takes what follows it as it is: `name:a\\|b` is one value. What is upper case and what lower makes no
difference in values.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal, Self, cast

LONGEST = 300  # characters of one condition
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONDITION = re.compile(r"(-?)((?:\\.|[^-\\:<>])(?:\\.|[^\\:<>])*)(:|>=|<=|>|<)(.*)", re.DOTALL)
_BETWEEN = re.compile(r"((?:\\.|[^\\|])*)(\||$)", re.DOTALL)

Comparison = Literal[">=", "<=", ">", "<"]
HOW = "Write `genres:Drama`, `genres:Drama|Comedy`, `-genres:Horror` or `year>=1990`."


class ConditionError(ValueError):
    """A condition that cannot be read, or names what the catalog's items do not have. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`values`: one of them is enough; empty for a comparison with `number`. `negated`: the item must not meet it."""

    name: str
    values: tuple[str, ...] = ()
    comparison: Comparison | None = None
    number: float = 0.0
    negated: bool = False

    @classmethod
    def of(cls, written: str) -> Self:
        """Raises ConditionError."""
        found = _CONDITION.fullmatch(written.strip())
        if len(written) > LONGEST or found is None:
            raise ConditionError(f"“{written[:60]}” is no condition. {HOW}")
        minus, name, sign, rest = found.groups()
        name, negated = _plain(name).strip(), bool(minus)
        if sign == ":":
            values = tuple(_plain(one).strip() for one in _parts(rest))
            if not name or not all(values):
                raise ConditionError(f"“{written[:60]}” names no value. {HOW}")
            return cls(name, values, negated=negated)
        try:
            number = float(rest)
        except ValueError:
            number = math.nan
        if not name or not math.isfinite(number):
            raise ConditionError(f"“{written[:60]}” compares with no number. {HOW}")
        return cls(name, comparison=cast(Comparison, sign), number=number, negated=negated)


def _parts(rest: str) -> list[str]:
    """The values between unescaped bars."""
    parts = []
    for found in _BETWEEN.finditer(rest):
        parts.append(found[1])
        if not found[2]:
            break
    return parts


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
