"""The async client: the sync one's methods, awaited. A test holds the two equal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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


class AsyncClient:
    """`server`: its address, without /api. `kept`: how many answers with an ETag are kept; 0: none.

    Use it as an async context manager, or close it. Several tasks of one event loop may share one.
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
        self._http = httpx2.AsyncClient(timeout=timeout)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
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
                await asyncio.sleep(step.seconds)
                came = None
            else:
                came = await self._answer(step)

    async def _answer(self, send: Send) -> Answer | httpx2.TransportError:
        try:
            return Answer.of(
                await self._http.request(send.method, send.address, headers=send.headers, content=send.content)
            )
        except httpx2.TransportError as error:
            return error

    async def list_catalogs(self) -> answers.Catalogs:
        return await self.send(calls.list_catalogs())

    async def recommend(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]
    ) -> answers.Recommendations:
        """A list that is only read. `recommend_and_log` is for lists that are shown to somebody."""
        return await self.send(calls.recommend(catalog, user_id, **wanted))

    async def recommend_and_log(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendationsQuery]
    ) -> answers.Recommendations:
        return await self.send(calls.recommend_and_log(catalog, user_id, **wanted))

    async def pages(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]
    ) -> AsyncIterator[answers.Recommendations]:
        """The list page by page, `limit` items each: one ranking, whatever changes meanwhile."""
        page = await self.recommend(catalog, user_id, **wanted)
        yield page
        while page["next_cursor"]:
            page = await self.recommend(catalog, user_id, **calls.following(wanted, page["next_cursor"]))
            yield page

    async def items(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.RecommendAsked]
    ) -> AsyncIterator[answers.Item]:
        """The items of all pages."""
        async for page in self.pages(catalog, user_id, **wanted):
            for item in page["items"]:
                yield item

    async def recommend_in_session(self, catalog: str, **told: Unpack[asked.SessionRequest]) -> answers.Recommendations:
        return await self.send(calls.recommend_in_session(catalog, **told))

    async def recommend_batch(self, catalog: str, **wanted: Unpack[asked.BatchRequest]) -> answers.Batch:
        return await self.send(calls.recommend_batch(catalog, **wanted))

    async def replay_recommendation(
        self, recommendation_id: str, **wanted: Unpack[asked.ReplayRecommendationAsked]
    ) -> answers.Recommendations:
        return await self.send(calls.replay_recommendation(recommendation_id, **wanted))

    async def similar_items(
        self, catalog: str, item_id: str, **wanted: Unpack[asked.SimilarItemsAsked]
    ) -> answers.Similar:
        return await self.send(calls.similar_items(catalog, item_id, **wanted))

    async def explain_user(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.ExplainUserAsked]
    ) -> answers.OneExplanation:
        return await self.send(calls.explain_user(catalog, user_id, **wanted))

    async def explain_item(
        self, catalog: str, item_id: str, **wanted: Unpack[asked.ExplainItemAsked]
    ) -> answers.OneExplanation:
        return await self.send(calls.explain_item(catalog, item_id, **wanted))

    async def get_explanation(
        self, explanation_id: int, **wanted: Unpack[asked.GetExplanationAsked]
    ) -> answers.OneExplanation:
        return await self.send(calls.get_explanation(explanation_id, **wanted))

    async def dispute_explanation(self, explanation_id: int, **said: Unpack[asked.NewDisputeQuery]) -> answers.Dispute:
        return await self.send(calls.dispute_explanation(explanation_id, **said))

    async def get_dispute(self, dispute_id: str) -> answers.Dispute:
        return await self.send(calls.get_dispute(dispute_id))

    async def not_for_me(self, recommendation_id: str, **said: Unpack[asked.NotForMeShape]) -> answers.NotForMe:
        """“Not for me”, of an item of a logged list."""
        return await self.send(calls.not_for_me(recommendation_id, **said))

    async def list_statements(
        self, catalog: str, user_id: str, **wanted: Unpack[asked.ListStatementsAsked]
    ) -> answers.Statements:
        return await self.send(calls.list_statements(catalog, user_id, **wanted))

    async def say_statements(
        self, catalog: str, user_id: str, **said: Unpack[asked.NewStatementsShape]
    ) -> answers.Said:
        """In their words (`text`), or by `aspect` and `polarity`."""
        return await self.send(calls.say_statements(catalog, user_id, **said))

    async def get_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return await self.send(calls.get_statement(catalog, user_id, statement_id))

    async def correct_statement(
        self, catalog: str, user_id: str, statement_id: int, **said: Unpack[asked.PatchedCorrectionShape]
    ) -> answers.Statement:
        return await self.send(calls.correct_statement(catalog, user_id, statement_id, **said))

    async def strike_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return await self.send(calls.strike_statement(catalog, user_id, statement_id))

    async def restore_statement(self, catalog: str, user_id: str, statement_id: int) -> answers.Statement:
        return await self.send(calls.restore_statement(catalog, user_id, statement_id))

    async def list_rules(self, catalog: str) -> answers.Rules:
        return await self.send(calls.list_rules(catalog))

    async def set_rules(self, catalog: str, rules: Sequence[asked.RuleShape]) -> answers.RulesSet:
        return await self.send(calls.set_rules(catalog, rules))

    async def remove_rule(self, catalog: str, rule_id: int) -> answers.Removed:
        return await self.send(calls.remove_rule(catalog, rule_id))

    async def remove_rules(self, catalog: str, **meant: Unpack[asked.RulesRemoval]) -> answers.Removed:
        return await self.send(calls.remove_rules(catalog, **meant))

    async def list_experiments(self, catalog: str) -> answers.Experiments:
        return await self.send(calls.list_experiments(catalog))

    async def read_experiment(self, catalog: str, key: str) -> answers.Results:
        return await self.send(calls.read_experiment(catalog, key))

    async def write_experiment(self, catalog: str, **meant: Unpack[asked.ExperimentRequest]) -> answers.Experiment:
        return await self.send(calls.write_experiment(catalog, **meant))

    async def discard_experiment(self, catalog: str, key: str) -> answers.Discarded:
        return await self.send(calls.discard_experiment(catalog, key))

    async def start_experiment(self, catalog: str, key: str) -> answers.Experiment:
        return await self.send(calls.start_experiment(catalog, key))

    async def stop_experiment(self, catalog: str, key: str) -> answers.Experiment:
        return await self.send(calls.stop_experiment(catalog, key))

    async def list_webhooks(self, catalog: str) -> answers.Webhooks:
        return await self.send(calls.list_webhooks(catalog))

    async def add_webhook(self, catalog: str, **wanted: Unpack[asked.WebhookRequest]) -> answers.WebhookMade:
        """The answer alone has its secret. Asked again only where nothing was done: two tries could add two."""
        return await self.send(calls.add_webhook(catalog, **wanted))

    async def read_webhook(self, catalog: str, webhook_id: int) -> answers.Webhook:
        return await self.send(calls.read_webhook(catalog, webhook_id))

    async def change_webhook(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.PatchedWebhookChange]
    ) -> answers.Webhook:
        return await self.send(calls.change_webhook(catalog, webhook_id, **wanted))

    async def remove_webhook(self, catalog: str, webhook_id: int) -> answers.RemovedWebhook:
        """Raises NotFoundError where it was done before, by an earlier try of this very call perhaps."""
        return await self.send(calls.remove_webhook(catalog, webhook_id))

    async def change_webhook_secret(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.SecretRequest]
    ) -> answers.Secret:
        """The answer alone has it. Asked again only where nothing was done: two tries could make two."""
        return await self.send(calls.change_webhook_secret(catalog, webhook_id, **wanted))

    async def ping_webhook(self, catalog: str, webhook_id: int) -> answers.Delivery:
        return await self.send(calls.ping_webhook(catalog, webhook_id))

    async def list_webhook_deliveries(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.ListWebhookDeliveriesAsked]
    ) -> answers.Deliveries:
        return await self.send(calls.list_webhook_deliveries(catalog, webhook_id, **wanted))

    async def redeliver_webhook(
        self, catalog: str, webhook_id: int, **wanted: Unpack[asked.RedeliveriesRequest]
    ) -> answers.Redelivered:
        return await self.send(calls.redeliver_webhook(catalog, webhook_id, **wanted))

    async def export_person(self, catalog: str, user_id: str) -> answers.Person:
        return await self.send(calls.export_person(catalog, user_id))

    async def erase_person(self, catalog: str, user_id: str) -> answers.Receipt:
        """Raises GoneError where it was done before, by an earlier try of this very call perhaps."""
        return await self.send(calls.erase_person(catalog, user_id))

    async def get_item(self, catalog: str, item_id: str) -> answers.GivenItem:
        return await self.send(calls.get_item(catalog, item_id))

    async def erase_item(self, catalog: str, item_id: str) -> answers.Receipt:
        """Raises GoneError where it was done before, by an earlier try of this very call perhaps."""
        return await self.send(calls.erase_item(catalog, item_id))

    async def send_events(
        self, catalog: str, events: Iterable[asked.Event], **wanted: Unpack[asked.SendEventsAsked]
    ) -> Report:
        """Any number of events, 10,000 a call. Raises PartlySentError."""
        return await self._send_all(catalog, "events", events, **wanted)

    async def send_items(self, catalog: str, items: Iterable[asked.ItemEntry]) -> Report:
        """Any number of items, 10,000 a call. Raises PartlySentError."""
        return await self._send_all(catalog, "items", items)

    async def send_users(self, catalog: str, users: Iterable[asked.EndUserEntry]) -> Report:
        """Any number of end users, 10,000 a call. Raises PartlySentError."""
        return await self._send_all(catalog, "users", users)

    async def import_lines(
        self, catalog: str, lines: Iterable[Mapping[str, Any]], **wanted: Unpack[asked.ImportLinesAsked]
    ) -> LinesReport:
        """Any number of lines: items and end users before the interactions that name them. Raises PartlySentError."""
        report = LinesReport()
        for part in batches.parts(lines):
            try:
                report.add(await self.send(calls.import_lines(catalog, b"\n".join(part), **wanted)))
            except R4WebError as why:
                if not report.calls:
                    raise
                raise PartlySentError(report, why) from why
        return report

    async def _send_all(self, catalog: str, name: str, entries: Iterable[Mapping[str, Any]], **wanted: Any) -> Report:
        report = Report()
        for part in batches.parts(entries):
            try:
                report.add(await self.send(calls.entries(catalog, name, part, **wanted)), len(part))
            except R4WebError as why:
                if not report.calls:
                    raise
                raise PartlySentError(report, why) from why
        return report
