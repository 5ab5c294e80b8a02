"""What is said of an end user's taste: read, said, corrected, struck and put back, by the end user themself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import NOTHING, NamesField, TextField, WholeNumberField, YesOrNoField, parse
from recommender.api.posted import Shape, posted
from recommender.api.resource import MATCHING, PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import OF_USER, end_user_named
from recommender.api.v1.said import (
    CHOSEN,
    AspectField,
    FacetSerializer,
    ListedStatementSerializer,
    StatementSerializer,
    etag_of,
    facets_of,
    polarity_field,
    require_match,
    written,
)
from recommender.api.v1.wishes import NoticeSerializer, UnderstoodSerializer
from recommender.grounding.statements import Statement as Said
from recommender.grounding.wording import in_words
from recommender.models import EndUser, Hearing, Statement, TokenScope
from recommender.serving.codes import NoticeCode
from recommender.serving.said import OF_NOW, STATUSES, SaidOfThem, all_of, may_act, one_of
from recommender.serving.steering import knob
from recommender.statements import own
from recommender.statements.aspects import aspects_of
from recommender.statements.heard import LONGEST_TEXT, Heard, hear

MOST_LISTED = 100
LONGEST_CURSOR = 19
CURSOR = "the `next_cursor` of an earlier answer about the same end user"
STATEMENT_ID = OpenApiParameter("statement_id", int, OpenApiParameter.PATH, description="From the statements.")
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that it had when it was read: 412 where it has changed.",
)
NOTICED = (
    "meets_nothing: what was understood is about no item yet. moves_nothing: statements move no list in this catalog."
)
_CHANGING = tuple(PROBLEMS | WRITING | MATCHING)


class StatementsQuery(serializers.Serializer[Any]):
    limit = WholeNumberField(default=50, min_value=1, max_value=MOST_LISTED)
    cursor = TextField(required=False, max_length=LONGEST_CURSOR, expected=CURSOR, help_text="Leads to the next page.")
    status = NamesField(names=STATUSES, default=list(OF_NOW), help_text="Which to list; by default those of now.")
    fields = NamesField(  # type: ignore[assignment]  # a parameter's name here, not Serializer.fields
        names=("statement_id", *CHOSEN),
        required=False,
        help_text="What to say of each beside `statement_id`; all, unless given.",
    )


class NewStatementsShape(Shape):
    """Words, or an aspect and what is thought of it."""

    text = TextField(
        required=False,
        max_length=LONGEST_TEXT,
        help_text="In plain words: “no more gore, please”. English, German or Spanish.",
    )
    aspect = AspectField(required=False, help_text="What it is about: an item must have it all.")
    polarity = polarity_field(help_text="What they think of it.")
    store = YesOrNoField(default=True, help_text="false: only say how it is understood.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wordless = "aspect" in attrs and "polarity" in attrs and "text" not in attrs
        words = bool(attrs.get("text", "").strip()) and not {"aspect", "polarity"} & attrs.keys()
        if wordless == words:
            raise serializers.ValidationError("Send either `text`, or `aspect` and `polarity`.")
        return attrs


class CorrectionShape(Shape):
    """What is right instead."""

    polarity = polarity_field(help_text="What they think of it.")
    aspect = AspectField(required=False, help_text="What it is about instead.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Send `polarity`, `aspect` or both.")
        return attrs


class StatementsSerializer(serializers.Serializer[Any]):
    """What is said of an end user's taste, the newest first."""

    catalog = serializers.CharField()
    user_id = serializers.CharField()
    counts = serializers.ChoiceField(
        choices=Hearing.choices, help_text="When what they say counts: at once, or once a person has accepted it."
    )
    statements = ListedStatementSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class UnsureSerializer(serializers.Serializer[Any]):
    """What is liked or disliked, and it is not sure which. To say which, send the aspect and a polarity."""

    aspect = FacetSerializer(many=True)
    about = serializers.CharField(help_text="The same in words.")
    quote = serializers.CharField(help_text="The words of the text.")


class SaidSerializer(serializers.Serializer[Any]):
    """What became of what was said. With `store` false, `statements` is empty."""

    statements = StatementSerializer(many=True)
    understood = UnderstoodSerializer(many=True)
    not_understood = serializers.ListField(
        child=serializers.CharField(), help_text="The sentences that say nothing of a taste; nothing is stored of them."
    )
    unsure = UnsureSerializer(many=True, help_text="What may be meant either way round; nothing is stored of it.")
    notices = NoticeSerializer(many=True, help_text=NOTICED)


