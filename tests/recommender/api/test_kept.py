"""Answers that are kept: at once where nothing changed, and new at the very next request where anything did."""

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from recommender import background
from recommender.accounts.tokens import create_token
from recommender.api.kept import ANSWERS
from recommender.artifacts import files
from recommender.catalogs.changes import changed
from recommender.erasure import service as erasure
from recommender.events import service as events
from recommender.events import upserts
from recommender.experiments import service as experiments
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.knowledge import service as knowledge
from recommender.models import (
    BackboneVersion,
    Catalog,
    CatalogStamp,
    Dispute,
    EndUser,
    Experiment,
    Hearing,
    Item,
    Knowledge,
    Role,
    RolloutMode,
    RuleKind,
    SubjectKind,
    TokenScope,
)
from recommender.promotion import activation, rollouts
from recommender.serving import catalog_index, rules, variants
from recommender.serving.rules import Wanted
from recommender.serving.variants import Variant
from recommender.stamps import kept, triggers
from recommender.statements import aspects, own
from recommender.statements import service as statements
from tests.builders import make_account, make_interaction
from tests.recommender.promotion.versions import examined, make_version
from tests.recommender.serving.ranked import ranked_catalog, trained
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db(transaction=True)
Change = Callable[["World"], object]


class World:
    """A ranked catalog, whose u000 has an approved text, and a program that asks for their list."""

    def __init__(self) -> None:
        self.catalog: Catalog = ranked_catalog("films")
        self.person: EndUser = self.catalog.end_users.get(external_id="u000")
        self.lead = make_account("lead", role=Role.LEAD)
        self.turn = synthetic.approve(self.person, "Likes comedies. Dislikes horror films.")
        self.of_item = synthetic.approve(self.unseen(0), "A comedy about a town. Everybody laughs.")
        self.api = self.program()

    def unseen(self, place: int) -> Item:
        met = self.person.interactions.values("item")
        return Item.objects.filter(catalog=self.catalog).exclude(pk__in=met).order_by("pk")[place]

    def program(self, **limits: Any) -> APIClient:
        client = APIClient()
        key = create_token(f"t{time.monotonic_ns()}", account=self.lead, per_minute=0, **limits)[1]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    def get(self, user: str = "u000", **query: Any) -> dict[str, Any]:
        answer = self.api.get(f"/api/v1/catalogs/films/users/{user}/recommendations", query)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def second_version(self) -> BackboneVersion:
        """Another candidate, of another snapshot."""
        later = 1000 + BackboneVersion.objects.filter(catalog=self.catalog).count()
        synthetic.approve(self.unseen(1), "A film about another town. Nobody laughs.", as_of=later)
        version = make_version(self.catalog)
        shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
        return version

    def take_over(self, version: BackboneVersion) -> None:
        active = BackboneVersion.objects.filter(catalog=self.catalog, state="active").get()
        examined(version)
        activation.activate(version, by=self.lead, seen=active.number, override="A test.")

    def event(self, user: str = "u000", kind: str = "like") -> None:
        sent = {"event_id": f"e{time.monotonic_ns()}", "type": kind, "user_id": user, "item_id": self.top()}
        taken = events.take(self.catalog, [sent | {"time": datetime.now(UTC).isoformat()}])
        assert taken.accepted == 1, taken

    def top(self) -> str:
        return str(self.get(limit=1)["items"][0]["item_id"])


