"""What a caller may want of a list: the shapes that several addresses share, and the values that serving takes."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from recommender.api import errors
from recommender.api.errors import InvalidParameter
from recommender.api.posted import CountField, NumberField, Shape, WordsField, YesOrNoField
from recommender.models import ApiToken, Catalog, SubjectKind
from recommender.serving import queries
from recommender.serving.conditions import HOW, LONGEST, Condition, ConditionError
from recommender.serving.rankers import DEFAULT, RANKERS
from recommender.serving.recommend import recommend
from recommender.serving.session import LONGEST_HISTORY, LONGEST_TEXT, Met, session_of
from recommender.serving.types import EXPLAIN_CHOICES, MOST_ITEMS, NoticeCode, Served
from recommender.serving.whom import Session, Visitor, Whom
from recommender.serving.wish import MOST_CONDITIONS, MOST_EXCLUDED, Wish

LONGEST_ID = 128
MOST_ATTRIBUTES = 20
FILTER = f"Conditions that items must all meet. {HOW} A backslash takes what follows it as it is."
EXCLUDE = "Ids of items not to list."
DIVERSITY = (
    "From 0, the best items whatever they resemble, to 1: each as unlike those before it as can be, by the approved "
    "texts about them, or by attributes."
)
UNKNOWN_USER = ("list", "error")


class NoticeSerializer(serializers.Serializer[Any]):
    """What else is to be known of the list."""

    code = serializers.ChoiceField(choices=[code.value for code in NoticeCode])
    detail = serializers.CharField(help_text="In words, which may change.")


class UnderstoodSerializer(serializers.Serializer[Any]):
    """A statement of the text that came with the request, as it was read."""

    aspect = serializers.CharField()
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    quote = serializers.CharField(help_text="The words of the text.")
    meets = serializers.IntegerField(help_text="How many items it is about.")


class Wishes(Shape):
    """What is wanted of a list."""

    limit = CountField(default=10, min_value=1, max_value=MOST_ITEMS)
    explain = serializers.ChoiceField(default="none", choices=EXPLAIN_CHOICES)
    scenario = serializers.ChoiceField(default=DEFAULT, choices=sorted(RANKERS))
    filter = serializers.ListField(
        child=WordsField(max_length=LONGEST), default=list, max_length=MOST_CONDITIONS, help_text=FILTER
    )
    exclude = serializers.ListField(
        child=WordsField(max_length=LONGEST_ID), default=list, max_length=MOST_EXCLUDED, help_text=EXCLUDE
    )
    diversity = NumberField(default=0.0, min_value=0.0, max_value=1.0, help_text=DIVERSITY)


class MetShape(Shape):
    """An item of a history. `liked` outranks `rating`; without both it was met, and nothing more is known."""

    item_id = WordsField(max_length=LONGEST_ID)
    rating = NumberField(default=None, allow_null=True)
    liked = YesOrNoField(default=None, allow_null=True)


class Told(Shape):
    """What is told of somebody for this one answer. Nothing of it is stored."""

    user_id = WordsField(
        required=False,
        max_length=LONGEST_ID,
        help_text="Whose list it is; what is told comes on top of what is known. None: a visitor's.",
    )
    history = MetShape(many=True, default=list, max_length=LONGEST_HISTORY, help_text="Oldest first.")
    text = WordsField(
        default="",
        allow_blank=True,
        max_length=LONGEST_TEXT,
        help_text="Their taste in plain words; what it says acts on this list at once. English, German or Spanish.",
    )
    attributes = serializers.DictField(
        child=serializers.JSONField(),
        default=dict,
        help_text="Of a visitor, as end users of the catalog have them: they say which segment's list to give.",
    )

    def validate_attributes(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if len(given) > MOST_ATTRIBUTES:
            raise serializers.ValidationError(f"At most {MOST_ATTRIBUTES} attributes.")
        return given


def wish_of(asked: Mapping[str, Any]) -> Wish:
    """Raises InvalidParameter where a condition cannot be read."""
    try:
        conditions = [Condition.of(each) for each in asked["filter"]]
    except ConditionError as error:
        raise wrong_filter(error) from error
    return Wish(asked.get("scenario", DEFAULT), asked["exclude"], conditions, asked.get("diversity", 0.0))


def wrong_filter(error: ConditionError) -> InvalidParameter:
    return InvalidParameter([{"parameter": "filter", "detail": str(error)}])


def told_of(catalog: Catalog, told: Mapping[str, Any]) -> Session:
    """Raises InvalidParameter for a rating that the catalog's scale does not have."""
    wrong = [
        {
            "parameter": f"history[{place}].rating",
            "detail": f"A rating of this catalog is from {catalog.rating_min:g} to {catalog.rating_max:g}.",
        }
        for place, met in enumerate(told["history"])
        if met["rating"] is not None and not catalog.rating_min <= met["rating"] <= catalog.rating_max
    ]
    if wrong:
        raise InvalidParameter(wrong[:MOST_CONDITIONS])
    history = [Met(met["item_id"], met["rating"], met["liked"]) for met in told["history"]]
    return session_of(catalog, history=history, text=told["text"])


def whom_named(
    catalog: str, user_id: str, *, asker: ApiToken, or_error: bool, attributes: Mapping[str, Any] | None = None
) -> Whom:
    """The end user, or a visitor of that id. Raises UnknownCatalog, Erased, and UnknownEndUser where `or_error`."""
    end_user = queries.end_user_named(catalog, user_id, asker=asker) if user_id else None
    if end_user is not None:
        return end_user
    found = catalog_named(catalog, asker=asker)
    if user_id and queries.erased(catalog, SubjectKind.END_USER, user_id, asker=asker):
        raise errors.Erased(f"This end user was erased from the catalog “{catalog}”. Nothing about them is kept.")
    if or_error:
        raise errors.UnknownEndUser(
            f"The catalog “{catalog}” has no end user “{user_id}”. Check the id; import_catalog adds end users."
        )
    return Visitor(found, user_id, attributes or {})


def catalog_named(name: str, *, asker: ApiToken) -> Catalog:
    """Raises UnknownCatalog."""
    found = queries.catalog_named(name, asker=asker)
    if found is None:
        names = [f"“{each.name}”" for each in queries.catalogs(asker=asker)[:10]]
        known = f"This token opens: {', '.join(names)}." if names else "This token opens none: ask a lead."
        raise errors.UnknownCatalog(f"There is no catalog “{name}”. {known}")
    return found


def listed(whom: Whom, asked: Mapping[str, Any], wish: Wish, session: Session, *, token: ApiToken) -> Served:
    """The list. Raises InvalidParameter where the filter names an attribute that no item has."""
    try:
        return recommend(
            whom,
            limit=asked["limit"],
            level=asked["explain"],
            token=token,
            scenario=asked["scenario"],
            wish=wish,
            session=session,
        )
    except ConditionError as error:
        raise wrong_filter(error) from error


