"""The shape of a backbone version."""

from typing import Any

from rest_framework import serializers


class BackboneSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number", min_value=1)
    architecture = serializers.CharField()
