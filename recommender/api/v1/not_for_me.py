"""“Not for me”: one step from a list that was served to what its end user says of their taste."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import OneOfField, TextField, WholeNumberField
from recommender.api.posted import Shape, posted
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.said import AspectField, StatementSerializer, facets_of, written
from recommender.api.v1.statements import as_problems, said_by
from recommender.api.v1.wishes import LONGEST_ID
from recommender.grounding.prose import without_prose
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import EndUser, Item, Statement, TokenScope
from recommender.serving import queries
from recommender.serving.said import all_of, meeting
from recommender.statements import own
from recommender.statements.aspects import aspects_of

REASONS = ("statement", "item", "aspect")


class NotForMeShape(Shape):
    """What of a list is not for them, and why."""

    item_id = TextField(max_length=LONGEST_ID, help_text="Of an item of the list.")
    reason = OneOfField(
        choices=REASONS,
        help_text="statement: what is said of them is not so; it is struck. item: this very item; it is listed "
        "no more. aspect: what it is; they dislike that.",
    )
    statement_id = WholeNumberField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Of a reason of the item. Without it the statement that raises the item, where there is one only.",
    )
    aspect = AspectField(required=False, help_text="With reason=aspect: of what the item is, what they dislike.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("aspect" in attrs) != (attrs["reason"] == "aspect"):
            raise serializers.ValidationError({"aspect": ["It is sent with `reason` aspect, and only then."]})
        if "statement_id" in attrs and attrs["reason"] != "statement":
            raise serializers.ValidationError({"statement_id": ["It is sent with `reason` statement only."]})
        return attrs


class NotForMeSerializer(serializers.Serializer[Any]):
    """What the end user says by it."""

    statements = StatementSerializer(many=True)


class NotForMeView(PrivateView):
    scope = TokenScope.STATEMENTS_WRITE

    @extend_schema(
        operation_id="not_for_me",
        tags=["statements"],
        parameters=[
            OpenApiParameter(
                "recommendation_id", UUID, OpenApiParameter.PATH, description="From the answer that served the list."
            ),
            KEY,
        ],
        request=NotForMeShape,
        responses=responses(NotForMeSerializer, "It is kept.", problems=tuple(PROBLEMS | WRITING), status=201),
    )
    @idempotent
    def post(self, request: Request, recommendation_id: UUID) -> Response:
        """Not for me: because of what is said of them, because of this item, or because of what the item is."""
        logged = queries.logged(recommendation_id, asker=asker_of(request))
        if logged is None:
            raise errors.UnknownRecommendation(
                f"No list with the id {recommendation_id} was served. Use the `recommendation_id` of an earlier answer."
            )
        end_user = logged.end_user
        if end_user is None:
            raise errors.UnknownEndUser("This list was for nobody whom the catalog knows: nothing can be kept of them.")
        if end_user.erased_at is not None:
            raise errors.Erased("This list was made for somebody who was erased. Nothing of it is kept.")
        asked = posted(request, NotForMeShape)
        end_user.catalog = logged.catalog
        item = Item.objects.filter(catalog=logged.catalog, external_id=asked["item_id"]).first()
        if item is None or asked["item_id"] not in [each["item_id"] for each in logged.items]:
            raise errors.UnknownItem("This list has no such item. Use an `item_id` of the list.")
        made = _said(end_user, item, asked)
        said = [written(one) for one in all_of(end_user) if one.row.pk in made]
        return Response({"statements": said}, status=201)


def _said(end_user: EndUser, item: Item, asked: dict[str, Any]) -> set[int]:
    """The rows that say so, by primary key."""
    match asked["reason"]:
        case "statement":
            return _struck(end_user, item, asked.get("statement_id"))
        case "item":
            facets: tuple[Facet, ...] = (Facet("title", "", item.external_id),)
        case _:
            facets = facets_of(end_user.catalog, asked["aspect"])
            _require_of(end_user, item, facets)
    return {row.pk for row in said_by(end_user, [Said(facets, "dislikes")], "")}


def _struck(end_user: EndUser, item: Item, statement_id: int | None) -> set[int]:
    """Strike what raises the item. Raises InvalidParameter where it is not clear which."""
    raising = meeting(end_user, item.pk)
    chosen = [one for one in raising if statement_id in (None, one.row.pk)]
    if len(chosen) != 1:
        named = ", ".join(f"{one.row.pk} ({one.about})" for one in raising)
        what = (
            f"These raise the item: {named}. Name one in `statement_id`."
            if raising
            else ("No statement raises this item now. Send `reason` item or aspect.")
        )
        raise errors.InvalidParameter([{"parameter": "statement_id", "detail": what}])
    with as_problems(), transaction.atomic():
        return {_strike(end_user, one.row).pk for one in raising if one.said.key == chosen[0].said.key}


def _strike(end_user: EndUser, row: Statement) -> Statement:
    return own.strike(end_user, row, now=timezone.now())


def _require_of(end_user: EndUser, item: Item, facets: tuple[Facet, ...]) -> None:
    """Raises InvalidParameter where the item is not so."""
    aspects = aspects_of(end_user.catalog)
    if item.pk not in aspects.pks[aspects.meeting(facets)]:
        known = without_prose(item.attributes)
        has = ", ".join(f"{name}={value}" for name, values in known.items() for value in _several(values))
        detail = f"The item is not so, as far as is known. It has: {has[:500] or 'no attributes'}."
        raise errors.InvalidParameter([{"parameter": "aspect", "detail": detail}])


def _several(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
