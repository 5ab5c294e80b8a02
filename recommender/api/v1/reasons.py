"""The shapes of texts and of an item's reasons."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recommender.serving.types import (
    DIRECTIONS,
    REVIEW_STATUSES,
    SAYERS,
    SHOWN_STATUSES,
    AdapterShare,
    Author,
    Explanation,
    HistoryReason,
    KeptAway,
    Moment,
    OwnStatementReason,
    Reason,
    RuleReason,
    ScoredReason,
    StatementReason,
    StatisticReason,
    TextStatement,
    ToldReason,
    UserTextReason,
)
from recommender.statements.phrases import Sentence


class MomentField(serializers.DateTimeField):
    """A moment of the catalog's clock as a time, null where the clock counts no seconds."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_null=True, **keywords)

    def to_representation(self, value: Any) -> Any:
        at = value.at if isinstance(value, Moment) else value
        return None if at is None else super().to_representation(at)


class OrderField(serializers.IntegerField):
    """A moment of a clock that only orders: its number; null elsewhere."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_null=True, **keywords)

    def to_representation(self, value: Any) -> Any:
        return value.order if isinstance(value, Moment) else value


AS_OF = "It uses only what happened before this; null where the catalog's clock only orders or there is no order."
ORDER = "The same as a number that only orders, where the catalog has no times; else null."


class AuthorSerializer(serializers.Serializer[Author]):
    """Who wrote it."""

    kind = serializers.ChoiceField(choices=["model", "person"])
    name = serializers.SerializerMethodField(help_text="The model's; null for a person, who is not named.")
    demonstration = serializers.BooleanField(
        source="is_demonstration", help_text="Whether it is a statistical model for demonstrations, and no LLM."
    )

    def get_name(self, author: Author) -> str | None:
        return author.name or None


class TextStatementSerializer(serializers.Serializer[TextStatement]):
    """One statement of the text about the end user."""

    statement_id = serializers.IntegerField()
    aspect = serializers.CharField(help_text="What it is about: attribute values, a period, a title or a phrase.")
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    quote = serializers.CharField(help_text="The words of the text, or of the person, that say so.")
    by_person = serializers.BooleanField(help_text="Whether a person said it; else a model did and a person approved.")
    liked = serializers.IntegerField(help_text="Of the ratings below, how many are likes.")
    ratings = serializers.IntegerField(help_text="How many of the end user's ratings are of items that it is about.")
    kept_away = serializers.IntegerField(
        help_text="How many items would be on this page of the list without it; always 0 on later pages."
    )


class KeptAwaySerializer(serializers.Serializer[KeptAway]):
    """A disliked aspect that keeps items off the page, of which the items that are listed cannot tell."""

    said_in = serializers.ChoiceField(
        choices=SAYERS,
        help_text="text: the text about the end user. end_user: they said it themself. request: its text says so.",
    )
    statement_id = serializers.SerializerMethodField(
        help_text="Of an end user's own, `…/statements/{statement_id}` corrects or strikes it. Null: of the request."
    )
    aspect = serializers.CharField(source="statement.aspect")
    quote = serializers.CharField(source="statement.quote", allow_blank=True, help_text="Empty where it is withheld.")
    items = serializers.IntegerField(
        source="statement.kept_away", min_value=1, help_text="How many other items would be on this page without it."
    )

    def get_statement_id(self, one: KeptAway) -> int | None:
        return None if one.said_in == "request" else one.statement.statement_id


class ExplanationSerializer(serializers.Serializer[Explanation]):
    """A text about the end user or an item: a justification, not the computation of a score."""

    explanation_id = serializers.IntegerField(help_text="Leads to /explanations/{explanation_id}.")
    text = serializers.CharField()
    further_texts = serializers.SerializerMethodField(
        help_text="Not with explain=short: the other drafts that were kept, where several were written and filtered."
    )
    review_status = serializers.ChoiceField(
        choices=REVIEW_STATUSES,
        help_text="approved: in force, and nobody disputes it. reviewed: people have judged it and it is not settled: "
        "in force but disputed, or written or called reasonable by a person and not approved yet. unreviewed: nobody "
        "has judged it.",
    )
    reviewed_at = serializers.DateTimeField(allow_null=True, help_text="When a person decided; null while unreviewed.")
    written_by = AuthorSerializer()
    in_snapshot = serializers.BooleanField(help_text="Whether the backbone was trained with this very text.")
    as_of = MomentField(help_text=AS_OF)
    as_of_order = OrderField(source="as_of", help_text=ORDER)
    statements = TextStatementSerializer(
        many=True,
        help_text="Of the text about the end user: in a list, those that moved one of its items or kept one away.",
    )

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_further_texts(self, text: Explanation) -> list[str]:
        return list(text.further.values())


class CitedSerializer(serializers.Serializer[Any]):
    """What moved the item's score, measured with it and without, in logits of a like."""

    effect = serializers.FloatField(help_text="Added to the logit: above 0 it raised the item.")
    share = serializers.FloatField(
        min_value=0, max_value=1, help_text="Its part in everything that was measured to move this item, up or down."
    )
    direction = serializers.ChoiceField(choices=DIRECTIONS)


