"""A training starts when it is due, once, never beside another, and never for nothing; and says what came of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recommender.catalogs.changes import changed as data_changed
from recommender.knowledge.service import accept
from recommender.models import (
    AuditEntry,
    AuditEvent,
    Catalog,
    Rebuild,
    Rollout,
    RunState,
    TrainingRun,
    VersionState,
)
from recommender.rebuilds import queries, service
from recommender.rebuilds.settings import RebuildSettings
from recommender.recipe import TrainConfig
from tests import builders
from tests.recommender.promotion.versions import examined, make_version

pytestmark = pytest.mark.django_db
SET_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 21, 3, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path


def scheduled(**settings: Any) -> Catalog:
    stored = RebuildSettings(**{"when": "schedule"} | settings).to_json() | {"since": SET_AT.isoformat()}
    catalog = builders.make_catalog(rebuild_settings=stored)
    make_version(catalog, state=VersionState.ACTIVE, catalog_changes=0)
    return catalog


def approve(catalog: Catalog, many: int) -> None:
    for n in range(many):
        round_ = builders.make_round(builders.make_item(catalog), ("reason", f"Slow, number {n}."), ("reflect", ""))
        accept(round_.turns.get(index=0))


def runs_of(catalog: Catalog) -> list[TrainingRun]:
    return list(catalog.training_runs.exclude(rebuild=None).order_by("pk"))


def finish(run: TrainingRun, state: str = RunState.DONE, **fields: Any) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(state=state, **fields)


def made(catalog: Catalog, run: TrainingRun) -> Any:
    """The version that a run left, as it leaves it: not examined yet."""
    version = make_version(catalog)
    type(version).objects.filter(pk=version.pk).update(run=run)
    finish(run)
    return version


def test_at_its_time_one_starts_with_the_active_versions_settings_and_only_once() -> None:
    catalog = scheduled(policy="activate")
    active = catalog.backbone_versions.get()
    active.config = TrainConfig(backbone="dcnv2", epochs=3).to_json()
    active.save()
    data_changed(catalog)
    service.look(NIGHT - timedelta(minutes=2))
    assert runs_of(catalog) == []
    for _ in range(3):
        service.look(NIGHT)
    (run,) = runs_of(catalog)

    assert (run.config["backbone"], run.config["epochs"], run.activate, run.requested_by) == ("dcnv2", 3, True, None)
    assert (run.rebuild.slot, run.rebuild.reason, run.rebuild.outcome) == ("2026-11-21", "schedule", "")
    entry = AuditEntry.objects.get(event=AuditEvent.REBUILD_STARTED)
    assert "because its time had come. Since model 1 was trained: 0 new texts, 0 gone, new ratings" in entry.details
    examined(made(catalog, run))
    service.look(NIGHT + timedelta(hours=5))
    assert len(runs_of(catalog)) == 1
    service.look(NIGHT + timedelta(days=1))
    assert len(runs_of(catalog)) == 2


def test_where_nothing_has_changed_none_starts_and_the_page_says_so_once() -> None:
    catalog = scheduled()
    for _ in range(2):
        service.look(NIGHT)
    plan = queries.plan(Catalog.objects.get(pk=catalog.pk), NIGHT)

    assert runs_of(catalog) == []
    assert [one.outcome for one in plan.last] == ["Not started. Nothing has changed since model 1 was trained."]
    assert plan.at == datetime(2026, 11, 22, 3, tzinfo=UTC)
    approve(catalog, 1)
    service.look(NIGHT + timedelta(days=1))
    assert len(runs_of(catalog)) == 1


def test_switching_it_on_starts_nothing_of_last_night() -> None:
    catalog = scheduled()
    data_changed(catalog)
    service.look(SET_AT + timedelta(hours=3))
    assert not Rebuild.objects.exists()


def test_new_texts_start_one_when_there_are_enough() -> None:
    catalog = scheduled(when="texts", texts=3)
    approve(catalog, 2)
    service.look(NIGHT)
    assert runs_of(catalog) == []
    assert queries.plan(catalog, NIGHT).texts_missing == 1
    approve(catalog, 1)
    service.look(NIGHT)
    service.look(NIGHT)
    (run,) = runs_of(catalog)
    made(catalog, run)  # its snapshot has them
    service.look(NIGHT)
    assert (run.rebuild.reason, len(runs_of(catalog))) == ("texts", 1)


def test_none_starts_beside_another_training_of_the_catalog() -> None:
    catalog = scheduled()
    data_changed(catalog)
    by_hand = TrainingRun.objects.create(catalog=catalog, config=TrainConfig().to_json())
    service.look(NIGHT)
    assert queries.plan(catalog, NIGHT).held_up == "A training is under way."
    assert runs_of(catalog) == []
    finish(by_hand, RunState.CANCELLED)
    service.look(NIGHT + timedelta(hours=1))
    assert len(runs_of(catalog)) == 1


def test_after_failures_it_waits_an_hour_then_two_and_tries_again() -> None:
    catalog = scheduled()
    data_changed(catalog)
    now = NIGHT
    for pause in (1, 2, 4):
        service.look(now)
        run = runs_of(catalog)[-1]
        finish(run, RunState.FAILED, error="Too few ratings.", finished_at=now)
        service.look(now + timedelta(hours=pause) - timedelta(minutes=1))
        assert runs_of(catalog)[-1] == run
        now += timedelta(hours=pause)
    assert [one.rebuild.reason for one in runs_of(catalog)] == ["schedule", "again", "again"]
    assert Rebuild.objects.order_by("pk")[0].outcome == "The training failed. Too few ratings."


@pytest.mark.parametrize(
    ("policy", "said"),
    [("never", "It waits as a candidate."), ("canary", "It is tried with 10 % of the users.")],
)
def test_what_became_of_it_is_said_and_its_canary_is_started_once(policy: str, said: str) -> None:
    catalog = scheduled(policy=policy, canary_percent=10.0)
    data_changed(catalog)
    service.look(NIGHT)
    (run,) = runs_of(catalog)
    version = made(catalog, run)
    service.look(NIGHT)
    assert Rebuild.objects.get().outcome == ""  # its gates are not measured yet
    examined(version)
    for _ in range(2):
        service.look(NIGHT)

    assert Rebuild.objects.get().outcome == f"Model 2 was made. {said}"
    assert list(Rollout.objects.values_list("version", "mode", "share")) == (
        [(version.pk, "canary", 0.1)] if policy == "canary" else []
    )


def test_a_failed_gate_keeps_a_canary_from_people_and_the_outcome_says_which() -> None:
    catalog = scheduled(policy="canary")
    data_changed(catalog)
    service.look(NIGHT)
    (run,) = runs_of(catalog)
    examined(made(catalog, run), ndcg="failed")
    service.look(NIGHT)

    assert "It is not tried. It failed First ten of each list" in Rebuild.objects.get().outcome
    assert not Rollout.objects.exists()


def test_killed_between_deciding_and_starting_it_starts_once_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = scheduled()
    data_changed(catalog)

    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(service.Rebuild.objects, "create", killed)  # the last write of the transaction
        with pytest.raises(SystemExit):
            service.look(NIGHT)
    assert (Rebuild.objects.count(), TrainingRun.objects.filter(state=RunState.WAITING).count()) == (0, 0)
    service.look(NIGHT)
    assert len(runs_of(catalog)) == 1
