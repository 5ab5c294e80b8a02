"""What callers ask for, in a query or as the members of a JSON object: read strictly, so that a misspelt name is an
error and not an answer to another question."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from recommender.api import bodies
from recommender.api.errors import InvalidParameter
from recommender.models import Catalog, Clock

LONGEST_KEPT, MOST_KEPT = 200, 1_000  # characters of a query that is remembered, and how many are
_KEPT: dict[tuple[int, str], dict[str, Any]] = {}  # by the parameters' shape and the query


class Parameter(serializers.Field[Any, Any, Any, Any]):
    """A field that says what it expects. `to_internal_value` reads JSON, `from_query` makes that of a query's text."""

    @property
    def expected(self) -> str:
        """Ends the sentence "It must be …"."""
        raise NotImplementedError

    def from_query(self, text: str) -> Any:
        return text


class WholeNumberField(Parameter, serializers.IntegerField):
    """Digits and nothing else: not " 5", not "5.0"."""

    def from_query(self, text: str) -> Any:
        if not (text.isascii() and text.isdigit() and len(text) <= 19):
            self.fail("invalid")
        return int(text)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data

    @property
    def expected(self) -> str:
        return f"a whole number from {self.min_value} to {self.max_value}"


class OneOfField(Parameter, serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.choices)}"


class YesOrNoField(Parameter, serializers.BooleanField):
    """`true` or `false`."""

    def from_query(self, text: str) -> Any:
        if text not in ("true", "false"):
            self.fail("invalid", input=text)
        return text == "true"

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data

    @property
    def expected(self) -> str:
        return "true or false"


class TextField(Parameter, serializers.CharField):
    """Text, as it is."""

    def __init__(self, *, expected: str = "", **keywords: Any) -> None:
        if not keywords.get("allow_blank"):
            keywords.setdefault("min_length", 1)  # which the schema says
        super().__init__(trim_whitespace=False, **keywords)
        least = "at most" if self.allow_blank else "1 to"
        self._expected = expected or f"text of {least} {self.max_length} characters, without NUL"

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))

    @property
    def expected(self) -> str:
        return self._expected


class NumberField(Parameter, serializers.FloatField):
    """A number that is one: finite, and between two others where these are told."""

    def from_query(self, text: str) -> Any:
        try:
            return float(text) if text.isascii() and len(text) <= 40 else text
        except ValueError:
            return text

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail("invalid")
        return number

    @property
    def expected(self) -> str:
        if self.min_value is None or self.max_value is None:
            return "a number"
        return f"a number from {self.min_value:g} to {self.max_value:g}"


class ManyField(Parameter, serializers.ListField):
    """Texts: the same parameter again and again in a query, a list in JSON."""

    def __init__(self, *, longest: int, most: int, what: str, **keywords: Any) -> None:
        child = serializers.CharField(min_length=1, max_length=longest, trim_whitespace=False)
        super().__init__(child=child, max_length=most, default=list, **keywords)
        self.longest, self.most, self.what = longest, most, what

    def from_query(self, text: Any) -> Any:
        return text

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
            self.fail("not_a_list", input_type=type(data).__name__)
        return list(super().to_internal_value(data))

    @property
    def expected(self) -> str:
        return f"{self.what}, at most {self.most}, each of 1 to {self.longest} characters"


class NamesField(Parameter, serializers.ListField):
    """Some of a few names: parted by commas in a query, a list in JSON."""

    def __init__(self, *, names: tuple[str, ...], **keywords: Any) -> None:
        super().__init__(child=serializers.ChoiceField(choices=names), min_length=1, **keywords)
        self.names = names

    def from_query(self, text: str) -> Any:
        return text.split(",")

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or any(name not in self.names for name in data):
            self.fail("not_a_list", input_type=type(data).__name__)
        return list(dict.fromkeys(super().to_internal_value(data)))

    @property
    def expected(self) -> str:
        return f"one or more of {', '.join(self.names)}"


