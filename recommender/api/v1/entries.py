"""What addresses share that take many entries at once: which catalog, how many, and which entries were not taken."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from recommender.api.authentication import asker_of
from recommender.api.errors import UnknownCatalog
from recommender.api.idempotent import KEY
from recommender.api.parameters import OneOfField, parse
from recommender.api.resource import PROBLEMS, WRITING
from recommender.events.refusals import Code, Rejected
from recommender.models import Catalog
from recommender.serving.queries import catalog_named

MOST_ENTRIES = 10_000  # of one call
PARAMETERS = [OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name."), KEY]
PROBLEMS_OF_WRITING = tuple(status for status in (*PROBLEMS, *WRITING) if status != 410)


class CreateQuery(serializers.Serializer[Any]):
    create = OneOfField(  # type: ignore[assignment]  # a field's name here, not Serializer.create
        default="false",
        choices=["false", "true"],
        help_text="Whether end users are added that the catalog does not have yet; else their entries are rejected.",
    )


class RejectedSerializer(serializers.Serializer[Rejected]):
    """An entry that was not taken. It keeps nobody else's from being taken."""

    index = serializers.IntegerField(min_value=0, help_text="Its place among the entries, from 0.")
    code = serializers.ChoiceField(choices=[code.value for code in Code], help_text="Programs may rely on it.")
    detail = serializers.CharField(help_text="What to do. It names nobody.")


class AttributesSerializer(serializers.Serializer[Any]):
    attributes = serializers.DictField(
        required=False,
        help_text="Text, numbers, true, false, or lists of text, by name: all of them, since they take the place of "
        "those that are there. Without it those stay.",
    )


_CREATE = CreateQuery()


def asked_to_create(request: Request) -> bool:
    return bool(parse(request, _CREATE)["create"] == "true")


def catalog_of(request: Request, name: str) -> Catalog:
    """Raises UnknownCatalog."""
    found = catalog_named(name, asker=asker_of(request))
    if found is None:
        raise UnknownCatalog(f"There is no catalog “{name}”. `GET /api/v1/catalogs` says which ones this token opens.")
    return found


def told(rejected: Iterable[Rejected], place: str = "index") -> list[dict[str, Any]]:
    """A serializer would take as long as storing the entries."""
    return [{place: one.index, "code": one.code.value, "detail": one.detail} for one in rejected]