@pytest.fixture
def world(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for module in (catalog_index, aspects):
        monkeypatch.setattr(module, "FRESH_SECONDS", 3600.0)  # a busy machine may take a minute for a few requests
    monkeypatch.setattr(background, "aside", lambda work: False)  # no thread ends a list while two are held together
    forget()
    kept.CHECKED.clear()
    yield World()
    forget()


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both are one list that was made once."""
    return bool(one["generated_at"] == other["generated_at"])


def said(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("generated_at", "next_cursor")}


def forget() -> None:
    """Be a process that has answered nothing yet."""
    ANSWERS.clear()
    variants.KEPT.clear()
    for rows in kept.ALL_KEPT:
        rows.kept.clear()


def test_the_same_question_is_answered_by_the_same_list_with_one_query(world: World, settings: Settings) -> None:
    first = world.get(explain="short")
    with CaptureQueriesContext(connection) as asked:
        again = world.get(explain="short")
    assert first == again
    assert len(asked) == 2  # and the token's, which these tests have read each time
    assert not same(first, world.get(explain="full"))
    assert not same(first, world.get(explain="short", limit=3))
    assert not same(world.get(log="true"), world.get(log="true"))
    with transaction.atomic():
        assert not same(world.get(), world.get())
    plain = world.get()
    settings.STEERING = 3.0
    assert not same(plain, world.get())
    settings.ANSWERS_MB = 0
    assert not same(world.get(), world.get())


def test_a_token_sees_what_it_may_see_whatever_is_kept(world: World) -> None:
    world.get(explain="short")
    address = "/api/v1/catalogs/films/users/u000/recommendations"
    other = Catalog.objects.create(name="other")
    reading = world.program(scopes=[TokenScope.RECOMMENDATIONS_READ])
    assert reading.get(address, {"explain": "short"}).status_code == 403
    assert world.program(catalog=other).get(address).status_code == 404
    assert same(world.get(), dict(reading.get(address).json()))


def _put_rule(world: World) -> None:
    rules.put(world.catalog, [Wanted(RuleKind.PIN, world.unseen(5).external_id, place=1, note="News")], by=world.lead)


def _strike(world: World) -> None:
    own = world.turn.statements.filter(ended_at=None)
    assert statements.strike(list(own), account=world.lead, now=datetime.now(UTC))


def _renamed(world: World) -> None:
    Item.objects.filter(external_id=world.top(), catalog=world.catalog).update(title="Another title")


def _canary(world: World) -> None:
    version = world.second_version()
    examined(version)
    rollouts.start(version, mode=RolloutMode.CANARY, share=1.0, by=world.lead)


def _say(world: World) -> None:
    said = Said((Facet("attribute", "genres", "Horror"),), "dislikes")
    assert own.say(world.person, [said], quotes=["No horror, please."], now=datetime.now(UTC))


def _take_back(world: World) -> None:
    (said,) = own.standing(world.person)
    own.strike(world.person, said, now=datetime.now(UTC))


def _start(world: World) -> None:
    """One that serves everybody lists that no statement moves, whichever variant is theirs."""
    plan = experiments.Plan(key="try", variants=(Variant("a", steering=0.0), Variant("b", steering=0.0)))
    experiments.start(experiments.create(world.catalog, plan, by=world.lead), by=world.lead)


def _stop(world: World) -> None:
    assert experiments.stop(Experiment.objects.get(catalog=world.catalog), by=world.lead)


CHANGES: dict[str, Change] = {
    "event": lambda world: world.event(),
    "said by themself": _say,
    "experiment started": _start,
    "event meanwhile": lambda world: world.event(),
    "experiment stopped": _stop,
    "struck by themself": _take_back,
    "hearing": lambda world: Catalog.objects.filter(pk=world.catalog.pk).update(hearing=Hearing.AFTER_REVIEW),
    "decision": lambda world: synthetic.approve(world.person, "Likes horror films. Dislikes comedies.", as_of=2000),
    "rejection": lambda world: knowledge.reject(world.turn),
    "strike": _strike,
    "rule": _put_rule,
    "item": _renamed,
    "item of another release": lambda world: upserts.write_all(
        upserts.items, world.catalog, [{"item_id": "new", "title": "New", "attributes": {"genres": ["Comedy"]}}]
    ),
    "knob": lambda world: Catalog.objects.filter(pk=world.catalog.pk).update(steering=0.0),
    "least review": lambda world: Catalog.objects.filter(pk=world.catalog.pk).update(min_review="any"),
    "threshold": lambda world: Catalog.objects.filter(pk=world.catalog.pk).update(like_threshold=4.5),
    "activation": lambda world: world.take_over(world.second_version()),
    "canary": _canary,
    "erasure": lambda world: erasure.erase(world.catalog, SubjectKind.ITEM, world.top(), by=world.lead),
    "attributes": lambda world: EndUser.objects.filter(pk=world.person.pk).update(attributes={"age": 99}),
    "dispute": lambda world: Dispute.objects.create(turn=world.of_item, reason="It is sad."),
    "rows by hand": lambda world: Knowledge.objects.filter(end_user=world.person).update(in_force=False),
}


def test_whatever_changes_is_in_the_next_answer(world: World) -> None:
    for name, change in CHANGES.items():
        before = world.get(explain="full", limit=16)
        assert same(before, world.get(explain="full", limit=16)), name
        change(world)
        after = world.get(explain="full", limit=16)
        assert not same(before, after), name
        forget()
        assert said(after) == said(world.get(explain="full", limit=16)), name


def test_reasons_are_made_of_items_and_texts_as_they_are_now(world: World) -> None:
    """What is kept to make them: attribute values, first sentences, statements held against items."""
    before = world.get(explain="short", limit=16)
    changing = next(one for one in before["items"] if any(reason.get("shared") for reason in one["reasons"]))
    assert before["user_explanation"]["statements"]
    item = Item.objects.get(catalog=world.catalog, external_id=changing["item_id"])
    Item.objects.filter(pk=item.pk).update(attributes={})
    text = "A text that is long enough to stand alone."
    synthetic.approve(item, f"{text} More of it.", as_of=3000)
    _strike(world)

    after = world.get(explain="short", limit=16)
    changed_one = next(one for one in after["items"] if one["item_id"] == changing["item_id"])
    assert not any(reason.get("shared") for reason in changed_one["reasons"])
    assert changed_one["explanation"]["text"] == text
    assert after["user_explanation"]["text"] == before["user_explanation"]["text"]
    assert after["user_explanation"]["statements"] == []


def test_what_others_do_leaves_a_list_that_does_not_go_by_it(world: World) -> None:
    first = world.get()
    world.event("u001")
    assert same(first, world.get())
    make_interaction(world.person, world.unseen(3), moment=2000)  # by hand: no stamp watches them,
    changed(world.catalog)  # so whoever writes them says so
    assert not same(first, world.get())
    BackboneVersion.objects.update(state="retired")  # now what others liked makes the list
    first = world.get()
    assert first["source"] != "backbone"
    world.event("u002")
    assert not same(first, world.get())


def test_the_clock_alone_ends_a_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now, later = time.time(), time.monotonic() + 7200
    first = world.get()
    assert same(first, world.get())
    with monkeypatch.context() as patched:  # what the process reads now and then is due to be read again
        patched.setattr(time, "monotonic", lambda: later)
        patched.setattr(time, "time", lambda: now + 7200)
        assert not same(first, world.get())
    item = world.unseen(2)
    make_interaction(world.person, item, moment=int(now) + 1000)
    first = world.get(limit=16)
    assert item.external_id in [each["item_id"] for each in first["items"]]
    assert same(first, world.get(limit=16))
    monkeypatch.setattr(time, "time", lambda: now + 2000)
    after = world.get(limit=16)
    assert item.external_id not in [each["item_id"] for each in after["items"]]
    until = datetime.now(UTC) + timedelta(seconds=3000)
    rules.put(world.catalog, [Wanted(RuleKind.BURY, item.external_id, until=until)], by=world.lead)
    held = world.get()
    assert same(held, world.get())
    monkeypatch.setattr(time, "time", lambda: now + 4000)
    assert not same(held, world.get())


def test_without_the_triggers_nothing_is_kept_and_they_come_back(world: World) -> None:
    triggers.remove()
    kept.CHECKED.clear()
    try:
        assert not triggers.are_there()
        assert not same(world.get(), world.get())
    finally:
        triggers.install()
        kept.CHECKED.clear()
    assert triggers.are_there()
    world.get()
    assert same(world.get(), world.get())


# Read for an answer, and watched otherwise than by a stamp (recommender.api.kept says how), or never changed.
# An experiment: `Catalog.experiment_changes` counts its start and end (serving.variants); a draft makes no list.
OTHERWISE = {"catalog", "catalogstamp", "enduser", "interaction", "rule", "account", "llmcall", "knowledgesnapshot"}
OTHERWISE |= {"experiment"}


def test_every_table_that_an_answer_is_made_from_is_watched(world: World, settings: Settings) -> None:
    settings.ANSWERS_MB = 0
    world.program()
    read = set[str]()

    def noted(execute: Callable[..., Any], sql: str, *others: Any) -> Any:
        read.update(re.findall(r'"recommender_(\w+)"', sql))
        return execute(sql, *others)

    with connection.execute_wrapper(noted):
        for scenario in ("backbone", "thinkrec"):
            for user in ("u000", "u001"):
                world.get(user, explain="full", min_review="any", scenario=scenario, filter="genres:Comedy")
    watched = {one.table.removeprefix("recommender_") for one in triggers.WATCHED}
    assert read - watched <= OTHERWISE | {"knowledgevector", "apitoken"}
    assert {"knowledge", "statement", "round", "turn", "item", "dispute"} <= read


def test_a_catalog_has_stamps_from_the_start_and_loses_them_with_itself(world: World) -> None:
    other = Catalog.objects.create(name="other")
    stamp = CatalogStamp.objects.get(catalog=other)
    Item.objects.bulk_create(Item(catalog=other, external_id=f"i{n}", title="A film") for n in range(3))
    drawn = CatalogStamp.objects.get(catalog=other)
    assert (stamp.items == drawn.items, stamp.said == drawn.said) == (False, True)
    with transaction.atomic():
        Item.objects.filter(catalog=other).update(title="Another")
        transaction.set_rollback(True)
    assert CatalogStamp.objects.get(catalog=other).items == drawn.items
    Item.objects.filter(catalog=other).delete()
    assert CatalogStamp.objects.get(catalog=other).items != drawn.items
    gone = other.pk
    other.delete()
    assert not CatalogStamp.objects.filter(pk=gone).exists()


def test_activating_and_rolling_back_under_load_mixes_nothing(world: World) -> None:
    """Four programs ask all the time while the model changes hands: no error, no answer of two models, none of the old
    one once the change is done."""
    first = BackboneVersion.objects.get(catalog=world.catalog)
    second = world.second_version()
    snapshot_of = {first.number: first.snapshot.number, second.number: second.snapshot.number}
    assert snapshot_of[first.number] != snapshot_of[second.number]
    done, wrong, answered = threading.Event(), list[Any](), list[int]()

    def ask(place: int) -> None:
        try:
            while not done.is_set():
                answer = world.get(f"u{place:03}", explain=("none", "short")[place % 2], limit=5)
                answered.append(place)
                number = answer["backbone"]["version"]
                if answer["source"] != "backbone" or answer["knowledge_snapshot"] != snapshot_of[number]:
                    wrong.append(answer)
        except Exception as error:
            wrong.append(error)
        finally:
            connections.close_all()

    callers = [threading.Thread(target=ask, args=[place]) for place in range(4)]
    for caller in callers:
        caller.start()
    try:
        for active in [second, first] * 3:
            if active is second:
                world.take_over(second)
            else:
                activation.roll_back(world.catalog, by=world.lead, reason="A test.")
            for place in range(4):
                now = world.get(f"u{place:03}", explain=("none", "short")[place % 2], limit=5)
                assert now["backbone"]["version"] == active.number
            second.refresh_from_db()
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert wrong == []
    assert len(answered) >= 8
