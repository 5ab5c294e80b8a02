"""What to send for each operation of the API, by its operationId. Pure: nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, Unpack, cast
from urllib.parse import quote
from uuid import uuid4

from r4web_client import answers, asked

T = TypeVar("T")
JSON, LINES = "application/json", "application/x-ndjson"
API = "/api/v1/"
PARTED = ("fields", "status")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, answered by a T. Whatever writes has an idempotency key of its own, the same for all its tries.

    `kept`: an answer with an ETag may be asked for again by it. `key`: nothing where the operation takes none.
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
        typed = {"Content-Type": self.content_type} if self.content is not None else {}
        keyed = {"Idempotency-Key": f'"{self.key}"'} if self.key and self.method in ("POST", "PATCH") else {}
        return typed | keyed

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return self.method != "POST" or bool(self.key)


def list_catalogs() -> Call[answers.Catalogs]:
    return Call("GET", f"{API}catalogs")


def recommend(catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]) -> Call[answers.Recommendations]:
    if wanted.get("log"):  # by the POST twin, whose tries log one list: GET takes no idempotency key
        return recommend_and_log(catalog, user_id, **wanted)
    return Call("GET", f"{_user(catalog, user_id)}/recommendations", _query(wanted), kept=True)


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


def not_for_me(recommendation_id: str, **said: Unpack[asked.NotForMeShape]) -> Call[answers.NotForMe]:
    return _post(f"{API}recommendations/{_id(recommendation_id)}/not-for-me", said)


def list_statements(
    catalog: str, user_id: str, **wanted: Unpack[asked.ListStatementsAsked]
) -> Call[answers.Statements]:
    return Call("GET", f"{_user(catalog, user_id)}/statements", _query(wanted))


def say_statements(catalog: str, user_id: str, **said: Unpack[asked.NewStatementsShape]) -> Call[answers.Said]:
    return _post(f"{_user(catalog, user_id)}/statements", said)


def get_statement(catalog: str, user_id: str, statement_id: int) -> Call[answers.Statement]:
    return Call("GET", _statement(catalog, user_id, statement_id))


def correct_statement(
    catalog: str, user_id: str, statement_id: int, **said: Unpack[asked.PatchedCorrectionShape]
) -> Call[answers.Statement]:
    return Call("PATCH", _statement(catalog, user_id, statement_id), content=encoded(said))


def strike_statement(catalog: str, user_id: str, statement_id: int) -> Call[answers.Statement]:
    return Call("DELETE", _statement(catalog, user_id, statement_id))


def restore_statement(catalog: str, user_id: str, statement_id: int) -> Call[answers.Statement]:
    return Call("POST", f"{_statement(catalog, user_id, statement_id)}:restore")


def list_rules(catalog: str) -> Call[answers.Rules]:
    return Call("GET", f"{_catalog(catalog)}/rules")


def set_rules(catalog: str, rules: Sequence[asked.RuleShape]) -> Call[answers.RulesSet]:
    return _post(f"{_catalog(catalog)}/rules", {"rules": list(rules)})


def remove_rule(catalog: str, rule_id: int) -> Call[answers.Removed]:
    return Call("DELETE", f"{_catalog(catalog)}/rules/{rule_id}")


def remove_rules(catalog: str, **meant: Unpack[asked.RulesRemoval]) -> Call[answers.Removed]:
    return _post(f"{_catalog(catalog)}/rules:remove", meant)


def list_experiments(catalog: str) -> Call[answers.Experiments]:
    return Call("GET", f"{_catalog(catalog)}/experiments")


def read_experiment(catalog: str, key: str) -> Call[answers.Results]:
    return Call("GET", _experiment(catalog, key))


def write_experiment(catalog: str, **meant: Unpack[asked.ExperimentRequest]) -> Call[answers.Experiment]:
    return _post(f"{_catalog(catalog)}/experiments:write", meant)


def discard_experiment(catalog: str, key: str) -> Call[answers.Discarded]:
    return Call("DELETE", _experiment(catalog, key))


def start_experiment(catalog: str, key: str) -> Call[answers.Experiment]:
    return Call("POST", f"{_experiment(catalog, key)}:start")


def stop_experiment(catalog: str, key: str) -> Call[answers.Experiment]:
    return Call("POST", f"{_experiment(catalog, key)}:stop")


def list_webhooks(catalog: str) -> Call[answers.Webhooks]:
    return Call("GET", f"{_catalog(catalog)}/webhooks")


def add_webhook(catalog: str, **wanted: Unpack[asked.WebhookRequest]) -> Call[answers.WebhookMade]:
    return Call("POST", f"{_catalog(catalog)}/webhooks", content=encoded(wanted), key="")


def read_webhook(catalog: str, webhook_id: int) -> Call[answers.Webhook]:
    return Call("GET", _webhook(catalog, webhook_id))


def change_webhook(
    catalog: str, webhook_id: int, **wanted: Unpack[asked.PatchedWebhookChange]
) -> Call[answers.Webhook]:
    return Call("PATCH", _webhook(catalog, webhook_id), content=encoded(wanted), key="")


def remove_webhook(catalog: str, webhook_id: int) -> Call[answers.RemovedWebhook]:
    return Call("DELETE", _webhook(catalog, webhook_id))


def change_webhook_secret(catalog: str, webhook_id: int, **wanted: Unpack[asked.SecretRequest]) -> Call[answers.Secret]:
    return Call("POST", f"{_webhook(catalog, webhook_id)}/secret", content=encoded(wanted), key="")


def ping_webhook(catalog: str, webhook_id: int) -> Call[answers.Delivery]:
    return Call("POST", f"{_webhook(catalog, webhook_id)}/ping")


def list_webhook_deliveries(
    catalog: str, webhook_id: int, **wanted: Unpack[asked.ListWebhookDeliveriesAsked]
) -> Call[answers.Deliveries]:
    return Call("GET", f"{_webhook(catalog, webhook_id)}/deliveries", _query(wanted))


def redeliver_webhook(
    catalog: str, webhook_id: int, **wanted: Unpack[asked.RedeliveriesRequest]
) -> Call[answers.Redelivered]:
    return _post(f"{_webhook(catalog, webhook_id)}/redeliveries", wanted)


def export_person(catalog: str, user_id: str) -> Call[answers.Person]:
    return Call("GET", _user(catalog, user_id))


def erase_person(catalog: str, user_id: str) -> Call[answers.Receipt]:
    return Call("DELETE", _user(catalog, user_id))


def get_item(catalog: str, item_id: str) -> Call[answers.GivenItem]:
    return Call("GET", _item(catalog, item_id))


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
    """JSON in UTF-8. Raises ValueError for NaN and infinity, which JSON has not, and for a time without its zone."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> str:
    """What JSON has no word for: a time."""
    if isinstance(value, datetime):
        return _time(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON has: {value!r}.")


def _time(value: datetime) -> str:
    """Raises ValueError where the zone is missing: nobody knows which time is meant."""
    if value.utcoffset() is None:
        raise ValueError(
            f"{value!r} names no zone: datetime.now(UTC) does, and value.astimezone() takes this machine's."
        )
    return value.isoformat()


def _post(path: str, body: Mapping[str, Any]) -> Call[Any]:
    return Call("POST", path, content=encoded(body))


def _query(wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`fields` and `status` are parted by commas; other lists are the same parameter again and again."""
    return [(name, each) for name, value in wanted.items() for each in _said(name, value)]


def _said(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, list | tuple):
        return [",".join(value)] if name in PARTED else [str(each) for each in value]
    return [_time(value) if isinstance(value, datetime) else str(value)]


def _catalog(name: str) -> str:
    return f"{API}catalogs/{_id(name)}"


def _user(catalog: str, user_id: str) -> str:
    return f"{_catalog(catalog)}/users/{_id(user_id)}"


def _item(catalog: str, item_id: str) -> str:
    return f"{_catalog(catalog)}/items/{_id(item_id)}"


def _statement(catalog: str, user_id: str, statement_id: int) -> str:
    return f"{_user(catalog, user_id)}/statements/{statement_id}"


def _experiment(catalog: str, key: str) -> str:
    return f"{_catalog(catalog)}/experiments/{_id(key)}"


def _webhook(catalog: str, webhook_id: int) -> str:
    return f"{_catalog(catalog)}/webhooks/{webhook_id}"


def _id(text: str) -> str:
    """Percent-encoded. Raises ValueError for nothing, and for what no address can hold."""
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no id that an address can hold.")
    return quote(text, safe="")
