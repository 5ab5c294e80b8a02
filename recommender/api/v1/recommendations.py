"""What is recommended to an end user now, and a list that was served before."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import bodies, errors
from recommender.api.authentication import asker_of, require
from recommender.api.idempotent import KEY, idempotent
from recommender.api.kept import ANSWERS
from recommender.api.parameters import (
    MomentField as MomentParameter,
)
from recommender.api.parameters import (
    NamesField,
    OneOfField,
    TextField,
    WholeNumberField,
    YesOrNoField,
    moment_on,
    parse,
    parse_body,
)
from recommender.api.resource import PROBLEMS, WRITING, Body, PrivateView, conditional, responses
from recommender.api.v1 import pages
from recommender.api.v1.backbones import BackboneSerializer
from recommender.api.v1.fields import ReasonsField, ScoreField
from recommender.api.v1.reasons import ExplanationSerializer, KeptAwaySerializer, MomentField, OrderField
from recommender.api.v1.wishes import NoticeSerializer, UnderstoodSerializer, WishQuery, wish_of, wrong_filter
from recommender.api.v1.written import ALWAYS, a_list
from recommender.models import ApiToken, Catalog, EndUser, SubjectKind, TokenScope
from recommender.serving import queries
from recommender.serving.codes import DegradedCode
from recommender.serving.conditions import ConditionError
from recommender.serving.cursor import Cursor
from recommender.serving.log import replay
from recommender.serving.rankers import DEFAULT, RANKERS
from recommender.serving.recommend import recommend
from recommender.serving.served import Served, ServedItem
from recommender.serving.session import NOTHING_TOLD, Session
from recommender.serving.types import (
    EXPLAIN_CHOICES,
    MIN_REVIEW_CHOICES,
    MOST_ITEMS,
    SCORE_KIND_CHOICES,
    SHOWN_STATUSES,
    SOURCES,
)
from recommender.serving.whom import Visitor, Whom

CHANGING = ("generated_at", "next_cursor")  # with every answer
CHOSEN = (*ALWAYS, "title", "score", "explanation", "explanation_status", "reasons")  # what `fields` may name
LONGEST_CURSOR = 8_000


class RecommendationsQuery(WishQuery):
    """What is asked for."""

    limit = WholeNumberField(
        default=10,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="The most items to list.",
    )
    cursor = TextField(
        required=False,
        max_length=LONGEST_CURSOR,
        expected=pages.CURSOR,
        help_text="`next_cursor` of the page before. It goes on with that very list: `scenario` and `as_of` are "
        "its own.",
    )
    explain = OneOfField(
        default="none",
        choices=EXPLAIN_CHOICES,
        help_text="How much to say about each item: nothing, the first sentence of each text, or all of it. "
        f"All but none need the scope `{TokenScope.EXPLANATIONS_READ}`.",
    )
    min_review = OneOfField(
        required=False,
        choices=MIN_REVIEW_CHOICES,
        help_text="What people must have said of a text at least for it to be shown; as the catalog says unless given.",
    )
    scenario = OneOfField(
        default=DEFAULT,
        choices=sorted(RANKERS),
        help_text="Who ranks. backbone: the active backbone. thinkrec: the first items of its list, as an LLM scored "
        "them beforehand; where that is missing or out of date the backbone's order, and `degraded_reason` says so.",
    )
    as_of = MomentParameter(
        required=False,
        help_text="The moment that stands for now: only what happened before it is known of the end user, and only "
        "texts that use nothing later. Today's backbone ranks.",
    )
    fields = NamesField(  # type: ignore[assignment]  # a parameter's name here, not Serializer.fields
        names=CHOSEN,
        required=False,
        help_text="What to say of each item beside `item_id` and `rank`; all, unless given.",
    )
    log = YesOrNoField(
        required=False, help_text="Whether to log the list under a `recommendation_id`. GET: false; POST: true."
    )


class ItemSerializer(serializers.Serializer[ServedItem]):
    item_id = serializers.CharField()
    title = serializers.CharField(required=False)
    rank = serializers.IntegerField(min_value=1)
    score = ScoreField(
        required=False,
        allow_null=True,
        help_text="What `score_kind` says; null where there is none. Compare scores within one list only.",
    )
    explanation = ExplanationSerializer(
        source="about.text", allow_null=True, required=False, help_text="The text about the item."
    )
    explanation_status = serializers.ChoiceField(
        source="about.status", choices=SHOWN_STATUSES, required=False, help_text="As `user_explanation_status`."
    )
    reasons = ReasonsField(
        required=False,
        help_text="What moved the item, the greatest share first; with explain=none only what a business rule did.",
    )


class RecommendationsSerializer(serializers.Serializer[Served]):
    """One list for one end user, or a page of it."""

    recommendation_id = serializers.UUIDField(
        allow_null=True, help_text="Leads to the same list again. Null: it was only read, and not logged."
    )
    catalog = serializers.CharField()
    user_id = serializers.CharField(allow_blank=True, help_text="Empty for nobody in particular.")
    scenario = serializers.CharField(help_text="Who was asked to rank.")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field's name here, not Field.source
        choices=SOURCES, help_text="Which rung of the ladder answered, best first."
    )
    score_kind = serializers.ChoiceField(
        choices=sorted(SCORE_KIND_CHOICES),
        allow_null=True,
        help_text="What `score` is: the probability of a like; how much rather than items drawn at random, from 0 to "
        "1, of a model that learned from likes alone and so no probability; what speaks for an item by statements, "
        "texts and popularity; or the likes to expect. Null: the list has no scores.",
    )
    degraded = serializers.BooleanField(help_text="Whether a better rung could not answer.")
    degraded_code = serializers.ChoiceField(
        choices=[code.value for code in DegradedCode], allow_null=True, help_text="Why; null when not degraded."
    )
    degraded_reason = serializers.CharField(allow_blank=True, help_text="Why, in words; empty when not degraded.")
    backbone = BackboneSerializer(allow_null=True, help_text="The backbone that ranked the list.")
    knowledge_snapshot = serializers.IntegerField(
        allow_null=True, help_text="The number of the knowledge snapshot that backbone was trained on."
    )
    as_of = MomentField(help_text="The moment that stood for now, where one was asked for, as a time.")
    as_of_order = OrderField(source="as_of", help_text="The same where the catalog's clock only orders.")
    generated_at = serializers.DateTimeField()
    explain = serializers.ChoiceField(choices=EXPLAIN_CHOICES)
    min_review = serializers.ChoiceField(choices=MIN_REVIEW_CHOICES)
    user_explanation = ExplanationSerializer(
        source="about.text", allow_null=True, help_text="The text about the end user."
    )
    user_explanation_status = serializers.ChoiceField(
        source="about.status",
        choices=SHOWN_STATUSES,
        help_text="shown; not_asked: explain=none; none: nobody wrote one; withheld: people have not said enough of it "
        "for `min_review`; in lists that are given again, not_kept: no reasons were kept then; gone: erased since.",
    )
    kept_away = KeptAwaySerializer(
        many=True, help_text="What keeps items off the first page; on later pages and with explain=none nothing."
    )
    items = ItemSerializer(many=True)
    notices = NoticeSerializer(many=True, help_text="What else is to be known of the list; not kept for later.")
    understood = UnderstoodSerializer(many=True, help_text="What a text that came with the request was read to say.")
    experiment = serializers.SerializerMethodField(
        help_text="The key of the experiment that the list is part of; null where it is of none."
    )
    variant = serializers.SerializerMethodField(
        help_text="Which of its variants made the list, always the same for one user; also `holdout`, `interleaved`."
    )
    next_cursor = serializers.SerializerMethodField(help_text="For the next page; null where there is none.")

    def get_experiment(self, served: Served) -> str | None:
        return served.experiment or None

    def get_variant(self, served: Served) -> str | None:
        return served.variant or None

    def get_next_cursor(self, served: Served) -> str | None:
        return served.next_cursor or None


# Shared, since making one anew for a request costs more than using it.
_QUERY = RecommendationsQuery()
OF_USER = [
    OpenApiParameter("catalog", str, OpenApiParameter.PATH, description="The catalog's name."),
    OpenApiParameter("user_id", str, OpenApiParameter.PATH, description="The end user's id in your data."),
]
FIELDS = OpenApiParameter(
    "fields",
    {"type": "array", "items": {"type": "string", "enum": list(CHOSEN)}, "minItems": 1},
    OpenApiParameter.QUERY,
    style="form",
    explode=False,
    description="What to say of each item beside `item_id` and `rank`, parted by commas; all, unless given.",
)


class RecommendationsView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="recommend",
        tags=["recommendations"],
        parameters=[*OF_USER, RecommendationsQuery, FIELDS],
        responses=responses(RecommendationsSerializer, "One list.", problems=tuple(PROBLEMS), conditional=True),
    )
    def get(self, request: Request, catalog: str, user_id: str) -> HttpResponse:
        """What to recommend to an end user now: unseen items, best first, with the reasons asked for.

        It writes nothing and has no `recommendation_id`, unless log=true is asked for.
        """
        asked = parse(request, _QUERY)
        if asked.get("log", False) and request.method != "HEAD":  # which may never write
            return Response(_answer(request, catalog, user_id, asked, given=set(request.query_params), keep=True))
        whom = _whom(request, catalog, user_id, asked)
        after = pages.after(whom, asked, set(request.query_params))

        def made() -> tuple[Served, Body]:
            served = served_for(whom, asked, token=asker_of(request), keep=False, after=after)
            return served, Body.of(as_json(served, asked), leaving_out=CHANGING)

        return conditional(request, ANSWERS.get(whom, asked, made))

    @extend_schema(
        operation_id="recommend_and_log",
        tags=["recommendations"],
        parameters=[*OF_USER, KEY],
        request=RecommendationsQuery,
        responses=responses(RecommendationsSerializer, "One list.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str, user_id: str) -> Response:
        """The same with the parameters in a JSON object, and logged: for lists that are shown to somebody."""
        asked = parse_body(request, _QUERY)
        given = set(bodies.members(request))
        return Response(_answer(request, catalog, user_id, asked, given=given, keep=asked.get("log", True)))


def _answer(
    request: Request, catalog: str, user_id: str, asked: Mapping[str, Any], *, given: set[str], keep: bool
) -> dict[str, Any]:
    whom = _whom(request, catalog, user_id, asked)
    return made_for(whom, asked, token=asker_of(request), keep=keep, after=pages.after(whom, asked, given))


def _whom(request: Request, catalog: str, user_id: str, asked: Mapping[str, Any]) -> Whom:
    """Raises ScopeMissing, too."""
    if asked["explain"] != "none":
        require(request, TokenScope.EXPLANATIONS_READ)
    return whom_named(catalog, user_id, asker=asker_of(request), or_error=asked["unknown_user"] == "error")


def made_for(
    whom: Whom,
    asked: Mapping[str, Any],
    *,
    token: ApiToken,
    keep: bool,
    after: Cursor | None = None,
    session: Session = NOTHING_TOLD,
) -> dict[str, Any]:
    """One list as JSON. Raises InvalidParameter where the filter cannot be read."""
    return as_json(served_for(whom, asked, token=token, keep=keep, after=after, session=session), asked)


def as_json(served: Served, asked: Mapping[str, Any]) -> dict[str, Any]:
    return a_list(served, fields=asked.get("fields"))


def served_for(
    whom: Whom,
    asked: Mapping[str, Any],
    *,
    token: ApiToken,
    keep: bool,
    after: Cursor | None = None,
    session: Session = NOTHING_TOLD,
) -> Served:
    """Raises InvalidParameter where the filter cannot be read."""
    try:
        return recommend(
            whom,
            limit=asked["limit"],
            level=asked["explain"],
            min_review=asked.get("min_review"),
            scenario=asked["scenario"],
            as_of=moment_on(whom.catalog, asked.get("as_of")),
            after=after,
            asked=pages.digest(asked),
            keep=keep,
            token=token,
            wish=wish_of(asked),
            session=session,
        )
    except ConditionError as error:
        raise wrong_filter(error) from error


class ReplayQuery(serializers.Serializer[Any]):
    explain = OneOfField(
        default="served",
        choices=["none", "served"],
        help_text=f"served: with the reasons that it had, which needs the scope `{TokenScope.EXPLANATIONS_READ}` where "
        "there are some; none: without.",
    )


_REPLAY = ReplayQuery()


class RecommendationView(PrivateView):
    scope = TokenScope.RECOMMENDATIONS_READ

    @extend_schema(
        operation_id="replay_recommendation",
        tags=["recommendations"],
        parameters=[
            OpenApiParameter(
                "recommendation_id", UUID, OpenApiParameter.PATH, description="From the answer that served the list."
            ),
            ReplayQuery,
        ],
        responses=responses(
            RecommendationsSerializer, "The list as it was.", problems=tuple(PROBLEMS), conditional=True
        ),
    )
    def get(self, request: Request, recommendation_id: UUID) -> HttpResponse:
        """A list that was served before: its items and titles, its reasons, and what people had decided by then."""
        asked = parse(request, _REPLAY)
        logged = queries.logged(recommendation_id, asker=asker_of(request))
        if logged is None:
            raise errors.UnknownRecommendation(
                f"No list with the id {recommendation_id} was served. Use the `recommendation_id` of an earlier answer."
            )
        if logged.end_user is not None and logged.end_user.erased_at is not None:
            raise errors.Erased("This list was made for somebody who was erased. Nothing of it is kept.")
        explained = asked["explain"] == "served" and logged.explain not in ("", "none")
        if explained:
            require(request, TokenScope.EXPLANATIONS_READ)
        return conditional(request, Body.of(a_list(replay(logged, explained=explained))))


def whom_named(catalog: str, user_id: str, *, asker: ApiToken, or_error: bool) -> Whom:
    """The end user; unless `or_error`, a visitor where there is none of this id, or no id at all.

    Raises UnknownCatalog, Erased, UnknownEndUser.
    """
    try:
        if user_id:
            return end_user_named(catalog, user_id, asker=asker)
    except errors.UnknownEndUser:
        if or_error:
            raise
    return Visitor(known_catalog(catalog, asker=asker), user_id)


def end_user_named(catalog: str, user_id: str, *, asker: ApiToken) -> EndUser:
    """Raises UnknownCatalog, Erased or UnknownEndUser."""
    end_user = queries.end_user_named(catalog, user_id, asker=asker)
    if end_user is not None:
        return end_user
    known_catalog(catalog, asker=asker)
    if queries.erased(catalog, SubjectKind.END_USER, user_id, asker=asker):
        raise errors.Erased(f"This end user was erased from the catalog “{catalog}”. Nothing about them is kept.")
    raise errors.UnknownEndUser(
        f"The catalog “{catalog}” has no end user “{user_id}”. Check the id, or send the user first (`users:batch`)."
        f"{errors.slashes(user_id)}"
    )


def known_catalog(name: str, *, asker: ApiToken) -> Catalog:
    """Raises UnknownCatalog."""
    found = queries.catalog_named(name, asker=asker)
    if found is None:
        names = [f"“{each.name}”" for each in queries.catalogs(asker=asker)[:10]]
        known = f"This token opens: {', '.join(names)}." if names else "This token opens none: ask a lead."
        raise errors.UnknownCatalog(f"There is no catalog “{name}”. {known}")
    return found
