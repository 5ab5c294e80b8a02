"""The catalogs: what is recommended in each, how much, and by which backbone."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of
from recommender.api.parameters import NOTHING, parse
from recommender.api.resource import PrivateView, responses
from recommender.api.v1.backbones import BackboneSerializer
from recommender.models import Catalog, Clock, TokenScope
from recommender.serving import queries


class CatalogSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    item_noun = serializers.CharField()
    clock = serializers.ChoiceField(choices=Clock.choices, help_text="What moments count. none: no order is known.")
    items = serializers.IntegerField(source="item_count")
    end_users = serializers.IntegerField(source="end_user_count")
    backbone = serializers.SerializerMethodField(help_text="The active one, which ranks this catalog.")

    @extend_schema_field(BackboneSerializer(allow_null=True))
    def get_backbone(self, catalog: Catalog) -> dict[str, Any] | None:
        active = catalog.backbone_versions.all()  # serving.queries.catalogs loads only the active one
        return BackboneSerializer(active[0]).data if active else None


class CatalogsSerializer(serializers.Serializer[Any]):
    catalogs = CatalogSerializer(many=True)


class CatalogsView(PrivateView):
    scope = TokenScope.CATALOGS_READ

    @extend_schema(
        operation_id="list_catalogs", tags=["catalogs"], responses=responses(CatalogsSerializer, "The catalogs.")
    )
    def get(self, request: Request) -> Response:
        """The catalogs that the token opens: what is recommended in each, how much, and by which backbone."""
        parse(request, NOTHING)
        return Response(CatalogsSerializer({"catalogs": queries.catalogs(asker=asker_of(request))}).data)
