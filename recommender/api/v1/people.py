"""What is kept about a person, and erasing them; erasing an item."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.authentication import asker_of
from recommender.api.errors import DOCS, UnknownPath
from recommender.api.parameters import NOTHING, parse
from recommender.api.resource import PROBLEMS, PrivateView, responses
from recommender.api.v1.explanations import item_named
from recommender.api.v1.recommendations import end_user_named
from recommender.erasure import export, queries, service
from recommender.models import Account, Catalog, SubjectKind, TokenScope

USER = [
    OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name."),
    OpenApiParameter("user_id", str, OpenApiParameter.PATH, description="The end user's id in your data."),
]
ITEM = [USER[0], OpenApiParameter("item_id", str, OpenApiParameter.PATH, description="The item's id in your data.")]


class PersonSerializer(serializers.Serializer[Any]):
    """Everything that is kept about one person."""

    format = serializers.IntegerField()
    catalog = serializers.CharField()
    user_id = serializers.CharField()
    attributes = serializers.DictField()
    clock = serializers.CharField(help_text="What `moment` and `as_of` count.")
    ratings = serializers.ListField(
        child=serializers.DictField(),
        help_text="Of each `met_at` is the time; null where the clock counts no seconds.",
    )
    texts = serializers.ListField(
        child=serializers.DictField(),
        help_text="What was written about them: steps, questions to the AI, decisions.",
    )
    in_force = serializers.ListField(child=serializers.DictField(), help_text="Approved texts.")
    served_lists = serializers.ListField(child=serializers.DictField())
    scored_lists = serializers.ListField(child=serializers.DictField(), help_text="Lists that an LLM scored.")
    scored_ratings = serializers.ListField(child=serializers.DictField(), help_text="Ratings that it was asked about.")
    messages_to_webhooks = serializers.ListField(
        child=serializers.DictField(), help_text="What other programs were told of them, and when."
    )
    disputes = serializers.ListField(child=serializers.DictField(), help_text="What was said against texts.")
    statements = serializers.ListField(
        child=serializers.DictField(), help_text="What they said of themselves, also what they took back."
    )
    events = serializers.ListField(child=serializers.DictField(), help_text="What was told of them over REST.")
    groups = serializers.ListField(child=serializers.DictField())
    shown_to_a_teacher = serializers.ListField(child=serializers.DictField())


class TrainingRowsSerializer(serializers.Serializer[Any]):
    rounds = serializers.ListField(child=serializers.IntegerField())
    cases = serializers.ListField(child=serializers.IntegerField())


class ReceiptSerializer(serializers.Serializer[Any]):
    """A receipt. It names nobody."""

    receipt = serializers.IntegerField()
    catalog = serializers.CharField()
    kind = serializers.ChoiceField(choices=SubjectKind.choices)
    erased_at = serializers.DateTimeField()
    settled = serializers.BooleanField(help_text="Whether what was under way meanwhile was looked for.")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="What went, by what it was.")
    training_rows = TrainingRowsSerializer(help_text="Rows of training sets, by their provenance, that are to go.")
    trained_with = serializers.ListField(
        child=serializers.IntegerField(), help_text="Backbone versions whose weights learnt from it."
    )
    adapters = serializers.ListField(child=serializers.CharField(), help_text="Adapters tuned on rows that are gone.")
    to_do = serializers.ListField(child=serializers.CharField(), help_text="What is still to do, in sentences.")


class PersonView(PrivateView):
    scope = TokenScope.PEOPLE_MANAGE

    @extend_schema(
        operation_id="export_person",
        tags=["people"],
        parameters=USER,
        responses=responses(PersonSerializer, "All of it.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, user_id: str) -> Response:
        """Everything that is kept about one person, for them. A lead's token is needed."""
        parse(request, NOTHING)
        return Response(export.of_person(end_user_named(catalog, user_id, asker=asker_of(request))))

    @extend_schema(
        operation_id="erase_person",
        tags=["people"],
        parameters=USER,
        responses=responses(ReceiptSerializer, "The receipt.", problems=tuple(PROBLEMS)),
    )
    def delete(self, request: Request, catalog: str, user_id: str) -> Response:
        """Erase a person for good. Once they are, this and every other address about them answers 410."""
        parse(request, NOTHING)
        found = end_user_named(catalog, user_id, asker=asker_of(request))
        return _erased(request, found.catalog, SubjectKind.END_USER, user_id)

    def http_method_not_allowed(  # type: ignore[override]  # REST framework's requests wrap Django's
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """An id may hold slashes, so what leads nowhere below a person's statements comes here."""
        if "/statements/" in self.kwargs["user_id"]:
            raise UnknownPath(f"Nothing answers at {request.path}. {DOCS} lists all addresses.")
        return super().http_method_not_allowed(request, *args, **kwargs)


class GivenItemSerializer(serializers.Serializer[Any]):
    """An item as it was sent."""

    catalog = serializers.CharField()
    item_id = serializers.CharField()
    title = serializers.CharField()
    attributes = serializers.DictField()


class ItemView(PrivateView):
    scope = TokenScope.PEOPLE_MANAGE
    reading_scope = TokenScope.CATALOG_WRITE  # whoever sends items may see what became of them

    @extend_schema(
        operation_id="get_item",
        tags=["events and data"],
        parameters=ITEM,
        responses=responses(GivenItemSerializer, "The item.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, item_id: str) -> Response:
        """An item as the catalog has it."""
        parse(request, NOTHING)
        item = item_named(catalog, item_id, asker=asker_of(request))
        said = {"item_id": item.external_id, "title": item.title, "attributes": item.attributes}
        return Response({"catalog": item.catalog.name} | said)

    @extend_schema(
        operation_id="erase_item",
        tags=["people"],
        parameters=ITEM,
        responses=responses(ReceiptSerializer, "The receipt.", problems=tuple(PROBLEMS)),
    )
    def delete(self, request: Request, catalog: str, item_id: str) -> Response:
        """Erase an item for good: with its ratings and texts, and out of everything that shows it."""
        parse(request, NOTHING)
        found = item_named(catalog, item_id, asker=asker_of(request))
        return _erased(request, found.catalog, SubjectKind.ITEM, item_id)


def _erased(request: Request, catalog: Catalog, kind: SubjectKind, external_id: str) -> Response:
    erasure = service.erase(catalog, kind, external_id, by=cast(Account, request.user))
    return Response(queries.receipt(erasure))
