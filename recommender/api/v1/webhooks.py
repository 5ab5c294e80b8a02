"""Webhooks: who is told of what happens in a catalog, and what became of telling it."""

import json
from datetime import timedelta
from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import NOTHING, NamesField, OneOfField, TextField, WholeNumberField, YesOrNoField, parse
from recommender.api.posted import Shape, posted
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import known_catalog
from recommender.api.v1.session import CATALOG
from recommender.models import (
    Account,
    DeliveryState,
    TokenScope,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from recommender.models.webhooks import LONGEST_DESCRIPTION, LONGEST_URL
from recommender.times import written
from recommender.webhooks import service
from recommender.webhooks.guard import RefusedUrlError

WEBHOOK = OpenApiParameter("webhook_id", int, OpenApiParameter.PATH, description="From the list of webhooks.")
EVENTS = tuple(WebhookEvent.values)
MOST_LISTED = 200
LARGEST_ID = 2**63 - 1
OVERLAP_HOURS = 24
READS, WRITES = tuple(PROBLEMS), tuple(PROBLEMS | WRITING)


class WebhookRequest(Shape):
    """Whom to tell, and of what."""

    url = TextField(max_length=LONGEST_URL, help_text="https, and a public address.")
    events = NamesField(names=EVENTS, help_text=f"Of {', '.join(EVENTS)}.")
    description = TextField(default="", allow_blank=True, max_length=LONGEST_DESCRIPTION)


class WebhookChange(Shape):
    """What is to be another; what is left out stays."""

    url = TextField(required=False, max_length=LONGEST_URL)
    events = NamesField(required=False, names=EVENTS)
    description = TextField(required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION)
    enabled = YesOrNoField(required=False, help_text="true: what waits is sent; false: nothing is, until it is true.")


class SecretRequest(Shape):
    overlap_hours = WholeNumberField(
        default=OVERLAP_HOURS,
        min_value=0,
        max_value=service.MOST_OVERLAP_HOURS,
        help_text="So long messages are signed with the old secret too; 0: not at all, where it has leaked.",
    )


class RedeliveriesRequest(Shape):
    """One delivery, or all that were given up since a time."""

    delivery_id = WholeNumberField(default=None, allow_null=True, min_value=1, max_value=LARGEST_ID)
    since = serializers.DateTimeField(default=None, allow_null=True, help_text="When the message was written.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["delivery_id"] is None) == (attrs["since"] is None):
            raise serializers.ValidationError({"delivery_id": ["Send either `delivery_id` or `since`."]})
        return attrs


class DeliveriesQuery(serializers.Serializer[Any]):
    state = OneOfField(choices=DeliveryState.values, required=False, help_text="Only these.")
    before = WholeNumberField(min_value=1, max_value=LARGEST_ID, required=False, help_text="`next_before` of a page.")
    limit = WholeNumberField(min_value=1, max_value=MOST_LISTED, default=50)


DELIVERIES = DeliveriesQuery()


class WebhookSerializer(serializers.Serializer[WebhookEndpoint]):
    webhook_id = serializers.IntegerField(source="pk")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS))
    description = serializers.CharField(allow_blank=True)
    enabled = serializers.SerializerMethodField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(allow_blank=True)
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Nothing got through since.")
    old_secret_until = serializers.DateTimeField(source="previous_until", allow_null=True)
    created_at = serializers.DateTimeField()

    def get_enabled(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.disabled_at is None


class WebhooksSerializer(serializers.Serializer[Any]):
    webhooks = WebhookSerializer(many=True)


class WebhookMadeSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Begins with whsec_. It is told this once.")


class SecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Begins with whsec_. It is told this once.")


class AttemptSerializer(serializers.Serializer[WebhookAttempt]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP; null where none came.")
    duration_ms = serializers.IntegerField()
    answer = serializers.CharField(allow_blank=True, help_text="The first characters of what came back.")
    error = serializers.CharField(allow_blank=True)


class DeliverySerializer(serializers.Serializer[WebhookDelivery]):
    delivery_id = serializers.IntegerField(source="pk")
    message_id = serializers.CharField(source="message.webhook_id", help_text="The header webhook-id.")
    type = serializers.CharField(source="message.type")
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    attempts = serializers.IntegerField(help_text="Since it was written or asked for again.")
    next_attempt_at = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="message.created_at")
    message = serializers.SerializerMethodField(help_text="What is sent.")
    log = AttemptSerializer(many=True)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        waits = delivery.state == DeliveryState.PENDING
        return written(delivery.next_attempt_at) if waits else None

    def get_message(self, delivery: WebhookDelivery) -> dict[str, Any]:
        return dict(json.loads(delivery.message.body))


class DeliveriesSerializer(serializers.Serializer[Any]):
    deliveries = DeliverySerializer(many=True)
    next_before = serializers.IntegerField(allow_null=True, help_text="`before` of the next page; null: no more.")


class RedeliveredSerializer(serializers.Serializer[Any]):
    redelivered = serializers.IntegerField()


class RemovedWebhookSerializer(serializers.Serializer[Any]):
    removed = serializers.IntegerField()


def _endpoint(request: Request, catalog: str, webhook_id: int) -> WebhookEndpoint:
    """Raises UnknownCatalog or UnknownWebhook."""
    of_catalog = known_catalog(catalog, asker=asker_of(request)).webhook_endpoints
    found = of_catalog.select_related("catalog").filter(pk=min(webhook_id, LARGEST_ID)).first()
    if found is None:
        raise errors.UnknownWebhook(f"The catalog “{catalog}” has no webhook {webhook_id}. GET …/webhooks lists them.")
    return found


def _refused(error: RefusedUrlError | service.RefusedError) -> errors.Problem:
    if isinstance(error, RefusedUrlError):
        return errors.InvalidParameter([{"parameter": "url", "detail": f"`url`: {error}"}])
    return errors.WebhookRefused(str(error))


def _by(request: Request) -> Account:
    return cast(Account, request.user)


class WebhooksView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="list_webhooks",
        tags=["webhooks"],
        parameters=[CATALOG],
        responses=responses(WebhooksSerializer, "The endpoints.", problems=READS),
    )
    def get(self, request: Request, catalog: str) -> Response:
        """All endpoints of a catalog, without their secrets."""
        parse(request, NOTHING)
        found = known_catalog(catalog, asker=asker_of(request))
        return Response(WebhooksSerializer({"webhooks": found.webhook_endpoints.order_by("pk")}).data)

    @extend_schema(
        operation_id="add_webhook",
        tags=["webhooks"],
        parameters=[CATALOG],
        request=WebhookRequest,
        responses=responses(WebhookMadeSerializer, "The endpoint, and its secret.", problems=WRITES),
    )
    def post(self, request: Request, catalog: str) -> Response:
        """Add an endpoint. Its secret is in this answer alone, which is kept nowhere: it takes no Idempotency-Key."""
        wanted = posted(request, WebhookRequest)
        found = known_catalog(catalog, asker=asker_of(request))
        try:
            endpoint, secret = service.add(found, by=_by(request), **wanted)
        except (RefusedUrlError, service.RefusedError) as error:
            raise _refused(error) from error
        return Response(WebhookSerializer(endpoint).data | {"secret": secret})


