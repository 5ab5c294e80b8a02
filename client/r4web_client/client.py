"""The sync client: each operation of the API by its operationId, pages, and any number of entries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar, Unpack

import httpx2

from r4web_client import answers, asked, batches, calls
from r4web_client.batches import LinesReport, PartlySentError, Report
from r4web_client.calls import Call
from r4web_client.core import TIMEOUT, Answer, Came, Core, Kept, Send, Wait
from r4web_client.errors import R4WebError
from r4web_client.retries import Retries

T = TypeVar("T")


class Client:
    """`server`: its address, without /api. `kept`: how many answers with an ETag are kept; 0: none.

    Use it as a context manager, or close it. Several threads may share one.
    """

    def __init__(
        self,
        server: str,
        token: str,
        *,
        retries: Retries = Retries(),  # noqa: B008  # frozen
        timeout: httpx2.Timeout | float = TIMEOUT,
        kept: int = 128,
        user_agent: str = "",
    ) -> None:
        self._core = Core(server, token, retries, Kept(kept), user_agent)
        self._http = httpx2.Client(timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Raises a ProblemError or an UnreachedError."""
        flow = self._core.flow(call)
        came: Came = None
        while True:
            try:
                step = flow.send(came)
            except StopIteration as end:
                answered: T = end.value
                return answered
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                came = None
            else:
                came = self._answer(step)

    def _answer(self, send: Send) -> Answer | httpx2.TransportError:
        try:
            return Answer.of(self._http.request(send.method, send.address, headers=send.headers, content=send.content))
        except httpx2.TransportError as error:
            return error

    def list_catalogs(self) -> answers.Catalogs:
        return self.send(calls.list_catalogs())

    def recommend(self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]) -> answers.Recommendations:
        """A list that is only read. `recommend_and_log` is for lists that are shown to somebody."""
        return self.send(calls.recommend(catalog, user_id, **wanted))

    def recommend_and_log(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendationsQuery]
    ) -> answers.Recommendations:
        return self.send(calls.recommend_and_log(catalog, user_id, **wanted))

    def pages(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]
    ) -> Iterator[answers.Recommendations]:
        """The list page by page, `limit` items each: one ranking, whatever changes meanwhile."""
        page = self.recommend(catalog, user_id, **wanted)
        yield page
        while page["next_cursor"]:
            page = self.recommend(catalog, user_id, **calls.following(wanted, page["next_cursor"]))
            yield page

    def items(self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]) -> Iterator[answers.Item]:
        """The items of all pages."""
        for page in self.pages(catalog, user_id, **wanted):
            yield from page["items"]

    def recommend_in_session(self, catalog: str, **told: Unpack[asked.SessionRequest]) -> answers.Recommendations:
        return self.send(calls.recommend_in_session(catalog, **told))

    def recommend_batch(self, catalog: str, **wanted: Unpack[asked.BatchRequest]) -> answers.Batch:
        return self.send(calls.recommend_batch(catalog, **wanted))

    def replay_recommendation(
        self, recommendation_id: str, **wanted: Unpack[asked.ReplayRecommendationAsked]
    ) -> answers.Recommendations:
        return self.send(calls.replay_recommendation(recommendation_id, **wanted))

    def similar_items(self, catalog: str, item_id: str, **wanted: Unpack[asked.SimilarItemsAsked]) -> answers.Similar:
        return self.send(calls.similar_items(catalog, item_id, **wanted))

    def explain_user(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.ExplainUserAsked]
    ) -> answers.OneExplanation:
        return self.send(calls.explain_user(catalog, user_id, **wanted))

    def explain_item(
        self, catalog: str, item_id: str, **wanted: Unpack[asked.ExplainItemAsked]
    ) -> answers.OneExplanation:
        return self.send(calls.explain_item(catalog, item_id, **wanted))

    def get_explanation(
        self, explanation_id: int, **wanted: Unpack[asked.GetExplanationAsked]
    ) -> answers.OneExplanation:
        return self.send(calls.get_explanation(explanation_id, **wanted))

    def dispute_explanation(self, explanation_id: int, **said: Unpack[asked.NewDisputeQuery]) -> answers.Dispute:
        return self.send(calls.dispute_explanation(explanation_id, **said))

    def get_dispute(self, dispute_id: str) -> answers.Dispute:
        return self.send(calls.get_dispute(dispute_id))

    def not_for_me(self, recommendation_id: str, **said: Unpack[asked.NotForMeShape]) -> answers.NotForMe:
        """“Not for me”, of an item of a logged list."""
        return self.send(calls.not_for_me(recommendation_id, **said))

    def list_statements(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.ListStatementsAsked]
    ) -> answers.Statements:
        return self.send(calls.list_statements(catalog, user_id, **wanted))

    def say_statements(self, catalog: str, user_id: str, **said: Unpack[asked.NewStatementsShape]) -> answers.Said:
        """In their words (`text`), or by `aspect` and `polarity`."""
        return self.send(calls.say_statements(catalog, user_id, **said))

    def get_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return self.send(calls.get_statement(catalog, user_id, statement_id))

    def correct_statement(
        self, catalog: str, user_id: str, statement_id: int, **said: Unpack[asked.PatchedCorrectionShape]
    ) -> answers.Statement:
        return self.send(calls.correct_statement(catalog, user_id, statement_id, **said))

    def strike_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return self.send(calls.strike_statement(catalog, user_id, statement_id))

    def restore_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return self.send(calls.restore_statement(catalog, user_id, statement_id))

    def list_rules(self, catalog: str) -> answers.Rules:
        return self.send(calls.list_rules(catalog))

    def set_rules(self, catalog: str, rules: Sequence[asked.RuleShape]) -> answers.RulesSet:
        return self.send(calls.set_rules(catalog, rules))

    def remove_rule(self, catalog: str, rule_id: int) -> answers.Removed:
        return self.send(calls.remove_rule(catalog, rule_id))

    def remove_rules(self, catalog: str, **meant: Unpack[asked.RulesRemoval]) -> answers.Removed:
        return self.send(calls.remove_rules(catalog, **meant))

    def list_experiments(self, catalog: str) -> answers.Experiments:
        return self.send(calls.list_experiments(catalog))

    def read_experiment(self, catalog: str, key: str) -> answers.Results:
        return self.send(calls.read_experiment(catalog, key))

    def write_experiment(self, catalog: str, **meant: Unpack[asked.ExperimentRequest]) -> answers.Experiment:
        return self.send(calls.write_experiment(catalog, **meant))

    def discard_experiment(self, catalog: str, key: str) -> answers.Discarded:
        return self.send(calls.discard_experiment(catalog, key))

    def start_experiment(self, catalog: str, key: str) -> answers.Experiment:
        return self.send(calls.start_experiment(catalog, key))

    def stop_experiment(self, catalog: str, key: str) -> answers.Experiment:
        return self.send(calls.stop_experiment(catalog, key))

    def list_webhooks(self, catalog: str) -> answers.Webhooks:
        return self.send(calls.list_webhooks(catalog))

    def add_webhook(self, catalog: str, **wanted: Unpack[asked.WebhookRequest]) -> answers.WebhookMade:
        """The answer alone has its secret. Asked again only where nothing was done: two tries could add two."""
        return self.send(calls.add_webhook(catalog, **wanted))

    def read_webhook(self, catalog: str, webhook_id: int) -> answers.Webhook:
        return self.send(calls.read_webhook(catalog, webhook_id))

    def change_webhook(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.PatchedWebhookChange]
    ) -> answers.Webhook:
        return self.send(calls.change_webhook(catalog, webhook_id, **wanted))

    def remove_webhook(self, catalog: str, webhook_id: int) -> answers.RemovedWebhook:
        """Raises NotFoundError where it was done before, by an earlier try of this very call perhaps."""
        return self.send(calls.remove_webhook(catalog, webhook_id))

    def change_webhook_secret(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.SecretRequest]
    ) -> answers.Secret:
        """The answer alone has it. Asked again only where nothing was done: two tries could make two."""
        return self.send(calls.change_webhook_secret(catalog, webhook_id, **wanted))

    def ping_webhook(self, catalog: str, webhook_id: int) -> answers.Delivery:
        return self.send(calls.ping_webhook(catalog, webhook_id))

    def list_webhook_deliveries(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.ListWebhookDeliveriesAsked]
    ) -> answers.Deliveries:
        return self.send(calls.list_webhook_deliveries(catalog, webhook_id, **wanted))

    def redeliver_webhook(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.RedeliveriesRequest]
    ) -> answers.Redelivered:
        return self.send(calls.redeliver_webhook(catalog, webhook_id, **wanted))

    def export_person(self, catalog: str, user_id: str) -> answers.Person:
        return self.send(calls.export_person(catalog, user_id))

    def erase_person(self, catalog: str, user_id: str) -> answers.Receipt:
        """Raises GoneError where it was done before, by an earlier try of this very call perhaps."""
        return self.send(calls.erase_person(catalog, user_id))

    def get_item(self, catalog: str, item_id: str) -> answers.GivenItem:
        return self.send(calls.get_item(catalog, item_id))

    def erase_item(self, catalog: str, item_id: str) -> answers.Receipt:
        """Raises GoneError where it was done before, by an earlier try of this very call perhaps."""
        return self.send(calls.erase_item(catalog, item_id))

    def send_events(
        self, catalog: str, events: Iterable[asked.Event], **wanted: Unpack[asked.SendEventsAsked]
    ) -> Report:
        """Any number of events, 10,000 a call. Raises PartlySentError."""
        return self._send_all(catalog, "events", events, **wanted)

    def send_items(self, catalog: str, items: Iterable[asked.ItemEntry]) -> Report:
        """Any number of items, 10,000 a call. Raises PartlySentError."""
        return self._send_all(catalog, "items", items)

    def send_users(self, catalog: str, users: Iterable[asked.EndUserEntry]) -> Report:
        """Any number of end users, 10,000 a call. Raises PartlySentError."""
        return self._send_all(catalog, "users", users)

    def import_lines(
        self, catalog: str, lines: Iterable[Mapping[str, Any]], **wanted: Unpack[asked.ImportLinesAsked]
    ) -> LinesReport:
        """Any number of lines: items and end users before the interactions that name them. Raises PartlySentError."""
        report = LinesReport()
        for part in batches.parts(lines):
            try:
                report.add(self.send(calls.import_lines(catalog, b"\n".join(part), **wanted)))
            except R4WebError as why:
                if not report.calls:
                    raise
                raise PartlySentError(report, why) from why
        return report

    def _send_all(self, catalog: str, name: str, entries: Iterable[Mapping[str, Any]], **wanted: Any) -> Report:
        report = Report()
        for part in batches.parts(entries):
            try:
                report.add(self.send(calls.entries(catalog, name, part, **wanted)), len(part))
            except R4WebError as why:
                if not report.calls:
                    raise
                raise PartlySentError(report, why) from why
        return report
