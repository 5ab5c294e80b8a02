"""Bodies of requests, read within limits, whether their length is told beforehand or they come in chunks."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from django.http.request import UnreadablePostError
from rest_framework.request import Request

from recommender.api.errors import BodyCut, BodyTooLarge, InvalidBody, UnsupportedBody
from recommender.events import json_text
from recommender.events.json_text import RepeatedNameError

MIB = 2**20
MOST_BYTES = 16 * MIB  # of a JSON body with many entries
MOST_ASKED = 2_500_000  # bytes of one that asks
LONGEST_LINE = MIB  # bytes
PIECE = 2**16  # bytes that are read at once


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def read(request: Request, *, most: int = MOST_BYTES) -> bytes:
    """The whole body, as often as asked for. Raises BodyTooLarge or BodyCut."""
    django: Any = request._request
    if not hasattr(django, "_body"):
        django._body = b"".join(pieces(request, most=most))  # where `request.data` finds it too
    if len(django._body) > most:  # it was read before, by whoever lets more come
        raise BodyTooLarge(most)
    return bytes(django._body)


def pieces(request: Request, *, most: int) -> Iterator[bytes]:
    """The body, a piece at a time. Raises BodyTooLarge and BodyCut where it comes to that."""
    told = request.META.get("CONTENT_LENGTH") or ""
    length = int(told) if told.isdigit() else None
    if length is not None and length > most:
        raise BodyTooLarge(most)
    came, source = 0, _source(request, told=length is not None)
    while piece := _piece(source):
        came += len(piece)
        if came > most:
            raise BodyTooLarge(most)
        yield piece
    if length is not None and came < length:
        raise BodyCut


def _source(request: Request, *, told: bool) -> Readable:
    """Django reads as much as was told, so nothing of a body in chunks; the server knows where that ends."""
    django: Any = request._request
    ends = django.META.get("wsgi.input_terminated")
    source: Readable = django.META["wsgi.input"] if not told and ends else django
    return source


def _piece(source: Readable) -> bytes:
    try:
        return source.read(PIECE)
    except (UnreadablePostError, OSError) as error:
        raise BodyCut from error


def json_object(request: Request, name: str, *, most: int) -> list[Any]:
    """The list that is the only member of a JSON body, at most `most` entries. Raises a Problem that says what is
    wrong."""
    require_type(request, "application/json")
    body = _parsed(read(request))
    if not isinstance(body, dict) or body.keys() != {name} or not isinstance(body[name], list):
        raise InvalidBody(f"The body is a JSON object with one member, `{name}`: a list of entries.")
    if len(body[name]) > most:
        raise InvalidBody(f"At most {most:,} entries may be sent at once; these are {len(body[name]):,}.")
    return list(body[name])


def members(request: Request) -> dict[str, Any]:
    """The members of a body that is a JSON object; no body is an empty one. Raises a Problem."""
    body = read(request, most=MOST_ASKED)
    if not body.strip():
        return {}
    require_type(request, "application/json")
    data = _parsed(body)
    if not isinstance(data, dict):
        raise InvalidBody
    return data


def _parsed(body: bytes) -> Any:
    try:
        return json_text.read(body.decode("utf-8-sig"))  # RFC 8259, 8.1: a byte order mark may be passed over
    except UnicodeDecodeError:
        raise InvalidBody("The body is not UTF-8 text.") from None
    except RepeatedNameError as repeated:
        raise InvalidBody(str(repeated)) from None
    except json.JSONDecodeError as wrong:
        raise InvalidBody(f"The body is no JSON from line {wrong.lineno}, column {wrong.colno} on.") from None
    except (ValueError, RecursionError):  # RecursionError: brackets within brackets, thousands of them
        raise InvalidBody("The body is not JSON that can be read.") from None


def require_type(request: Request, *types: str) -> None:
    """Raises UnsupportedBody."""
    sent, _, more = (request.content_type or "").partition(";")
    charset = more.partition("charset=")[2].strip(' "').lower()
    packed = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if sent.strip().lower() not in types or charset not in ("", "utf-8", "utf8") or packed != "identity":
        raise UnsupportedBody(types)


def lines(source: Iterator[bytes]) -> Iterator[bytes | None]:
    """Line after line, without their ends; None for one longer than LONGEST_LINE, which is not kept in memory."""
    rest: list[bytes] = []
    size, is_long = 0, False
    for piece in source:
        first, *others = piece.split(b"\n")
        for ended, part in ((False, first), *((True, other) for other in others)):
            if ended:
                yield None if is_long else b"".join(rest)
                rest, size, is_long = [], 0, False
            size += len(part)
            is_long = is_long or size > LONGEST_LINE
            if is_long:
                rest = []
            else:
                rest.append(part)
    if size or is_long:
        yield None if is_long else b"".join(rest)