class WebhookView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="read_webhook",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK],
        responses=responses(WebhookSerializer, "The endpoint.", problems=READS),
    )
    def get(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """One endpoint, without its secret."""
        parse(request, NOTHING)
        return Response(WebhookSerializer(_endpoint(request, catalog, webhook_id)).data)

    @extend_schema(
        operation_id="change_webhook",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK],
        request=WebhookChange,
        responses=responses(WebhookSerializer, "The endpoint as it is now.", problems=WRITES),
    )
    def patch(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """Change an endpoint, switch it off, or on again."""
        wanted = posted(request, WebhookChange)
        endpoint = _endpoint(request, catalog, webhook_id)
        try:
            changed = service.change(endpoint, by=_by(request), **wanted)
        except RefusedUrlError as error:
            raise _refused(error) from error
        return Response(WebhookSerializer(changed).data)

    @extend_schema(
        operation_id="remove_webhook",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK],
        responses=responses(RemovedWebhookSerializer, "It is gone.", problems=READS),
    )
    def delete(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """Remove an endpoint with its log, and with what waits for it."""
        parse(request, NOTHING)
        service.remove(_endpoint(request, catalog, webhook_id), by=_by(request))
        return Response({"removed": 1})


class WebhookSecretView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="change_webhook_secret",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK],
        request=SecretRequest,
        responses=responses(SecretSerializer, "The new secret.", problems=WRITES),
    )
    def post(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """Give an endpoint a new secret. For a while messages are signed with the old one too."""
        overlap = timedelta(hours=posted(request, SecretRequest)["overlap_hours"])
        endpoint = _endpoint(request, catalog, webhook_id)
        return Response({"secret": service.rotate(endpoint, overlap=overlap, by=_by(request))})


class WebhookPingView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="ping_webhook",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK, KEY],
        request=None,
        responses=responses(DeliverySerializer, "The delivery, which is under way.", problems=WRITES),
    )
    @idempotent
    def post(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """Send a test message, `webhook.ping`. The deliveries say what became of it."""
        posted(request, Shape)
        try:
            return Response(DeliverySerializer(service.ping(_endpoint(request, catalog, webhook_id))).data)
        except service.RefusedError as error:
            raise _refused(error) from error


class WebhookDeliveriesView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="list_webhook_deliveries",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK, DeliveriesQuery],
        responses=responses(DeliveriesSerializer, "The latest first.", problems=READS),
    )
    def get(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """What was sent to an endpoint, or waits for it, with every attempt."""
        asked = parse(request, DELIVERIES)
        rows = _endpoint(request, catalog, webhook_id).deliveries.order_by("-pk")
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        if "before" in asked:
            rows = rows.filter(pk__lt=asked["before"])
        read = list(rows.select_related("message").prefetch_related("log")[: asked["limit"] + 1])
        page, more = read[: asked["limit"]], len(read) > asked["limit"]
        return Response(DeliveriesSerializer({"deliveries": page, "next_before": page[-1].pk if more else None}).data)


class WebhookRedeliveriesView(PrivateView):
    scope = TokenScope.WEBHOOKS_MANAGE

    @extend_schema(
        operation_id="redeliver_webhook",
        tags=["webhooks"],
        parameters=[CATALOG, WEBHOOK, KEY],
        request=RedeliveriesRequest,
        responses=responses(RedeliveredSerializer, "How many are sent again.", problems=WRITES),
    )
    @idempotent
    def post(self, request: Request, catalog: str, webhook_id: int) -> Response:
        """Send again: one delivery, whatever became of it, or all that were given up since a time."""
        asked = posted(request, RedeliveriesRequest)
        endpoint = _endpoint(request, catalog, webhook_id)
        try:
            if asked["since"]:
                return Response({"redelivered": service.redeliver_failed(endpoint, since=asked["since"])})
            delivery = endpoint.deliveries.select_related("endpoint").filter(pk=asked["delivery_id"]).first()
            if delivery is None:
                raise errors.UnknownDelivery(f"Webhook {webhook_id} has no delivery {asked['delivery_id']}.")
            service.redeliver(delivery)
        except service.RefusedError as error:
            raise _refused(error) from error
        return Response({"redelivered": 1})