@extend_schema_field({"oneOf": [{"type": "string", "format": "date-time"}, {"type": "integer", "minimum": 0}]})
class MomentField(Parameter):
    """A moment on the catalog's clock: a time of ISO 8601 with its offset, or a number that only orders."""

    WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)

    def from_query(self, text: str) -> Any:
        return int(text) if self.WHOLE.fullmatch(text) else text

    def to_internal_value(self, data: Any) -> int | datetime:
        if isinstance(data, int) and not isinstance(data, bool) and 0 <= data < 10**18:
            return data
        try:
            moment = datetime.fromisoformat(data)
            datetime.fromtimestamp(ceil(moment.timestamp()), tz=UTC)  # an offset may lead out of all years
        except (ValueError, TypeError, OverflowError) as error:
            raise serializers.ValidationError("invalid") from error
        if moment.tzinfo is None or "T" not in data:
            raise serializers.ValidationError("invalid")
        return moment

    def to_representation(self, value: Any) -> Any:
        return value

    @property
    def expected(self) -> str:
        return (
            "a time such as 2026-03-01T12:00:00Z, or a whole number where the catalog's clock only orders (a + in an "
            "address is written %2B)"
        )


def moment_on(catalog: Catalog, given: int | datetime | None) -> int | None:
    """The moment on the catalog's clock. Raises InvalidParameter where it is no moment of that clock."""
    if given is None:
        return None
    if catalog.clock == Clock.SECONDS and isinstance(given, datetime):
        return ceil(given.timestamp())
    if catalog.clock == Clock.ORDER and isinstance(given, int):
        return given
    must = {
        Clock.SECONDS: "`as_of` must be a time such as 2026-03-01T12:00:00Z: this catalog's clock counts seconds.",
        Clock.ORDER: "`as_of` must be a whole number: this catalog's clock only orders.",
        Clock.NONE: "Leave `as_of` out: in this catalog nobody knows what came first.",
    }
    raise InvalidParameter([{"parameter": "as_of", "detail": must[Clock(catalog.clock)]}])


class NoQuery(serializers.Serializer[Any]):
    """For addresses without parameters."""


def parse(request: Request, query: serializers.Serializer[Any]) -> dict[str, Any]:
    """The validated parameters of a query. Raises InvalidParameter, which names each wrong one and what it may be.

    `query` is shared between requests: only its fields are used, and making them anew costs more than checking. What a
    short query says is read once, since it says nothing else the next time.
    """
    text = request.META.get("QUERY_STRING", "")
    if len(text) > LONGEST_KEPT:
        return _parsed(query, request.query_params)
    key = (id(query), text)
    known = _KEPT.get(key)
    if known is None:
        known = _parsed(query, request.query_params)
        if len(_KEPT) >= MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = known
    return dict(known)


def _parsed(query: serializers.Serializer[Any], given: QueryDict) -> dict[str, Any]:
    several = [str(name) for name, field in query.fields.items() if isinstance(field, ManyField) and str(name) in given]
    repeated = [str(name) for name in query.fields if str(name) not in several and len(given.getlist(str(name))) > 1]
    values = dict(given.items()) | {name: given.getlist(name) for name in several}
    return _validated(values, query, repeated=repeated, in_query=True)


def parse_body(request: Request, shape: serializers.Serializer[Any]) -> dict[str, Any]:
    """The validated members of a JSON object; no body is an empty one. Nothing may be in the query.

    Raises a Problem: InvalidParameter, or what bodies.members raises.
    """
    parse(request, NOTHING)
    return _validated(bodies.members(request), shape, repeated=(), in_query=False)


def _validated(
    given: Mapping[str, Any], shape: serializers.Serializer[Any], *, repeated: Any, in_query: bool
) -> dict[str, Any]:
    known = shape.fields
    errors = [_unknown(name, list(known)) for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in repeated:
            errors.append({"parameter": name, "detail": f"`{name}` may be given once."})
            continue
        assert isinstance(field, Parameter), "a parameter must say what it expects"
        try:
            value = given.get(name, serializers.empty)
            if in_query and value is not serializers.empty:
                value = field.from_query(value)
            values[name] = field.run_validation(value)
        except serializers.ValidationError:
            errors.append({"parameter": name, "detail": f"`{name}` must be {field.expected}."})
        except serializers.SkipField:
            continue
    if errors:
        raise InvalidParameter(errors)
    return values


def _unknown(name: str, known: list[str]) -> dict[str, str]:
    may = f"Known here: {', '.join(f'`{each}`' for each in known)}." if known else "There are none here."
    return {"parameter": name[:100], "detail": f"There is no parameter `{name[:100]}`. {may}"}


NOTHING = NoQuery()
