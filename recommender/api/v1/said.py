"""The shapes of what is said of an end user's taste, and of what is to be said of it."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from recommender.api import errors
from recommender.api.parameters import OneOfField, TextField
from recommender.api.posted import Shape
from recommender.grounding.statements import Facet
from recommender.grounding.wording import FAR_YEAR
from recommender.models import Catalog, Polarity
from recommender.serving.said import SAID_BY, STATUSES, WHY_NOT, SaidOfThem
from recommender.statements.aspects import CatalogAspects, aspects_of

POLARITIES = (Polarity.LIKES.value, Polarity.DISLIKES.value, Polarity.MIXED.value)
FACETS = ("attribute", "period", "title", "phrase")
MOST_FACETS = 5
LONGEST_VALUE = 200
ACCEPTED = "Whether a person has accepted it, or approved the text that says it."
ACTS = "Whether it moves their lists now; never where the catalog's strength of steering is 0."
NEAR = 5  # values that an error names
_YEARS = re.compile(r"([0-9]{1,4})-([0-9]{1,4})", re.ASCII)


class FacetShape(Shape):
    """One thing that an item must have."""

    kind = serializers.ChoiceField(  # one of Shape's choices, which names the rest
        choices=FACETS,
        help_text="attribute: `name` and one of its values. period: years, as 1970-1979. title: an item's id. "
        "phrase: words that items' texts have.",
    )
    name = TextField(default="", allow_blank=True, max_length=LONGEST_VALUE, help_text="Of an attribute; else empty.")
    value = TextField(max_length=LONGEST_VALUE, expected=f"text of 1 to {LONGEST_VALUE} characters")


class AspectField(serializers.ListField):
    def __init__(self, **keywords: Any) -> None:
        super().__init__(child=FacetShape(), min_length=1, max_length=MOST_FACETS, **keywords)


class FacetSerializer(serializers.Serializer[Facet]):
    """One thing that an item must have for it, in the catalog's terms."""

    kind = serializers.ChoiceField(choices=FACETS)
    name = serializers.CharField(allow_blank=True, help_text="The attribute that has it; empty for titles and phrases.")
    value = serializers.CharField(
        help_text="Its value; of a period the first and the last year; of a title the item's id."
    )


class StatementSerializer(serializers.Serializer[SaidOfThem]):
    """One statement about an end user's taste."""

    statement_id = serializers.IntegerField(source="row.pk")
    aspect = FacetSerializer(
        source="said.aspect",
        many=True,
        help_text="What it is about, in the catalog's terms: an item must have them all.",
    )
    about = serializers.CharField(help_text="The same in words.")
    polarity = serializers.ChoiceField(source="row.polarity", choices=Polarity.choices)
    negated = serializers.BooleanField(source="row.negated", help_text="Whether the end user says that it is not so.")
    quote = serializers.CharField(allow_blank=True, help_text="The words of the text, or of whoever said it.")
    said_by = serializers.ChoiceField(
        choices=SAID_BY,
        help_text="end_user: they said it themself. person: an annotator did. model: a model's text says it.",
    )
    explanation_id = serializers.IntegerField(
        source="row.turn_id", allow_null=True, help_text="Of the text that says it; null where it is in none."
    )
    replaces = serializers.IntegerField(
        source="row.replaces_id", allow_null=True, help_text="The statement that this one corrects."
    )
    accepted = serializers.SerializerMethodField(help_text=ACCEPTED)
    status = serializers.ChoiceField(
        choices=STATUSES,
        help_text="standing: it counts. waiting: it counts once a person has accepted it. overruled: a newer word "
        "about the same counts. struck, replaced: it was taken back, or corrected. refused: a person said no.",
    )
    acts = serializers.SerializerMethodField(help_text=ACTS)
    acts_since = serializers.DateTimeField(source="since", allow_null=True, help_text="Null where it does not.")
    why_not = serializers.ChoiceField(
        choices=WHY_NOT,
        allow_null=True,
        help_text="Why it does not act; null where it does. steering_off: in this catalog statements move no list, "
        "whatever they say; a model may have been trained with the text. no_opinion: it says nothing of what is liked "
        "(mixed, a fact, or that something is not so). waiting, overruled, ended: as `status` says.",
    )
    standing = serializers.ChoiceField(
        choices=["supported", "contradicted", "unsupported", "not_checkable"],
        help_text="How it stands against what they have rated.",
    )
    liked = serializers.IntegerField(help_text="Of the ratings below, how many are likes.")
    ratings = serializers.IntegerField(help_text="How many of their ratings are of items that it is about.")
    meets = serializers.IntegerField(help_text="How many items of the catalog it is about; of 0 it moves nothing yet.")
    said_at = serializers.DateTimeField(source="row.created_at")
    ended_at = serializers.DateTimeField(source="row.ended_at", allow_null=True)

    def get_acts(self, one: SaidOfThem) -> bool:
        return one.since is not None

    def get_accepted(self, one: SaidOfThem) -> bool:
        return one.row.turn_id is not None or one.row.accepted_by_id is not None


