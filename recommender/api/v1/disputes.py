"""What is wrong about a text, said by whom it was shown to: it counts as disputed, and people read it first."""

import json
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.accounts.visible import within
from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import NOTHING, TextField, WholeNumberField, parse, parse_body
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.explanations import EXPLANATION_ID, current, turn_of
from recommender.api.v1.recommendations import end_user_named
from recommender.knowledge.disputes import dispute
from recommender.models import Dispute, EndUser, Statement, TokenScope, Turn

LONGEST_REASON = 2_000


def _has_words(text: str) -> None:
    if not text.strip():
        raise serializers.ValidationError("blank")


class NewDisputeQuery(serializers.Serializer[Any]):
    """What is said against a text."""

    reason = TextField(
        max_length=LONGEST_REASON,
        validators=[_has_words],
        expected=f"what is wrong, in words: 1 to {LONGEST_REASON} characters",
        help_text="What is wrong, in their words. Annotators read it.",
    )
    statement_id = WholeNumberField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Of the statement of the text that it is about, where it is about one.",
    )
    user_id = TextField(
        required=False,
        max_length=128,
        expected="the id of an end user of the text's catalog",
        help_text="Who says so: of a text about an end user, nobody else. Erasing them erases what they said.",
    )


class DisputeSerializer(serializers.Serializer[Dispute]):
    """An objection to a text, and what became of it."""

    dispute_id = serializers.UUIDField(source="pk", help_text="Leads to /disputes/{dispute_id}.")
    explanation_id = serializers.IntegerField(source="turn_id")
    statement_id = serializers.IntegerField(allow_null=True)
    state = serializers.SerializerMethodField(help_text="open until a person decides about the text; then settled.")
    verdict = serializers.SerializerMethodField(
        help_text="How: approve, edit, override (drafts chosen) or reject; null while open."
    )
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)

    def get_state(self, made: Dispute) -> str:
        return "settled" if made.settled_at else "open"

    def get_verdict(self, made: Dispute) -> str | None:
        return made.verdict or None


LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, required=True, response=[201], description="Of the objection."
)
_SHAPE, _AS_JSON = NewDisputeQuery(), DisputeSerializer()


class DisputesView(PrivateView):
    scope = TokenScope.DISPUTES_WRITE

    @extend_schema(
        operation_id="dispute_explanation",
        tags=["explanations"],
        parameters=[EXPLANATION_ID, KEY, LOCATION],
        request=NewDisputeQuery,
        responses=responses(DisputeSerializer, "It is kept.", problems=tuple(PROBLEMS | WRITING), status=201),
    )
    @idempotent
    def post(self, request: Request, explanation_id: int) -> Response:
        """Say what is wrong about a text: at once it is no more than `reviewed`, and its review comes before others."""
        asker = asker_of(request)
        turn = turn_of(explanation_id, asker=asker)
        asked = parse_body(request, _SHAPE)
        current(turn, min_review="any")
        end_user = _who(asked, turn, request)
        statement = _statement(asked, turn)
        made = dispute(turn, reason=asked["reason"], statement=statement, end_user=end_user, token=asker)
        return Response(_AS_JSON.to_representation(made), status=201)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Where the objection is to be found, in the first answer and in those that repeat it."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 201:
            said = response.data if isinstance(response, Response) else json.loads(response.content)
            response["Location"] = reverse("api:dispute", kwargs={"dispute_id": said["dispute_id"]})
        return response


def _who(asked: dict[str, Any], turn: Turn, request: Request) -> EndUser | None:
    """Raises Erased, UnknownEndUser, NotTheirText."""
    if "user_id" not in asked:
        return None
    found = end_user_named(turn.round.catalog.name, asked["user_id"], asker=asker_of(request))
    if turn.round.end_user_id not in (None, found.pk):
        raise errors.NotTheirText
    return found


def _statement(asked: dict[str, Any], turn: Turn) -> Statement | None:
    """Raises InvalidParameter."""
    if "statement_id" not in asked:
        return None
    found = Statement.objects.filter(pk=asked["statement_id"], turn__round=turn.round_id).first()
    if found is None:
        detail = "`statement_id` must be of a statement of this text."
        raise errors.InvalidParameter([{"parameter": "statement_id", "detail": detail}])
    return found


class DisputeView(PrivateView):
    scope = TokenScope.DISPUTES_WRITE

    @extend_schema(
        operation_id="get_dispute",
        tags=["explanations"],
        parameters=[
            OpenApiParameter("dispute_id", UUID, OpenApiParameter.PATH, description="From the answer that kept it.")
        ],
        responses=responses(DisputeSerializer, "The objection.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, dispute_id: UUID) -> Response:
        """What became of an objection."""
        parse(request, NOTHING)
        found = (
            within(Dispute.objects.all(), asker_of(request), at="turn__round__catalog").filter(pk=dispute_id).first()
        )
        if found is None:
            raise errors.UnknownDispute(f"There is no dispute {dispute_id}. Use the `dispute_id` of an earlier answer.")
        return Response(_AS_JSON.to_representation(found))
