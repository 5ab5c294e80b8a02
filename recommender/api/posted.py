"""Bodies of JSON: read strictly, so that a misspelt member is an error and not an answer to another question."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from recommender.api import bodies
from recommender.api.errors import InvalidParameter
from recommender.api.parameters import NOTHING, Parameter, parse

MOST_ERRORS = 20
EMPTY = '`""`'  # a choice


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
        said = {}
        for name, each in wrong.items():
            expected = _expected(self.fields[name], each) if name in self.fields else ""
            said[name] = [_said(each, expected)] if expected else each
        return said


def _expected(field: Any, wrong: Any) -> str:
    """Ends the sentence "It must be …"; empty where what is wrong stands further inside, or says so itself."""
    if isinstance(field, Parameter):
        return field.expected
    if isinstance(field, serializers.ChoiceField):
        return f"one of {', '.join(str(each) or EMPTY for each in field.choices)}"
    if isinstance(field, serializers.ListField) and isinstance(wrong, list) and field.max_length is not None:
        return f"a list of {field.min_length or 0} to {field.max_length} entries"
    return ""


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
