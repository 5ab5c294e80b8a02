"""Query parameters: read strictly, so that a misspelt one is an error and not an answer to another question."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from recommender.api.errors import InvalidParameter


class WholeNumberField(serializers.IntegerField):
    """Digits and nothing else: not " 5", not "5.0"."""

    def to_internal_value(self, data: Any) -> int:
        if not (isinstance(data, str) and data.isascii() and data.isdigit()):
            self.fail("invalid")
        return super().to_internal_value(data)


class NoQuery(serializers.Serializer[Any]):
    """For addresses without parameters."""


def parse(request: Request, query: serializers.Serializer[Any]) -> dict[str, Any]:
    """The validated parameters. Raises InvalidParameter, which names each wrong one and what it may be.

    `query` is shared between requests: only its fields are used, and making them anew costs more than checking.
    """
    given, known = request.query_params, query.fields
    errors = [_unknown(name, list(known)) for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, field in known.items():
        if len(given.getlist(name)) > 1:
            errors.append({"parameter": name, "detail": f"`{name}` may be given once."})
            continue
        try:
            values[name] = field.run_validation(given.get(name, serializers.empty))
        except serializers.ValidationError:
            errors.append({"parameter": name, "detail": _expected(field, name)})
    if errors:
        raise InvalidParameter(errors)
    return values


def _unknown(name: str, known: list[str]) -> dict[str, str]:
    may = f"Known here: {', '.join(f'`{each}`' for each in known)}." if known else "There are none here."
    return {"parameter": name, "detail": f"There is no parameter `{name}`. {may}"}


def _expected(field: serializers.Field[Any, Any, Any, Any], name: str) -> str:
    if isinstance(field, serializers.ChoiceField):
        return f"`{name}` must be one of {', '.join(field.choices)}."
    assert isinstance(field, WholeNumberField), "a new kind of parameter must say what it expects"
    return f"`{name}` must be a whole number from {field.min_value} to {field.max_value}."


NOTHING = NoQuery()