WORDS = "Which of its words mean the phrase; empty where they are the phrase's own."


class SentenceSerializer(serializers.Serializer[Sentence]):
    """What the text about the item tells of a phrase, for which the item counts as what the phrase is about."""

    explanation_id = serializers.IntegerField(source="turn_id")
    quote = serializers.CharField()
    words = serializers.CharField(source="term", allow_blank=True, help_text=WORDS)

    def to_representation(self, said: Sentence) -> Any:
        return None if said.turn_id is None else super().to_representation(said)


class DescribedSerializer(serializers.Serializer[Sentence]):
    """The same of the item's own description, an attribute of a sentence or more."""

    attribute = serializers.CharField(help_text="The attribute's name.")
    quote = serializers.CharField()
    words = serializers.CharField(source="term", allow_blank=True, help_text=WORDS)

    def to_representation(self, said: Sentence) -> Any:
        return super().to_representation(said) if said.turn_id is None else None


SENTENCE = "Of a phrase that the text about the item tells of. Null where its title or attributes do, and else."
DESCRIBED = "Of a phrase that the item's own description tells of, and no approved text about it. Else null."


class HistoryReasonSerializer(serializers.Serializer[HistoryReason]):
    """An item of the end user's history, and how it is known to bear on this one."""

    kind = serializers.ChoiceField(choices=["history"])
    basis = serializers.ChoiceField(
        choices=["backbone", "shared_attributes"],
        help_text="backbone: the ranking was asked with it and without. shared_attributes: a liked item with equal "
        "attributes; the ranking may have had other grounds, so effect, share and direction are null.",
    )
    item_id = serializers.CharField()
    title = serializers.CharField()
    rating = serializers.FloatField(allow_null=True)
    liked = serializers.BooleanField(allow_null=True, help_text="Null where it is not known.")
    met_at = MomentField(
        source="met",
        help_text="Null where the catalog's clock only orders or there is no order, and of what the request told.",
    )
    met_order = OrderField(source="met", help_text=ORDER)
    shared = serializers.ListField(child=serializers.CharField(), help_text="Attribute values both items have.")
    effect = serializers.FloatField(allow_null=True)
    share = serializers.FloatField(allow_null=True, min_value=0, max_value=1)
    direction = serializers.ChoiceField(choices=DIRECTIONS, allow_null=True)


class StatementReasonSerializer(CitedSerializer):
    """A statement of the text about the end user that moved the item; `user_explanation` has its words."""

    kind = serializers.ChoiceField(choices=["statement"])
    basis = serializers.ChoiceField(choices=["steering"])
    statement_id = serializers.IntegerField()
    explanation_id = serializers.IntegerField()
    aspect = serializers.CharField(help_text="What it is about: attribute values, a period, a title or a phrase.")
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    sentence = SentenceSerializer(allow_null=True, help_text=SENTENCE)
    described = DescribedSerializer(source="sentence", allow_null=True, help_text=DESCRIBED)


class OwnStatementReasonSerializer(CitedSerializer):
    """What the end user said themself moved the item; `…/statements/{statement_id}` corrects or strikes it."""

    kind = serializers.ChoiceField(choices=["own_statement"])
    basis = serializers.ChoiceField(choices=["steering"])
    statement_id = serializers.IntegerField()
    aspect = serializers.CharField(help_text="What it is about: attribute values, a period, a title or a phrase.")
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    quote = serializers.CharField(allow_blank=True, help_text="Their words; empty where they pressed a button.")
    sentence = SentenceSerializer(allow_null=True, help_text=SENTENCE)
    described = DescribedSerializer(source="sentence", allow_null=True, help_text=DESCRIBED)


class ToldReasonSerializer(CitedSerializer):
    """A statement of the text that came with the request moved the item; `understood` has its words."""

    kind = serializers.ChoiceField(choices=["told"])
    basis = serializers.ChoiceField(choices=["steering"])
    aspect = serializers.CharField(help_text="What it is about: attribute values, a period, a title or a phrase.")
    polarity = serializers.ChoiceField(choices=["likes", "dislikes"])
    sentence = SentenceSerializer(allow_null=True, help_text=SENTENCE)
    described = DescribedSerializer(source="sentence", allow_null=True, help_text=DESCRIBED)