class ListedStatementSerializer(StatementSerializer):
    """One statement about an end user's taste; `fields` says what of it is there."""

    # Of those made by a method the schema says that they are always there.
    accepted = serializers.BooleanField(help_text=ACCEPTED)  # type: ignore[assignment]
    acts = serializers.BooleanField(help_text=ACTS)  # type: ignore[assignment]

    def get_fields(self) -> dict[str, Any]:
        fields = dict(super().get_fields())
        for name, field in fields.items():
            field.required = name == "statement_id"
        return fields


_AS_JSON = StatementSerializer()
CHOSEN = tuple(str(name) for name in _AS_JSON.fields if str(name) != "statement_id")


def written(one: SaidOfThem) -> dict[str, Any]:
    return dict(_AS_JSON.to_representation(one))


def etag_of(statement: Mapping[str, Any]) -> str:
    """A strong one: of the statement, not of how many ratings bear on it."""
    counted = ("standing", "liked", "ratings", "meets")
    said = JSONRenderer().render({name: value for name, value in statement.items() if name not in counted})
    return f'"{hashlib.sha256(said).hexdigest()[:32]}"'


def require_match(request: Request, statement: Mapping[str, Any]) -> None:
    """Raises PreconditionFailed where If-Match names other states of the statement (RFC 9110, 13.1.1).

    An answer that was packed came with `W/` before its tag, since other bytes were sent; the tag is of the statement,
    so it is the same one.
    """
    sent = request.headers.get("If-Match")
    if sent is None or sent.strip() == "*":
        return
    if etag_of(statement) not in [each.strip().removeprefix("W/") for each in sent.split(",")]:
        raise errors.PreconditionFailed


def polarity_field(**keywords: Any) -> OneOfField:
    return OneOfField(choices=POLARITIES, required=False, **keywords)


def facets_of(catalog: Catalog, given: Sequence[Mapping[str, str]], *, path: str = "aspect") -> tuple[Facet, ...]:
    """The aspect as the catalog has it. Raises InvalidParameter, which names values that are near."""
    aspects, found, wrong = aspects_of(catalog), list[Facet](), list[dict[str, str]]()
    for place, each in enumerate(given):
        facet = _facet(aspects, each["kind"], each["name"], each["value"])
        if isinstance(facet, Facet):
            found.append(facet)
        else:
            wrong.append({"parameter": f"{path}[{place}]", "detail": facet})
    if wrong:
        raise errors.InvalidParameter(wrong)
    return tuple(dict.fromkeys(found))


def _facet(aspects: CatalogAspects, kind: str, name: str, value: str) -> Facet | str:
    """What is wrong with it, in a sentence, where it cannot be."""
    match kind:
        case "attribute":
            if name not in aspects.values_of:
                return f"No item has an attribute “{name}”. They have: {_some(sorted(aspects.values_of)) or 'none'}."
            known = aspects.values_of[name]
            values = known.get(value.casefold(), [])
            if not values:
                near = [known[each][0] for each in get_close_matches(value.casefold(), known, NEAR)]
                return f"No item has “{value}” as {name}.{f' Near it: {_some(near)}.' if near else ''}"
            return Facet("attribute", name, value if value in values else values[0])
        case "period":
            years = _YEARS.fullmatch(value)
            if years is None or int(years[1]) > int(years[2]):
                return f"`value` must be the first and the last year, as 1970-1979; 1990-{FAR_YEAR} has no end."
            if not aspects.lexicon.year_name:
                return "Nobody knows from which year the items of this catalog are."
            return Facet("period", aspects.lexicon.year_name, f"{int(years[1])}-{int(years[2])}")
        case "title":
            return Facet("title", "", value) if value in aspects.title_of else f"There is no item “{value}”."
        case _:
            words = " ".join(value.split())
            return Facet("phrase", "", words) if words else "`value` of a phrase must be words."


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"“{each}”" for each in names[:20])
