"""Items and end users, many at once; a whole catalog's data as a stream of JSON lines."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.accounts import audit, idempotency
from recommender.accounts.idempotency import Answered
from recommender.api import bodies
from recommender.api.errors import CONTENT_TYPE, ImportEnded, KeyReused, Problem
from recommender.api.idempotent import again, begin, idempotent, key_of
from recommender.api.parameters import NOTHING, parse
from recommender.api.problems import document
from recommender.api.resource import PrivateView, responses
from recommender.api.v1.entries import (
    MOST_ENTRIES,
    PARAMETERS,
    PROBLEMS_OF_WRITING,
    AttributesSerializer,
    CreateQuery,
    RejectedSerializer,
    asked_to_create,
    catalog_of,
    told,
)
from recommender.events import stream, upserts
from recommender.events.stream import Imported
from recommender.events.upserts import Write, Written
from recommender.models import AuditEvent, Catalog, IdempotencyKey, TokenScope

LINES = ("application/x-ndjson", "application/jsonl")


class ItemEntrySerializer(AttributesSerializer):
    item_id = serializers.CharField(max_length=128)
    title = serializers.CharField(required=False, help_text="An item that is new needs one; longer than 500 is cut.")


class ItemEntriesSerializer(serializers.Serializer[Any]):
    items = ItemEntrySerializer(many=True, help_text=f"At most {MOST_ENTRIES}.")


class EndUserEntrySerializer(AttributesSerializer):
    user_id = serializers.CharField(max_length=128)


class EndUserEntriesSerializer(serializers.Serializer[Any]):
    users = EndUserEntrySerializer(many=True, help_text=f"At most {MOST_ENTRIES}.")


class CountsSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class WrittenSerializer(CountsSerializer):
    """What became of the entries."""

    rejected = RejectedSerializer(many=True)


class LineSerializer(RejectedSerializer):
    index = None  # type: ignore[assignment]  # drops the field
    line = serializers.IntegerField(min_value=1)


class ImportedSerializer(serializers.Serializer[Any]):
    """What became of the lines."""

    lines = serializers.IntegerField(help_text="How many came, empty ones included.")
    items = CountsSerializer()
    users = CountsSerializer()
    interactions = CountsSerializer()
    rejected = serializers.IntegerField()
    errors = LineSerializer(  # type: ignore[assignment]  # a field's name here
        many=True, help_text=f"The first {stream.FIRST} of them."
    )


class ItemsView(PrivateView):
    scope = TokenScope.CATALOG_WRITE

    @extend_schema(
        operation_id="send_items",
        tags=["events and data"],
        parameters=PARAMETERS,
        request=ItemEntriesSerializer,
        responses=responses(WrittenSerializer, "What became of each.", problems=PROBLEMS_OF_WRITING),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Add items and change those that are there. New ones can be recommended with the next request."""
        return _written(request, catalog, "items", upserts.items)


class EndUsersView(PrivateView):
    scope = TokenScope.CATALOG_WRITE

    @extend_schema(
        operation_id="send_users",
        tags=["events and data"],
        parameters=PARAMETERS,
        request=EndUserEntriesSerializer,
        responses=responses(WrittenSerializer, "What became of each.", problems=PROBLEMS_OF_WRITING),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Add end users and change those that are there."""
        return _written(request, catalog, "users", upserts.end_users)


def _written(request: Request, catalog: str, name: str, write: Write) -> Response:
    parse(request, NOTHING)
    found = catalog_of(request, catalog)
    written = upserts.write_all(write, found, bodies.json_object(request, name, most=MOST_ENTRIES))
    return Response(_counts(written) | {"rejected": told(written.rejected)})


def _counts(written: Written) -> dict[str, int]:
    return {"created": written.created, "updated": written.updated, "unchanged": written.unchanged}


class ImportView(PrivateView):
    scope = TokenScope.CATALOG_WRITE

    @extend_schema(
        operation_id="import_lines",
        tags=["events and data"],
        parameters=[*PARAMETERS, CreateQuery],
        request={LINES[0]: OpenApiTypes.STR},
        responses=responses(ImportedSerializer, "What became of the lines.", problems=PROBLEMS_OF_WRITING),
    )
    def post(self, request: Request, catalog: str) -> HttpResponseBase:
        """Stream a catalog's items, end users and interactions, one JSON object a line. What is stored stays stored."""
        create, found = asked_to_create(request), catalog_of(request, catalog)
        bodies.require_type(request, *LINES)
        body, key = _Body(request), key_of(request)
        row = begin(request, key) if key else None
        if isinstance(row, Answered):
            return _again(row, body)
        try:
            answer = _imported(found, body, create=create, row=row)
        except ImportEnded as ended:
            if row:
                _keep(row, "", int(ended.status_code), CONTENT_TYPE, document(ended, request.path))
            raise
        except BaseException:
            if row:
                idempotency.release(row)
            raise
        if row:
            _keep(row, body.digest, 200, "application/json", answer)
        return Response(answer)


class _Body:
    """The body in pieces; the SHA-256 of what came."""

    def __init__(self, request: Request) -> None:
        self._pieces = bodies.pieces(request, most=settings.IMPORT_MB * bodies.MIB)
        self._sha256 = sha256(request.get_full_path().encode() + b"\n")

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._sha256.update(piece)
            yield piece

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()


def _imported(catalog: Catalog, body: _Body, *, create: bool, row: IdempotencyKey | None) -> dict[str, Any]:
    """Raises ImportEnded."""
    imported = Imported()
    try:
        stream.take(
            catalog,
            bodies.lines(iter(body)),
            imported,
            create=create,
            kept=lambda: idempotency.hold(row) if row else None,
        )
    except Problem as why:
        raise ImportEnded(why, imported.lines) from why
    finally:
        if imported.lines:
            audit.record(AuditEvent.IMPORTED, about=catalog.name, details=f"{imported.lines:,} lines")
    by_type = {f"{name}s": _counts(written) for name, written in imported.by_type.items()}
    errors = {"rejected": imported.rejected, "errors": told(imported.errors, "line")}
    return {"lines": imported.lines} | by_type | errors


def _again(answered: Answered, body: _Body) -> HttpResponseBase:
    """The same answer, to the same lines. Of a stream that was cut the rest is not known, so any will do."""
    if answered.fingerprint:
        for _ in body:
            pass
        if body.digest != answered.fingerprint:
            raise KeyReused
    return again(answered)


def _keep(row: IdempotencyKey, digest: str, status: int, content_type: str, content: Any) -> None:
    idempotency.finish(row, Answered(digest, status, content_type, JSONRenderer().render(content).decode()))
