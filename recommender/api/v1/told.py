"""What a request may tell of somebody, for one answer: who they are, what they met just now, their taste in words."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recommender.api.errors import InvalidParameter
from recommender.api.parameters import NumberField, TextField, YesOrNoField
from recommender.api.posted import MOST_ERRORS, Shape
from recommender.api.v1.wishes import LONGEST_ID
from recommender.events import values
from recommender.events.refusals import RefusedError
from recommender.models import Catalog
from recommender.serving.session import LONGEST_HISTORY, Met, Session, session_of
from recommender.statements.heard import LONGEST_TEXT

MOST_ATTRIBUTES = 20
_TEXT = {"type": "string"}
_OTHERS = [{"type": "number", "minimum": 1 - 2**63, "maximum": 2**63 - 1}, {"type": "boolean"}]
_SOME = {"type": "array", "items": {"anyOf": [_TEXT, *_OTHERS]}}
_KEPT = {"anyOf": [_TEXT | {"nullable": True}, *_OTHERS, _SOME]}  # values.may_be_kept


@extend_schema_field({"type": "object", "additionalProperties": _KEPT, "maxProperties": MOST_ATTRIBUTES})
class AttributesField(serializers.DictField):
    """Attributes as end users have them, so that they mean the same: `true` is *yes*, and empty ones are left out."""

    default_error_messages = {"not_a_dict": f"It must be an object; each of its members {values.MAY_BE}."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        given = super().to_internal_value(data)
        wrong = {
            name[:60]: [f"It must be {values.MAY_BE}."]
            for name, value in given.items()
            if not values.may_be_kept(value)
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        if len(given) > MOST_ATTRIBUTES:
            raise serializers.ValidationError(f"At most {MOST_ATTRIBUTES} attributes may be told.")
        try:
            return values.attributes(given)
        except RefusedError as why:
            raise serializers.ValidationError(str(why)) from why


class MetShape(Shape):
    """An item of a history. `liked` outranks `rating`; without both it was met, and nothing more is known."""

    item_id = TextField(max_length=LONGEST_ID)
    rating = NumberField(default=None, allow_null=True, help_text="On the catalog's scale.")
    liked = YesOrNoField(default=None, allow_null=True)


class Told(Shape):
    """What is told of somebody for this one answer. Nothing of it is stored."""

    user_id = TextField(
        default="",
        allow_blank=True,
        max_length=LONGEST_ID,
        help_text="Whose list it is: what is told comes on top of what is known of them. Empty: nobody's.",
    )
    history = serializers.ListField(
        child=MetShape(), default=list, max_length=LONGEST_HISTORY, help_text="Oldest first."
    )
    text = TextField(
        default="",
        allow_blank=True,
        max_length=LONGEST_TEXT,
        help_text="Their taste in plain words; what it says acts on this list at once. English, German or Spanish.",
    )
    attributes = AttributesField(
        default=dict,
        help_text="Theirs, as end users of the catalog have them (text, numbers, true, false, or lists of such), for "
        "this list alone: they name a segment, and a backbone that was trained with attributes reads them. Of a known "
        "end user they take the place of those of the same names.",
    )


def session_told(catalog: Catalog, told: Mapping[str, Any], *, path: str = "") -> Session:
    """Raises InvalidParameter for a rating that the catalog's scale does not have. `path`: of `told` in the body."""
    wrong = [
        {
            "parameter": f"{path}history[{place}].rating",
            "detail": f"A rating in this catalog is from {catalog.rating_min:g} to {catalog.rating_max:g}.",
        }
        for place, met in enumerate(told["history"])
        if met["rating"] is not None and not catalog.rating_min <= met["rating"] <= catalog.rating_max
    ]
    if wrong:
        raise InvalidParameter(wrong[:MOST_ERRORS])
    history = [Met(met["item_id"], met["rating"], met["liked"]) for met in told["history"]]
    return session_of(catalog, history=history, text=told["text"], attributes=told["attributes"])
