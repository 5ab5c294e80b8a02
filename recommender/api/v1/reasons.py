"""The shapes of an item's reasons."""

from typing import Any

from rest_framework import serializers

from recommender.serving.types import (
    BEARINGS,
    AdapterShare,
    CitedStatement,
    HistoryReason,
    Reason,
    ScoredReason,
    StatisticReason,
    TextReason,
)


class CitedStatementSerializer(serializers.Serializer[CitedStatement]):
    """One statement of an approved text that moved the item's place."""

    statement_id = serializers.IntegerField()
    aspect = serializers.CharField(help_text="What it is about: attribute values, a period, a title or a phrase.")
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    quote = serializers.CharField(help_text="The words of the text, or of the person, that say so.")
    effect = serializers.FloatField(help_text="What it added to the logit of a like: above 0 it raised the item.")
    by_person = serializers.BooleanField(help_text="Whether a person said it; else a model did and a person approved.")
    approved_at = serializers.DateTimeField()
    liked = serializers.IntegerField(help_text="Of the ratings below, how many are likes.")
    ratings = serializers.IntegerField(help_text="How many of the end user's ratings are of items that it is about.")


class TextReasonSerializer(serializers.Serializer[TextReason]):
    """A text about the end user or the item: a justification, not the computation of the score."""

    kind = serializers.ChoiceField(choices=["user_preference", "item_knowledge"])
    basis = serializers.ChoiceField(choices=["justification"])
    text = serializers.CharField()
    further_texts = serializers.ListField(
        child=serializers.CharField(),
        help_text="With explain=full: the other drafts that were kept, where several were written and filtered.",
    )
    review_status = serializers.ChoiceField(
        choices=["approved", "unreviewed"], help_text="unreviewed: written by a model, judged by no person yet."
    )
    written_by = serializers.CharField(
        help_text="The model's name, or “a person” for an edit. Models named r4-demo-… are demonstrations, not LLMs."
    )
    knowledge_id = serializers.IntegerField(allow_null=True, help_text="Null while unreviewed.")
    accepted_at = serializers.DateTimeField(allow_null=True)
    in_snapshot = serializers.BooleanField(help_text="Whether the backbone was trained with this very text.")
    as_of = serializers.IntegerField(help_text="The text uses only what happened before this, on the catalog's clock.")
    round_id = serializers.IntegerField()
    turn_id = serializers.IntegerField()
    bearing = serializers.ChoiceField(
        choices=BEARINGS,
        help_text="Whether its statements speak for the item or against it. neither: it is about the person only, and "
        "no reason for this item.",
    )
    statements = CitedStatementSerializer(many=True, help_text="What raised the item, what weighs most first.")
    although = CitedStatementSerializer(many=True, help_text="What lowered it; it is listed all the same.")


class PastItemSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    rating = serializers.FloatField(allow_null=True)
    liked = serializers.BooleanField(allow_null=True, help_text="Null where it is not known.")
    moment = serializers.IntegerField(help_text="On the catalog's clock; where that is none, it means nothing.")
    weight = serializers.FloatField(help_text="Its part, from 0 to 1, in what spoke for the item.")
    shared = serializers.ListField(child=serializers.CharField(), help_text="Attribute values both items have.")


class HistoryReasonSerializer(serializers.Serializer[HistoryReason]):
    """Which items of the end user's history spoke for this one, and how that is known."""

    kind = serializers.ChoiceField(choices=["history"])
    basis = serializers.ChoiceField(
        choices=["backbone", "shared_attributes"],
        help_text="backbone: computed from the ranking itself. shared_attributes: liked items with equal attributes; "
        "the ranking may have had other grounds.",
    )
    items = PastItemSerializer(many=True)


class StatisticReasonSerializer(serializers.Serializer[StatisticReason]):
    """Why a list that is not about the end user names this item."""

    kind = serializers.ChoiceField(choices=["popularity", "newness"])
    basis = serializers.ChoiceField(choices=["statistics"])
    text = serializers.CharField()


class AdapterShareSerializer(serializers.Serializer[AdapterShare]):
    """One adapter of a tuned model."""

    name = serializers.CharField(help_text="The global adapter's, or that of a group's expert.")
    share = serializers.FloatField(help_text="Its part, above 0 and at most 1, of the sum that scored.")


class ScoredReasonSerializer(serializers.Serializer[ScoredReason]):
    """What an LLM answered about the item, where the list goes by it or was moved by it. No text made its score."""

    kind = serializers.ChoiceField(choices=["scored"])
    basis = serializers.ChoiceField(choices=["answer"])
    log_odds = serializers.FloatField(
        allow_null=True, help_text="Of Yes against No, before calibration and steering. Null: it has no score."
    )
    note = serializers.CharField(allow_blank=True, help_text="What is to be known of the score; often empty.")
    text = serializers.CharField(
        allow_blank=True, help_text="What the model reasoned before it answered; empty where it was not asked to."
    )
    verdict = serializers.ChoiceField(
        choices=["yes", "no"], allow_blank=True, help_text="What that text says at its start or end; empty: neither."
    )
    agrees = serializers.BooleanField(
        allow_null=True, help_text="Whether the text's verdict is on the score's side. Null: one of them is on none."
    )
    review_status = serializers.ChoiceField(choices=["unreviewed"], help_text="No person has judged it.")
    model = serializers.CharField(help_text="The model's name, with its adapter's or its experts'.")
    adapters = AdapterShareSerializer(
        many=True, help_text="Of a tuned model those that made the score, the largest part first; else empty."
    )
    prompt = serializers.CharField(help_text="The prompt's name and version.")
    as_of = serializers.IntegerField(help_text="It knows only what happened before this, on the catalog's clock.")
    scored_at = serializers.DateTimeField()
    effect = serializers.FloatField(
        allow_null=True,
        help_text="What it added to the logit of a like: above 0 it raised the item. Null: the list goes by it alone.",
    )


REASONS: dict[str, serializers.Serializer[Any] | type[serializers.Serializer[Any]]] = {
    "user_preference": TextReasonSerializer,
    "item_knowledge": TextReasonSerializer,
    "history": HistoryReasonSerializer,
    "popularity": StatisticReasonSerializer,
    "newness": StatisticReasonSerializer,
    "scored": ScoredReasonSerializer,
}
WRITERS: dict[type[Reason], serializers.Serializer[Any]] = {
    TextReason: TextReasonSerializer(),
    HistoryReason: HistoryReasonSerializer(),
    StatisticReason: StatisticReasonSerializer(),
    ScoredReason: ScoredReasonSerializer(),
}


def write(reason: Reason) -> dict[str, Any]:
    return dict(WRITERS[type(reason)].to_representation(reason))
