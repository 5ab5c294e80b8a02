"""Fields of a listed item that `fields` may leave out. (Those made by a method are required in the schema.)"""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from recommender.api.v1.reasons import REASONS, write


@extend_schema_field(serializers.FloatField)
class ScoreField(serializers.Field[Any, Any, Any, Any]):
    """A number of six digits."""

    def to_representation(self, value: Any) -> float:
        return round(float(value), 6)


@extend_schema_field(
    PolymorphicProxySerializer(component_name="Reason", serializers=REASONS, resource_type_field_name="kind", many=True)
)
class ReasonsField(serializers.Field[Any, Any, Any, Any]):
    """What moved an item."""

    def to_representation(self, value: Any) -> list[dict[str, Any]]:
        return [write(reason) for reason in value]
