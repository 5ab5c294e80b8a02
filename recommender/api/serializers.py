"""The shapes this API answers with; the OpenAPI schema is made from them."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from recommender.models import Catalog, Clock
from recommender.serving.types import SOURCES, HistoryReason, Reason, ServedItem, StatisticReason, TextReason


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


class PastItemSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    rating = serializers.FloatField(allow_null=True)
    liked = serializers.BooleanField(allow_null=True, help_text="Null where it is not known.")
    moment = serializers.IntegerField(help_text="On the catalog's clock.")
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


_REASONS: dict[str, serializers.Serializer[Any] | type[serializers.Serializer[Any]]] = {
    "user_preference": TextReasonSerializer,
    "item_knowledge": TextReasonSerializer,
    "history": HistoryReasonSerializer,
    "popularity": StatisticReasonSerializer,
    "newness": StatisticReasonSerializer,
}
_WRITERS: dict[type[Reason], serializers.Serializer[Any]] = {
    TextReason: TextReasonSerializer(),
    HistoryReason: HistoryReasonSerializer(),
    StatisticReason: StatisticReasonSerializer(),
}


class ItemSerializer(serializers.Serializer[ServedItem]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    rank = serializers.IntegerField(min_value=1)
    score = serializers.FloatField(
        allow_null=True,
        help_text="backbone: the probability of a like. popular: the likes to expect. newest: null. "
        "Compare scores within one list only.",
    )
    reasons = serializers.SerializerMethodField(help_text="Empty with explain=none.")

    @extend_schema_field(
        PolymorphicProxySerializer(
            component_name="Reason", serializers=_REASONS, resource_type_field_name="kind", many=True
        )
    )
    def get_reasons(self, item: ServedItem) -> list[dict[str, Any]]:
        return [self._reason(reason) for reason in item.reasons]

    def _reason(self, reason: Reason) -> dict[str, Any]:
        return dict(_WRITERS[type(reason)].to_representation(reason))


class BackboneSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number", min_value=1)
    architecture = serializers.CharField()


class RecommendationsSerializer(serializers.Serializer[Any]):
    """One list for one end user."""

    recommendation_id = serializers.UUIDField(help_text="Ask for the same list again with it.")
    catalog = serializers.CharField()
    user_id = serializers.CharField()
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field's name here, not Field.source
        choices=SOURCES, help_text="Which rung of the ladder answered, best first."
    )
    degraded = serializers.BooleanField(help_text="Whether a better rung could not answer.")
    degraded_reason = serializers.CharField(allow_blank=True, help_text="Why, in words; empty when not degraded.")
    backbone = BackboneSerializer(allow_null=True, help_text="The backbone that ranked the list.")
    knowledge_snapshot = serializers.IntegerField(
        allow_null=True, help_text="The number of the knowledge snapshot that backbone was trained on."
    )
    generated_at = serializers.DateTimeField()
    items = ItemSerializer(many=True)


class CatalogSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    item_noun = serializers.CharField()
    clock = serializers.ChoiceField(choices=Clock.choices, help_text="What moments count.")
    items = serializers.IntegerField(source="item_count")
    end_users = serializers.IntegerField(source="end_user_count")
    backbone = serializers.SerializerMethodField(help_text="The active one, which ranks this catalog.")

    @extend_schema_field(BackboneSerializer(allow_null=True))
    def get_backbone(self, catalog: Catalog) -> dict[str, Any] | None:
        active = catalog.backbone_versions.all()  # serving.queries.catalogs loads only the active one
        return BackboneSerializer(active[0]).data if active else None


class CatalogsSerializer(serializers.Serializer[Any]):
    catalogs = CatalogSerializer(many=True)


class ParameterErrorSerializer(serializers.Serializer[Any]):
    parameter = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField(help_text="Names the kind of error; programs may rely on it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    instance = serializers.CharField(help_text="The address that was asked.")
    errors = ParameterErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # not Serializer.errors
