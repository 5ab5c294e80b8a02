"""Bodies of JSON: read strictly, so that a misspelt member is an error and not an answer to another question."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from recommender.api import bodies
from recommender.api.errors import InvalidParameter
from recommender.api.parameters import NOTHING, Parameter, parse

MOST_ERRORS = 20


class Shape(serializers.Serializer[Any]):
    """A JSON object with the fields' members and no others."""

    default_error_messages = {"invalid": "It must be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = ", ".join(f"`{name}`" for name in self.fields)
            wrong = {
                name: [f"There is no member `{name[:60]}`. Known here: {known}."]
                for name in data
                if name not in self.fields
            }
            if wrong:
                raise serializers.ValidationError(wrong)
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(self._as_expected(error.detail)) from error

    def _as_expected(self, wrong: Any) -> dict[str, Any]:
        """What a value must be, in the words of its field; what `validate` says of several stays as it is."""
        expected = {name: field.expected for name, field in self.fields.items() if isinstance(field, Parameter)}
        return {name: [_said(each, expected[name])] if name in expected else each for name, each in wrong.items()}


def _said(wrong: Any, expected: str) -> str:
    is_missing = isinstance(wrong, list) and wrong[0].code == "required"
    return f"It is required: {expected}." if is_missing else f"It must be {expected}."


def posted(request: Request, shape: type[Shape]) -> dict[str, Any]:
    """The validated members of the body; no body is an empty one. Nothing may be in the query.

    Raises a Problem: InvalidParameter, which names each wrong member by its path (`history[3].rating`), or what
    bodies.members raises.
    """
    parse(request, NOTHING)
    data = bodies.members(request)
    made = shape(data=data)
    if not made.is_valid():
        wrong = [{"parameter": path, "detail": each} for path, each in _wrong(made.errors)]
        raise InvalidParameter(wrong[:MOST_ERRORS])
    return dict(made.validated_data)


def _wrong(errors: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every wrong member by its path, and what is wrong with it."""
    if isinstance(errors, Mapping):
        for name, each in errors.items():
            yield from _wrong(each, _below(path, name))
        return
    for place, each in enumerate(errors):
        if isinstance(each, Mapping):
            yield from _wrong(each, f"{path}[{place}]")
        else:
            named = path or "body"
            yield named, str(each) if str(each).startswith("There is no member") else f"`{named}`: {each}"


def _below(path: str, name: Any) -> str:
    if name == "non_field_errors":
        return path
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)
