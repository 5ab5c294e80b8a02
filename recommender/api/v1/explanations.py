"""The texts about end users and items, each with an address of its own."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.parameters import OneOfField, parse
from recommender.api.resource import PROBLEMS, Body, PrivateView, conditional, responses
from recommender.api.v1.reasons import ExplanationSerializer, TextStatementSerializer
from recommender.api.v1.recommendations import OF_USER, end_user_named, known_catalog
from recommender.models import ApiToken, Catalog, EndUser, Item, SubjectKind, TokenScope, Turn
from recommender.serving import explanations, queries
from recommender.serving.explanations import About
from recommender.serving.said import SaidOfThem
from recommender.serving.types import MIN_REVIEW_CHOICES, Explanation, MinReview


class ExplanationQuery(serializers.Serializer[Any]):
    min_review = OneOfField(
        required=False,
        choices=MIN_REVIEW_CHOICES,
        help_text="What people must have said of it at least; as the catalog says unless given.",
    )


class SilentStatementSerializer(serializers.Serializer[SaidOfThem]):
    """One statement of the text that does not act on lists."""

    statement_id = serializers.IntegerField(source="row.pk")
    aspect = serializers.CharField(source="about", help_text="What it is about, in words.")
    polarity = serializers.ChoiceField(source="row.polarity", choices=["likes", "dislikes", "mixed"])
    quote = serializers.CharField(help_text="The words of the text, or of the person, that say so.")
    why_not = serializers.ChoiceField(
        choices=["steering_off", "no_opinion", "overruled"],
        help_text="steering_off: statements move no list in this catalog; a model that was trained with the text "
        "(`in_snapshot`) reads it all the same. no_opinion: it is in two minds. overruled: a newer word counts.",
    )


class OneExplanationSerializer(ExplanationSerializer):
    """A text with whom or what it is about: a justification, not the computation of a score."""

    statements = TextStatementSerializer(many=True, help_text="Those that act on the end user's lists.")
    not_acting = SilentStatementSerializer(
        many=True, help_text="What else the text says of the end user's taste, and why it moves no list."
    )

    catalog = serializers.CharField()
    about = serializers.ChoiceField(choices=["user", "item"])
    user_id = serializers.CharField(allow_null=True, help_text="Of the end user it is about; null for an item's.")
    item_id = serializers.CharField(allow_null=True, help_text="Of the item it is about; null for an end user's.")


_QUERY, _AS_JSON = ExplanationQuery(), ExplanationSerializer()
_SILENT: Any = SilentStatementSerializer(many=True)
OF_ITEM = [
    OF_USER[0],
    OpenApiParameter("item_id", str, OpenApiParameter.PATH, description="The item's id in your data."),
]
EXPLANATION_ID = OpenApiParameter(
    "explanation_id", int, OpenApiParameter.PATH, description="From an answer that had the text."
)
_RESPONSES = responses(OneExplanationSerializer, "The text.", problems=tuple(PROBLEMS), conditional=True)


class ExplanationsView(PrivateView):
    scope = TokenScope.EXPLANATIONS_READ

    def answer(self, request: Request, found: About) -> HttpResponse:
        """The text. Raises UnknownExplanation or TextWithheld where there is none to show."""
        if found.text.status == "withheld":
            raise errors.TextWithheld(
                "There is a text, and people have not said enough of it. Ask with a lower `min_review`, or have it "
                "reviewed."
            )
        if found.text.text is None:
            raise errors.UnknownExplanation(
                "No text stands here: none was written, or people rejected it. A lead opens rounds that write texts."
            )
        return conditional(request, Body.of(written(found, found.text.text)))


def written(found: About, text: Explanation) -> dict[str, Any]:
    subject = found.subject
    return dict(_AS_JSON.to_representation(text)) | {
        "catalog": found.catalog.name,
        "about": text.about,
        "not_acting": _SILENT.to_representation(found.silent),
        "user_id": subject.external_id if isinstance(subject, EndUser) else None,
        "item_id": subject.external_id if isinstance(subject, Item) else None,
    }


class UserExplanationView(ExplanationsView):
    @extend_schema(
        operation_id="explain_user",
        tags=["explanations"],
        parameters=[*OF_USER, ExplanationQuery],
        responses=_RESPONSES,
    )
    def get(self, request: Request, catalog: str, user_id: str) -> HttpResponse:
        """What is written about an end user now; which of its statements move their lists, and why others do not."""
        asked = parse(request, _QUERY)
        found = end_user_named(catalog, user_id, asker=asker_of(request))
        return self.answer(request, explanations.about(found, min_review=least(asked, found.catalog)))


class ItemExplanationView(ExplanationsView):
    @extend_schema(
        operation_id="explain_item",
        tags=["explanations"],
        parameters=[*OF_ITEM, ExplanationQuery],
        responses=_RESPONSES,
    )
    def get(self, request: Request, catalog: str, item_id: str) -> HttpResponse:
        """What is written about an item now."""
        asked = parse(request, _QUERY)
        found = item_named(catalog, item_id, asker=asker_of(request))
        return self.answer(request, explanations.about(found, min_review=least(asked, found.catalog)))


class ExplanationView(ExplanationsView):
    @extend_schema(
        operation_id="get_explanation",
        tags=["explanations"],
        parameters=[EXPLANATION_ID, ExplanationQuery],
        responses=_RESPONSES,
    )
    def get(self, request: Request, explanation_id: int) -> HttpResponse:
        """A text by its id, as people have judged it by now; 410 where it is shown to nobody any more."""
        asked = parse(request, _QUERY)
        turn = turn_of(explanation_id, asker=asker_of(request))
        found = current(turn, min_review=least(asked, turn.round.catalog))
        return self.answer(request, found)


def least(asked: dict[str, Any], catalog: Catalog) -> MinReview:
    said: MinReview = asked.get("min_review", catalog.min_review)
    return said


def turn_of(explanation_id: int, *, asker: ApiToken) -> Turn:
    """Raises UnknownExplanation, Erased."""
    turn = explanations.turn_of(explanation_id, asker=asker)
    if turn is None:
        raise errors.UnknownExplanation(
            f"There is no text with the id {explanation_id}. Use the `explanation_id` of an earlier answer."
        )
    if turn.round.subject.erased_at is not None:
        raise errors.Erased("This text was about somebody or something that was erased. Nothing of it is kept.")
    return turn


def current(turn: Turn, *, min_review: MinReview) -> About:
    """Raises TextWithdrawn."""
    found = explanations.of_turn(turn, min_review=min_review)
    if found.text.status == "none":
        raise errors.TextWithdrawn(
            "People rejected this text, or another took its place. Ask for the end user's or the item's text of now."
        )
    return found


def item_named(catalog: str, item_id: str, *, asker: ApiToken) -> Item:
    """Raises UnknownCatalog, Erased or UnknownItem."""
    item = queries.item_named(catalog, item_id, asker=asker)
    if item is not None:
        return item
    known_catalog(catalog, asker=asker)
    if queries.erased(catalog, SubjectKind.ITEM, item_id, asker=asker):
        raise errors.Erased(f"This item was erased from the catalog “{catalog}”.")
    raise errors.UnknownItem(f"The catalog “{catalog}” has no such item. Check the id.{errors.slashes(item_id)}")
