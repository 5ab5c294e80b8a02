"""What to send for each operation of the API, by its operationId. Pure: nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, Unpack, cast
from urllib.parse import quote
from uuid import uuid4

from r4web_client import answers, asked

T = TypeVar("T")
JSON, LINES = "application/json", "application/x-ndjson"
API = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, answered by a T. Whatever writes has an idempotency key of its own, the same for all its tries.

    `kept`: an answer with an ETag may be asked for again by it.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    content: bytes | None = None
    content_type: str = JSON
    kept: bool = False
    key: str = field(default_factory=lambda: str(uuid4()))

    @property
    def headers(self) -> dict[str, str]:
        if self.method != "POST":
            return {}
        typed = {"Content-Type": self.content_type} if self.content is not None else {}
        return {**typed, "Idempotency-Key": f'"{self.key}"'}


def list_catalogs() -> Call[answers.Catalogs]:
    return Call("GET", f"{API}catalogs")


def recommend(catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]) -> Call[answers.Recommendations]:
    return Call("GET", f"{_user(catalog, user_id)}/recommendations", _query(wanted), kept=not wanted.get("log"))


def recommend_and_log(
    catalog: str, user_id: str, **wanted: Unpack[asked.RecommendationsQuery]
) -> Call[answers.Recommendations]:
    return _post(f"{_user(catalog, user_id)}/recommendations", wanted)


def recommend_in_session(catalog: str, **told: Unpack[asked.SessionRequest]) -> Call[answers.Recommendations]:
    return _post(f"{_catalog(catalog)}/recommendations", told)


def recommend_batch(catalog: str, **wanted: Unpack[asked.BatchRequest]) -> Call[answers.Batch]:
    return _post(f"{_catalog(catalog)}/recommendations:batch", wanted)


def replay_recommendation(
    recommendation_id: str, **wanted: Unpack[asked.ReplayRecommendationAsked]
) -> Call[answers.Recommendations]:
    return Call("GET", f"{API}recommendations/{_id(recommendation_id)}", _query(wanted), kept=True)


def similar_items(catalog: str, item_id: str, **wanted: Unpack[asked.SimilarItemsAsked]) -> Call[answers.Similar]:
    return Call("GET", f"{_item(catalog, item_id)}/similar", _query(wanted))


def explain_user(catalog: str, user_id: str, **wanted: Unpack[asked.ExplainUserAsked]) -> Call[answers.OneExplanation]:
    return Call("GET", f"{_user(catalog, user_id)}/explanation", _query(wanted), kept=True)


def explain_item(catalog: str, item_id: str, **wanted: Unpack[asked.ExplainItemAsked]) -> Call[answers.OneExplanation]:
    return Call("GET", f"{_item(catalog, item_id)}/explanation", _query(wanted), kept=True)


def get_explanation(explanation_id: int, **wanted: Unpack[asked.GetExplanationAsked]) -> Call[answers.OneExplanation]:
    return Call("GET", f"{API}explanations/{explanation_id}", _query(wanted), kept=True)


def dispute_explanation(explanation_id: int, **said: Unpack[asked.NewDisputeQuery]) -> Call[answers.Dispute]:
    return _post(f"{API}explanations/{explanation_id}/disputes", said)


def get_dispute(dispute_id: str) -> Call[answers.Dispute]:
    return Call("GET", f"{API}disputes/{_id(dispute_id)}")


def list_rules(catalog: str) -> Call[answers.Rules]:
    return Call("GET", f"{_catalog(catalog)}/rules")


def set_rules(catalog: str, rules: Sequence[asked.RuleShape]) -> Call[answers.RulesSet]:
    return _post(f"{_catalog(catalog)}/rules", {"rules": list(rules)})


def remove_rule(catalog: str, rule_id: int) -> Call[answers.Removed]:
    return Call("DELETE", f"{_catalog(catalog)}/rules/{rule_id}")


def export_person(catalog: str, user_id: str) -> Call[answers.Person]:
    return Call("GET", _user(catalog, user_id))


def erase_person(catalog: str, user_id: str) -> Call[answers.Receipt]:
    return Call("DELETE", _user(catalog, user_id))


def erase_item(catalog: str, item_id: str) -> Call[answers.Receipt]:
    return Call("DELETE", _item(catalog, item_id))


def send_events(
    catalog: str, events: Iterable[asked.Event], **wanted: Unpack[asked.SendEventsAsked]
) -> Call[answers.Taken]:
    return entries(catalog, "events", map(encoded, events), **wanted)


def send_items(catalog: str, items: Iterable[asked.ItemEntry]) -> Call[answers.Written]:
    return entries(catalog, "items", map(encoded, items))


def send_users(catalog: str, users: Iterable[asked.EndUserEntry]) -> Call[answers.Written]:
    return entries(catalog, "users", map(encoded, users))


def import_lines(catalog: str, lines: bytes, **wanted: Unpack[asked.ImportLinesAsked]) -> Call[answers.Imported]:
    return Call("POST", f"{_catalog(catalog)}/import", _query(wanted), lines, LINES)


def following(wanted: asked.RecommendAsked, cursor: str) -> asked.RecommendAsked:
    """What to ask for the next page: what a list is made by is its cursor's own."""
    same = ("limit", "explain", "min_review", "fields", "log")
    page = {name: value for name, value in wanted.items() if name in same} | {"cursor": cursor}
    return cast(asked.RecommendAsked, page)


def entries(catalog: str, name: str, made: Iterable[bytes], **wanted: Any) -> Call[Any]:
    """Of entries that are JSON by now: no batch is encoded twice."""
    content = b'{"%s":[%s]}' % (name.encode(), b",".join(made))
    return Call("POST", f"{_catalog(catalog)}/{name}:batch", _query(wanted), content)


def encoded(entry: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. Raises ValueError for NaN and infinity, which JSON has not."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _post(path: str, body: Mapping[str, Any]) -> Call[Any]:
    return Call("POST", path, content=encoded(body))


def _query(wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`fields` is parted by commas; other lists are the same parameter again and again."""
    return [(name, each) for name, value in wanted.items() for each in _said(name, value)]


def _said(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, list | tuple):
        return [",".join(value)] if name == "fields" else [str(each) for each in value]
    return [str(value)]


def _catalog(name: str) -> str:
    return f"{API}catalogs/{_id(name)}"


def _user(catalog: str, user_id: str) -> str:
    return f"{_catalog(catalog)}/users/{_id(user_id)}"


def _item(catalog: str, item_id: str) -> str:
    return f"{_catalog(catalog)}/items/{_id(item_id)}"


def _id(text: str) -> str:
    """Percent-encoded. Raises ValueError for nothing, and for what no address can hold."""
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no id that an address can hold.")
    return quote(text, safe="")
