"""What a caller may want of a list besides, and what is said of it: shapes that several addresses share."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from recommender.api.errors import InvalidParameter
from recommender.api.parameters import ManyField, NumberField, OneOfField
from recommender.serving.codes import NoticeCode
from recommender.serving.conditions import HOW, LONGEST, Condition, ConditionError
from recommender.serving.wish import MOST_AMONG, MOST_CONDITIONS, MOST_EXCLUDED, Wish

LONGEST_ID = 128
FILTER = f"Conditions that an item must meet, all of them. {HOW} A backslash takes what follows it as it is."


class NarrowQuery(serializers.Serializer[Any]):
    """Which items may be listed."""

    filter = ManyField(longest=LONGEST, most=MOST_CONDITIONS, what="conditions", help_text=FILTER)
    exclude = ManyField(longest=LONGEST_ID, most=MOST_EXCLUDED, what="ids of items", help_text="Items not to list.")
    among = ManyField(
        longest=LONGEST_ID,
        most=MOST_AMONG,
        what="ids of items, one at least",
        min_length=1,
        help_text="Only these items, a page of search results to be ranked say; what may not be listed is left out. "
        "All, unless given.",
    )


class WishQuery(NarrowQuery):
    """What else is wanted of a list for somebody."""

    diversity = NumberField(
        default=0.0,
        min_value=0.0,
        max_value=1.0,
        help_text="From 0, the best items whatever they resemble, to 1: each as unlike those before it as can be, by "
        "the approved texts about them, or by attributes where not all have one.",
    )
    unknown_user = OneOfField(
        default="list",
        choices=["list", "error"],
        help_text="What becomes of an id that the catalog does not have: a list that is not personal, or 404.",
    )


class NoticeSerializer(serializers.Serializer[Any]):
    """What else is to be known of the list."""

    code = serializers.ChoiceField(choices=[code.value for code in NoticeCode])
    detail = serializers.CharField(help_text="In words, which may change.")


class UnderstoodSerializer(serializers.Serializer[Any]):
    """A statement of the text that came with the request, as it was read."""

    aspect = serializers.CharField()
    polarity = serializers.ChoiceField(
        choices=["likes", "dislikes", "mixed"],
        help_text="mixed: in two minds; it moves nothing, nor does what was said before.",
    )
    quote = serializers.CharField(help_text="The words of the text.")
    meets = serializers.IntegerField(help_text="How many items it is about.")


def wish_of(asked: Mapping[str, Any]) -> Wish:
    """Raises InvalidParameter where a condition cannot be read."""
    try:
        conditions = [Condition.of(each) for each in asked["filter"]]
    except ConditionError as error:
        raise wrong_filter(error) from error
    scenario, diversity = asked.get("scenario", ""), asked.get("diversity", 0.0)
    return Wish(scenario, asked["exclude"], conditions, diversity, asked["among"])


def wrong_filter(error: ConditionError) -> InvalidParameter:
    return InvalidParameter([{"parameter": "filter", "detail": str(error)}])
