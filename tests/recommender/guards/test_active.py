"""The active model: held against the one before it, warned about once, rolled back where that was asked for; and the
figures that pages, commands and metrics show."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from r4web import guard_metrics
from recommender.guards import figures, service, watches
from recommender.guards.settings import GuardSettings
from recommender.models import AuditEntry, AuditEvent, Catalog, Role, VersionState, Watch
from recommender.promotion import rollouts
from recommender.serving.rollout import active_in
from tests import builders
from tests.recommender.guards.served import Served, served

pytestmark = pytest.mark.django_db


def after_a_change(**settings: Any) -> Served:
    """Yesterday the version before was clicked by half of its people; since midnight the active one is by none."""
    one = served(**settings)
    rollouts.stop(one.rollout, by=None)
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    first, second = one.catalog.activations.order_by("pk")
    for taken, at in ((first, midnight - timedelta(days=1)), (second, midnight)):
        one.catalog.activations.filter(pk=taken.pk).update(created_at=at)
    one.start, one.now = midnight - timedelta(hours=9), midnight + timedelta(hours=12)
    one.lists(200, canary=False, clicked=100)
    one.start = midnight
    one.lists(200, canary=False, minutes=60)
    return one


def of_today(one: Served) -> Watch:
    return Watch.objects.get(version=one.active, rollout=None, day=one.now.date())


def test_an_active_model_is_warned_about_once_and_stays() -> None:
    one = after_a_change()
    for _ in range(2):
        service.look(one.now)

    watch = of_today(one)
    assert watch.against is not None
    assert (watch.outcome, watch.against.number, watches.sides_of(watch)[1].people) == ("broken", 1, 200)
    assert watch.said.startswith("The active model broke a guard. Click rate: 0 % (beside it 50 %)")
    assert AuditEntry.objects.filter(event=AuditEvent.GUARD_BROKEN).count() == 1
    assert active_in(one.catalog).version == one.active


def test_it_goes_back_by_itself_only_where_that_was_asked_for() -> None:
    one = after_a_change(when_active_breaks="roll_back")
    for _ in range(2):
        service.look(one.now)

    assert of_today(one).said.startswith("Model 1 is active again: model 2 broke a guard. Click rate")
    taken = one.catalog.activations.latest("pk")
    assert (taken.kind, taken.version.number, taken.account) == ("roll_back", 1, None)
    assert taken.reason.startswith("By its guards. Click rate")
    assert AuditEntry.objects.filter(event=AuditEvent.GUARD_BROKEN).count() == 1


def test_all_days_together_keep_the_promised_level() -> None:
    one = served()
    one.catalog.activations.update(created_at=one.now - timedelta(days=3))
    service.look(one.now)
    levels = [watch.level for watch in Watch.objects.filter(rollout=None).order_by("day")]
    assert levels[-1] == pytest.approx(GuardSettings().false_alarm * 6 / (3.14159265 * 4) ** 2)
    assert sum(levels) < GuardSettings().false_alarm


def test_figures_stand_side_by_side_and_say_what_scores_expected(client: Client) -> None:
    one = served(least_people=1000)
    one.within_a_day()
    one.lists(40, canary=False, clicked=10, score=0.5)
    one.lists(10, canary=True, score=0.7, same=True)
    one.lists(10, canary=True, code="no_history")
    item = one.catalog.items.order_by("pk")[0]
    (person,) = one.catalog.end_users.filter(external_id="p40")
    (row,) = one.log([(person, item)], canary=True, code="", score=0.8, at=one.start + timedelta(minutes=11))
    one.events("rating", [row], [item], one.start + timedelta(minutes=30), value=2.0)
    one.look()
    active, canary = figures.of_catalog(one.catalog, one.now)

    assert (active.counts.lists, active.people, active.fallback, active.coverage) == (40, 40, 0.0, 1.0)
    assert (canary.counts.lists, canary.people, canary.codes) == (21, 20, [("no_history", pytest.approx(10 / 21))])
    assert canary.mean_score == pytest.approx((10 * 0.7 + 0.8) / 11)
    assert (canary.counts.opinions, canary.liked, canary.expected) == (1, 0.0, pytest.approx(0.8))
    assert active.click_rate is not None
    assert active.click_rate.mean == 0.25
    assert active.coverage_of(1) == pytest.approx(0.1)  # one list has one item of the ten
    assert (active.coverage_of(37), canary.as_many) == (pytest.approx(1.0), pytest.approx(active.coverage_of(21)))

    client.force_login(builders.make_account(role=Role.LEAD))
    page = client.get(f"/backbones/{one.catalog.name}/care/").content.decode()
    assert "nothing is known of the user: 48" in " ".join(page.split())
    assert "Model 3" in client.get(f"/backbones/{one.canary.pk}/").content.decode()


def test_a_canary_that_was_rolled_back_stays_on_the_page_of_its_catalog(client: Client) -> None:
    one = served()
    one.lists(60, canary=False)
    one.lists(50, canary=True, code="no_history")
    client.force_login(builders.make_account(role=Role.LEAD))
    care, version = f"/backbones/{one.catalog.name}/care/", f"/backbones/{one.canary.pk}/"
    before = client.get(care).content.decode()
    assert "with some users</span>" in before
    assert "What the guards said lately" not in before
    watch = one.look()
    shown = figures.of_catalog(one.catalog, one.now)
    assert [(each.is_canary, each.was_tried) for each in shown] == [(False, False)]
    assert figures.decided(one.catalog, but=shown) == [watch]
    page = " ".join(client.get(care).content.decode().split())
    assert "✗ Broken" in page
    assert f"{watch.said}</p>" in page
    assert "was tried</span>" in client.get(version).content.decode()
    again = figures.beside(one.catalog, one.canary, one.now)
    assert figures.decided(one.catalog, but=again) == []  # its page says so already


def test_the_command_and_metrics_show_the_same(capsys: pytest.CaptureFixture[str], client: Client) -> None:
    one = served(window_hours=720)
    one.lists(40, canary=False, clicked=10)
    call_command("guard_models", one.catalog.name, "--look", "--json", "--set", "click_drop=0.3")
    told = json.loads(capsys.readouterr().out)
    call_command("guard_models", one.catalog.name)
    said = capsys.readouterr().out
    guard_metrics.KEPT.clear()
    scraped = client.get("/metrics").content.decode()

    assert told["settings"]["click_drop"] == 0.3
    assert (told["figures"][0]["lists"], told["figures"][1]["canary"]) == (40, True)
    assert "Model 2, active, the last 720 h: 40 lists" in said
    assert 'r4web_guard_lists{side="active"} 40.0' in scraped
    assert "r4web_guards_broken 0.0" in scraped
    assert AuditEntry.objects.filter(event=AuditEvent.CARE_CHANGED).count() == 1


def test_the_command_tells_whoever_looks_of_a_canary_that_this_look_rolled_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = served()
    one.lists(60, canary=False)
    one.lists(50, canary=True, code="no_history")
    call_command("guard_models", one.catalog.name, "--look")
    said = capsys.readouterr().out
    call_command("guard_models", one.catalog.name, "--json")
    (decided,) = json.loads(capsys.readouterr().out)["decided"]

    back = "It was rolled back: its users get the active model again. Lists from the fallback: 100 %"
    assert f"Model {one.canary.number}, tried with some users, 20" in said
    assert f": {back}" in said
    assert (decided["version"], decided["canary"], decided["outcome"]) == (one.canary.number, True, "broken")
    assert decided["said"].startswith(back)


def test_a_lead_changes_guards_and_schedule_and_mistakes_come_back_beside_their_field(client: Client) -> None:
    catalog = builders.make_catalog("films")
    client.force_login(builders.make_account(role=Role.LEAD))
    kept = client.post("/backbones/films/care/guards/", {"guards-watch": "on", "guards-click_drop": "0.4"})
    wrong = client.post("/backbones/films/care/rebuilds/", {"rebuilds-when": "schedule", "rebuilds-time_zone": "Mars"})
    right = client.post(
        "/backbones/films/care/rebuilds/",
        {"rebuilds-when": "schedule", "rebuilds-time_zone": "Europe/Berlin", "rebuilds-hour": "2"},
    )
    catalog = Catalog.objects.get(pk=catalog.pk)

    assert (kept.status_code, wrong.status_code, right.status_code) == (302, 422, 302)
    assert "Time zone must be a name of the IANA time zones" in wrong.content.decode()
    assert (catalog.guard_settings["click_drop"], catalog.rebuild_settings["time_zone"]) == (0.4, "Europe/Berlin")
    page = client.get("/backbones/films/care/").content.decode()
    assert "Europe/Berlin" in page
    assert "02:00" in page
    assert not catalog.backbone_versions.filter(state=VersionState.ACTIVE).exists()