class UserTextReasonSerializer(CitedSerializer):
    """The text about the end user that the backbone was trained with: the item's score with it and without."""

    kind = serializers.ChoiceField(choices=["user_text"])
    basis = serializers.ChoiceField(choices=["backbone"])
    explanation_id = serializers.IntegerField(allow_null=True, help_text="Null where another text took its place.")


class StatisticReasonSerializer(serializers.Serializer[StatisticReason]):
    """Why a list that is not about the end user names this item."""

    kind = serializers.ChoiceField(choices=["popularity", "segment", "newness"])
    basis = serializers.ChoiceField(choices=["statistics"])
    text = serializers.CharField()


class AdapterShareSerializer(serializers.Serializer[AdapterShare]):
    """One adapter of a tuned model."""

    name = serializers.CharField(help_text="The global adapter's, or that of a group's expert.")
    share = serializers.FloatField(help_text="Its part, above 0 and at most 1, of the sum that scored.")


class RuleReasonSerializer(serializers.Serializer[RuleReason]):
    """A business rule put the item where it stands. It is given with explain=none too."""

    kind = serializers.ChoiceField(choices=["rule"])
    basis = serializers.ChoiceField(choices=["rule"])
    rule_id = serializers.IntegerField()
    rule = serializers.ChoiceField(choices=["pin", "bury"])
    text = serializers.CharField(allow_blank=True, help_text="Why, as whoever set the rule wrote it.")


class ScoredReasonSerializer(serializers.Serializer[ScoredReason]):
    """What an LLM answered about the item, where the list goes by it or was moved by it. No text made its score."""

    kind = serializers.ChoiceField(choices=["scored"])
    basis = serializers.ChoiceField(choices=["answer"])
    log_odds = serializers.FloatField(
        allow_null=True, help_text="Of Yes against No, before calibration and steering. Null: it has no score."
    )
    probability = serializers.FloatField(
        allow_null=True, help_text="Of a like, as calibrated, before steering. Null: it has no score."
    )
    note = serializers.CharField(allow_blank=True, help_text="What is to be known of the score; often empty.")
    text = serializers.CharField(
        allow_blank=True, help_text="What the model reasoned before it answered; empty where it was not asked to."
    )
    text_status = serializers.ChoiceField(choices=SHOWN_STATUSES, help_text="withheld: only with min_review=any.")
    cut_off = serializers.BooleanField(
        help_text="Whether the model's tokens ran out, so that the text may end in the midst of a sentence."
    )
    verdict = serializers.ChoiceField(
        choices=["yes", "no"], allow_blank=True, help_text="What that text says at its start or end; empty: neither."
    )
    agrees = serializers.BooleanField(
        allow_null=True,
        help_text="Whether the text's verdict is on the side of probability: Yes above 0.55, No below 0.45. Null: one "
        "of them is on none.",
    )
    review_status = serializers.ChoiceField(choices=["unreviewed"], help_text="No person has judged it.")
    model = serializers.CharField(help_text="The model's name, with its adapter's or its experts'.")
    adapters = AdapterShareSerializer(
        many=True, help_text="Of a tuned model those that made the score, the largest part first; else empty."
    )
    prompt = serializers.CharField(help_text="The prompt's name and version.")
    as_of = MomentField(help_text=AS_OF)
    as_of_order = OrderField(source="as_of", help_text=ORDER)
    scored_at = serializers.DateTimeField()
    effect = serializers.FloatField(
        allow_null=True,
        help_text="What it added to the logit of a like: above 0 it raised the item. Null: the list goes by it alone.",
    )


REASONS: dict[str, serializers.Serializer[Any] | type[serializers.Serializer[Any]]] = {
    "history": HistoryReasonSerializer,
    "statement": StatementReasonSerializer,
    "own_statement": OwnStatementReasonSerializer,
    "told": ToldReasonSerializer,
    "user_text": UserTextReasonSerializer,
    "popularity": StatisticReasonSerializer,
    "segment": StatisticReasonSerializer,
    "newness": StatisticReasonSerializer,
    "rule": RuleReasonSerializer,
    "scored": ScoredReasonSerializer,
}
WRITERS: dict[type[Reason], serializers.Serializer[Any]] = {
    HistoryReason: HistoryReasonSerializer(),
    StatementReason: StatementReasonSerializer(),
    OwnStatementReason: OwnStatementReasonSerializer(),
    ToldReason: ToldReasonSerializer(),
    UserTextReason: UserTextReasonSerializer(),
    StatisticReason: StatisticReasonSerializer(),
    RuleReason: RuleReasonSerializer(),
    ScoredReason: ScoredReasonSerializer(),
}


def write(reason: Reason) -> dict[str, Any]:
    return dict(WRITERS[type(reason)].to_representation(reason))