_QUERY = StatementsQuery()


class StatementsView(PrivateView):
    scope = TokenScope.STATEMENTS_WRITE

    @extend_schema(
        operation_id="list_statements",
        tags=["statements"],
        parameters=[*OF_USER, StatementsQuery],
        responses=responses(StatementsSerializer, "One page.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, user_id: str) -> Response:
        """What the text about an end user and they themself say of their taste, and what of it acts on their lists."""
        asked = parse(request, _QUERY)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        below = _below(asked)
        there = [one for one in all_of(end_user) if one.status in asked["status"] and (not below or one.row.pk < below)]
        page, more = there[: asked["limit"]], len(there) > asked["limit"]
        said = [written(one) for one in page]
        if "fields" in asked:
            wanted = ["statement_id", *(name for name in CHOSEN if name in asked["fields"])]
            said = [{name: one[name] for name in wanted} for one in said]
        answer = {"catalog": catalog, "user_id": user_id, "counts": end_user.catalog.hearing, "statements": said}
        return Response(answer | {"next_cursor": str(page[-1].row.pk) if more else None})

    @extend_schema(
        operation_id="say_statements",
        tags=["statements"],
        parameters=[*OF_USER, KEY],
        request=NewStatementsShape,
        responses=responses(SaidSerializer, "It is kept.", problems=tuple(PROBLEMS | WRITING), status=201)
        | {200: OpenApiResponse(SaidSerializer, description="With `store` false: how it is understood.")},
    )
    @idempotent
    def post(self, request: Request, catalog: str, user_id: str) -> Response:
        """Say what an end user likes or not, in their words or by aspect. It acts at once, or once it is accepted."""
        asked = posted(request, NewStatementsShape)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        if "text" in asked:
            words, heard = asked["text"], hear(asked["text"], aspects_of(end_user.catalog))
        else:
            words, heard = "", Heard((Said(facets_of(end_user.catalog, asked["aspect"]), asked["polarity"]),))
        unsure = _unsure(end_user, heard.unsure, words)
        if not heard.opinions:
            raise errors.NotUnderstood(heard.unheard, unsure)
        made = said_by(end_user, heard.opinions, words) if asked["store"] else []
        answer: dict[str, Any] = {
            "statements": _current(end_user, made),
            "understood": _understood(end_user, heard.opinions, words),
            "not_understood": list(heard.unheard),
            "unsure": unsure,
        }
        answer["notices"] = list(_notices(end_user, heard.opinions, answer["understood"]))
        return Response(answer, status=201 if made else 200)


class StatementView(PrivateView):
    scope = TokenScope.STATEMENTS_WRITE

    @extend_schema(
        operation_id="get_statement",
        tags=["statements"],
        parameters=[*OF_USER, STATEMENT_ID],
        responses=responses(StatementSerializer, "The statement, with an ETag.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, user_id: str, statement_id: int) -> Response:
        """One statement about an end user, also one that counts no more."""
        parse(request, NOTHING)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        return _answer(_named(end_user, statement_id))

    @extend_schema(
        operation_id="correct_statement",
        tags=["statements"],
        parameters=[*OF_USER, STATEMENT_ID, IF_MATCH, KEY],
        request=CorrectionShape,
        responses=responses(StatementSerializer, "The statement that says so now.", problems=_CHANGING),
    )
    @idempotent
    def patch(self, request: Request, catalog: str, user_id: str, statement_id: int) -> Response:
        """Correct a statement: the end user's own word about it, with an id of its own, takes its place."""
        asked = posted(request, CorrectionShape)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        statement = _to_change(request, end_user, statement_id)
        aspect = facets_of(end_user.catalog, asked["aspect"]) if "aspect" in asked else None
        with as_problems():
            made = own.correct(end_user, statement, polarity=asked.get("polarity"), aspect=aspect, now=timezone.now())
        return _answer(_named(end_user, made.pk))

    @extend_schema(
        operation_id="strike_statement",
        tags=["statements"],
        parameters=[*OF_USER, STATEMENT_ID, IF_MATCH],
        responses=responses(StatementSerializer, "What says so now.", problems=_CHANGING),
    )
    def delete(self, request: Request, catalog: str, user_id: str, statement_id: int) -> Response:
        """Strike a statement: it is not so. Against one of a text stands the end user's denial, which is answered."""
        parse(request, NOTHING)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        statement = _to_change(request, end_user, statement_id)
        with as_problems():
            made = own.strike(end_user, statement, now=timezone.now())
        return _answer(_named(end_user, made.pk))


class StatementRestoredView(PrivateView):
    scope = TokenScope.STATEMENTS_WRITE

    @extend_schema(
        operation_id="restore_statement",
        tags=["statements"],
        parameters=[*OF_USER, STATEMENT_ID, IF_MATCH, KEY],
        request=None,
        responses=responses(StatementSerializer, "The statement.", problems=_CHANGING),
    )
    @idempotent
    def post(self, request: Request, catalog: str, user_id: str, statement_id: int) -> Response:
        """Put back what the end user struck, or take back all that they said of a text's statement."""
        parse(request, NOTHING)
        end_user = end_user_named(catalog, user_id, asker=asker_of(request))
        statement = _to_change(request, end_user, statement_id)
        with as_problems():
            made = own.restore(end_user, statement, now=timezone.now())
        return _answer(_named(end_user, made.pk))


@contextmanager
def as_problems() -> Iterator[None]:
    """What a change of statements raises, as problems."""
    try:
        yield
    except own.ChangedError as error:
        raise errors.StatementChanged(str(error)) from error
    except own.TooManyError as error:
        raise errors.TooManyStatements(str(error)) from error
    except EndUser.DoesNotExist as error:
        raise errors.Erased("This end user was erased meanwhile. Nothing about them is kept.") from error


def said_by(end_user: EndUser, said: Iterable[Said], words: str) -> list[Statement]:
    """Kept, each with its sentence of their words. Raises TooManyStatements, Erased."""
    said = list(said)
    with as_problems():
        return own.say(end_user, said, quotes=[_quote(one, words) for one in said], now=timezone.now())


def _below(asked: Mapping[str, Any]) -> int:
    """The statement that the page before ended with; 0 for the first page. Raises InvalidParameter."""
    cursor = asked.get("cursor", "0")
    if not (cursor.isascii() and cursor.isdigit()):
        raise errors.InvalidParameter([{"parameter": "cursor", "detail": f"`cursor` must be {CURSOR}."}])
    return int(cursor)


def _named(end_user: EndUser, statement_id: int) -> SaidOfThem:
    """Raises UnknownStatement."""
    found = one_of(end_user, statement_id)
    if found is None:
        raise errors.UnknownStatement(
            f"This end user has no statement {statement_id}, or the text that said so is not in force any more. "
            "`GET …/statements` lists them."
        )
    return found


def _to_change(request: Request, end_user: EndUser, statement_id: int) -> Statement:
    """Raises UnknownStatement, PreconditionFailed."""
    found = _named(end_user, statement_id)
    require_match(request, written(found))
    return found.row


def _answer(one: SaidOfThem) -> Response:
    said = written(one)
    return Response(said, headers={"ETag": etag_of(said)})


def _current(end_user: EndUser, made: Iterable[Statement]) -> list[dict[str, Any]]:
    named = {row.pk for row in made}
    return [written(one) for one in all_of(end_user) if one.row.pk in named] if named else []


def _notices(
    end_user: EndUser, said: Iterable[Said], understood: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    unmet = [each["aspect"] for each in understood if not each["meets"]]
    for each in unmet:
        yield {"code": NoticeCode.MEETS_NOTHING.value, "detail": f"No item is known to have: {each}."}
    steers = knob(end_user.catalog) > 0
    if not all(may_act(one, own=True, steers=steers) for one in said):
        yield {
            "code": NoticeCode.MOVES_NOTHING.value,
            "detail": "Statements move no list in this catalog: its strength of steering is 0.",
        }


def _understood(end_user: EndUser, said: Iterable[Said], words: str) -> list[dict[str, Any]]:
    aspects = aspects_of(end_user.catalog)
    return [
        {
            "aspect": in_words(one.aspect, aspects.title_of),
            "polarity": one.polarity,
            "quote": _quote(one, words),
            "meets": len(aspects.meeting(one.aspect)),
        }
        for one in said
    ]


def _unsure(end_user: EndUser, said: Iterable[Said], words: str) -> list[dict[str, Any]]:
    titles = aspects_of(end_user.catalog).title_of
    return [
        {
            "aspect": [facet.to_json() for facet in one.aspect],
            "about": in_words(one.aspect, titles),
            "quote": _quote(one, words),
        }
        for one in said
    ]


def _quote(said: Said, words: str) -> str:
    """The words that say it, in one line."""
    return " ".join(said.quote(words).split())
