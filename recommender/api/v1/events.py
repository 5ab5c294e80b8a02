"""What end users did with what they were shown."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import bodies
from recommender.api.idempotent import idempotent
from recommender.api.resource import PrivateView, responses
from recommender.api.v1.entries import (
    MOST_ENTRIES,
    PARAMETERS,
    PROBLEMS_OF_WRITING,
    CreateQuery,
    RejectedSerializer,
    asked_to_create,
    catalog_of,
    told,
)
from recommender.events import service
from recommender.models import EventType, TokenScope


class EventSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField(max_length=128, help_text="Your own id of it: the same one counts once.")
    type = serializers.ChoiceField(choices=EventType.choices)
    user_id = serializers.CharField(
        max_length=128,
        required=False,
        help_text="Whose it is. Left out for a visitor whom nobody knows, of a list that is named.",
    )
    item_id = serializers.CharField(max_length=128)
    recommendation_id = serializers.UUIDField(
        required=False, help_text="The list that it is about; explanation_helpful needs it."
    )
    position = serializers.IntegerField(required=False, min_value=1, help_text="The item's place in what was shown.")
    value = serializers.JSONField(
        required=False,
        help_text="rating: the rating, on the catalog's scale. explanation_helpful: true unless you send false.",
    )
    time = serializers.DateTimeField(
        required=False, help_text="When it happened, ISO 8601; now, where it is left out. At most now."
    )
    order = serializers.IntegerField(
        required=False, help_text="Where the catalog's clock is a number that only orders; else time is taken."
    )


class EventsSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True, help_text=f"At most {MOST_ENTRIES}.")


class TakenSerializer(serializers.Serializer[Any]):
    """What became of the events."""

    accepted = serializers.IntegerField(help_text="Stored now.")
    duplicates = serializers.IntegerField(help_text="Whose event_id was there already, or twice in the call.")
    rejected = RejectedSerializer(many=True)


class EventsView(PrivateView):
    scope = TokenScope.EVENTS_WRITE

    @extend_schema(
        operation_id="send_events",
        tags=["events and data"],
        parameters=[*PARAMETERS, CreateQuery],
        request=EventsSerializer,
        responses=responses(TakenSerializer, "What became of each.", problems=PROBLEMS_OF_WRITING),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Tell what end users did: opinions count with the next request. Sending the same events again is safe."""
        create = asked_to_create(request)
        found = catalog_of(request, catalog)
        taken = service.take(found, bodies.json_object(request, "events", most=MOST_ENTRIES), create=create)
        return Response({"accepted": taken.accepted, "duplicates": taken.duplicates, "rejected": told(taken.rejected)})
