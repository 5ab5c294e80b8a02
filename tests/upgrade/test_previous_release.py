"""A database and artifacts that the previous release made migrate and work.

tests/data/previous-release holds its rows (rounds, decisions, versions, an evaluation, runs that wait) and two of its
artifacts: version 1 has format 4, version 3 has format 3. Both are of the sample catalog.
"""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from recommender.accounts.tokens import create_token
from recommender.artifacts import files, verified
from recommender.evaluation.arms import Study
from recommender.models import Account, BackboneVersion, EndUser, Evaluation, Role, RunState, TrainingRun
from recommender.recipe import TrainConfig
from recommender.serving.history import history_of
from reviews.models import Review, ReviewState
from tests.carried_out import carried_out
from tests.reviews.forms import form

PREVIOUS = Path(__file__).resolve().parent.parent / "data" / "previous-release"
TOLERANCE = 1e-6
KINDS = ("check", "foreign_key", "index", "primary_key", "unique")
Schema = dict[str, tuple[list[str], list[str]]]  # of each table: columns, and what holds or finds its rows

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def previous() -> Any:
    return json.loads(gzip.decompress((PREVIOUS / "rows.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def migrated(previous: Any, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Schema]:
    """The previous release's database, migrated to this one: a database of its own, for all tests of this module.

    Other tests' tables are made of the models (`--nomigrations`), these by migrations: what is given are theirs.
    """
    ours, creation = connection.settings_dict["NAME"], connection.creation
    with django_db_blocker.unblock():
        connection.close()
        creation.clone_test_db("upgraded", verbosity=0)
        connection.close()
        connection.settings_dict.update(creation.get_test_db_clone_settings("upgraded"))
        of_models = _schema()
        _drop_tables()
        _migrate(list(previous["migrations"].items()), previous["rows"])
        yield of_models
        connection.close()
        connection.settings_dict["NAME"] = ours
        creation.destroy_test_db(suffix="upgraded", verbosity=0)


def _drop_tables() -> None:
    behind = " CASCADE" if connection.vendor == "postgresql" else ""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}{behind}")


def _migrate(earlier: list[tuple[str, str]], rows: dict[str, list[dict[str, Any]]]) -> None:
    executor = MigrationExecutor(connection)
    executor.loader.replace_migrations = False  # new databases are made by what the first ones come to
    executor.loader.build_graph()
    executor.migrate(earlier)
    _insert(executor.loader.project_state(earlier).apps, rows)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def _schema() -> Schema:
    """Of our own tables. The order of columns is nobody's business."""
    with connection.cursor() as cursor:
        introspection = connection.introspection
        return {
            name: (
                sorted(map(repr, introspection.get_table_description(cursor, name))),
                sorted(
                    repr(sorted(each.items()))
                    for each in introspection.get_constraints(cursor, name).values()
                    if any(each[kind] for kind in KINDS)  # others are triggers, which are made after migrating
                ),
            )
            for name in introspection.table_names(cursor)
            if name.startswith(("recommender_", "reviews_"))
        }


def test_a_migrated_database_has_the_tables_of_a_new_one(migrated: Schema) -> None:
    upgraded = _schema()

    assert upgraded.keys() == migrated.keys()
    for table, new in migrated.items():
        assert upgraded[table] == new, table


@pytest.fixture
def upgraded(migrated: Schema, settings: Any, tmp_path: Path) -> Client:
    """The files of the previous release beside its migrated database; a lead's browser."""
    shutil.copytree(PREVIOUS / "backbones", tmp_path / "backbones")
    settings.VAR_DIR = tmp_path
    browser = Client()
    browser.force_login(Account.objects.get(role=Role.LEAD))
    return browser


def _insert(old: Apps, rows: dict[str, list[dict[str, Any]]]) -> None:
    with transaction.atomic():  # foreign keys are checked at its end
        for label, listed in rows.items():
            model = old.get_model(label)
            for row in listed:
                many = {name: row.pop(name) for name in [f.name for f in model._meta.many_to_many] if name in row}
                made = model(pk=row.pop("pk"))
                for name, value in row.items():
                    field: Any = model._meta.get_field(name)
                    setattr(
                        made, field.attname, value if isinstance(field, models.JSONField) else field.to_python(value)
                    )
                models.Model.save_base(made, raw=True, force_insert=True)
                for name, keys in many.items():
                    getattr(made, name).set(keys)
    sequences = connection.ops.sequence_reset_sql(no_style(), list(old.get_models()))
    with connection.cursor() as cursor:
        for statement in sequences:
            cursor.execute(statement)


def test_every_page_opens(upgraded: Client) -> None:
    review, version, run = Review.objects.first(), BackboneVersion.objects.get(number=1), TrainingRun.objects.first()
    assert review
    assert run
    catalog, evaluation = version.catalog, Evaluation.objects.get()
    addresses = [
        reverse(f"reviews:{name}", args=arguments)
        for name, *arguments in (
            ["queue"],
            ["review", review.pk],
            ["rounds"],
            ["open_rounds"],
            ["round_batch", review.round.batch_id],
            *(["round", one] for one in Review.objects.values_list("round_id", flat=True)),
            ["insights"],
            ["insights_end_user", catalog.name, "u001"],
            ["tokens"],
            ["backbones"],
            ["train_backbone"],
            ["training_run", run.pk],
            *(["backbone", one.pk] for one in BackboneVersion.objects.all()),
            ["activate_backbone", BackboneVersion.objects.get(number=3).pk],
            ["evaluations"],
            ["start_evaluation"],
            ["evaluation", evaluation.pk],
        )
    ]
    assert {address: upgraded.get(address).status_code for address in ["/", *addresses]} == dict.fromkeys(
        ["/", *addresses], 200
    )


@pytest.mark.parametrize("number", [1, 3], ids=["format 4", "format 3"])
def test_artifacts_of_earlier_formats_score_as_they_did(upgraded: Client, previous: Any, number: int) -> None:
    version = BackboneVersion.objects.get(number=number)
    assert files.changed_files(version) == []
    ranking = verified.load(version)
    for user_id, scores in previous["scores"][str(number)].items():
        end_user = EndUser.objects.select_related("catalog").get(external_id=user_id)
        now = ranking.score(user_id, history_of(end_user), list(scores), attributes=end_user.attributes)
        assert now == pytest.approx(list(scores.values()), abs=TOLERANCE)


def test_recommendations_come_from_the_version_that_was_active(upgraded: Client) -> None:
    _, key = create_token("client", account=Account.objects.get(role=Role.LEAD))
    answer = Client().get(
        "/api/v1/catalogs/sample/users/u001/recommendations?limit=5&explain=full",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (answer.status_code, answer.json()["source"], len(answer.json()["items"])) == (200, "backbone", 5)


def test_a_review_is_reopened_and_decided_again(upgraded: Client) -> None:
    review = Review.objects.filter(state=ReviewState.DONE).latest("pk")
    upgraded.post(reverse("reviews:reopen", args=[review.pk]))
    sent = form(review, Account.objects.get(role=Role.LEAD), verdict="reject", reason="No.")
    upgraded.post(reverse("reviews:decide", args=[review.pk]), sent)
    review.refresh_from_db()
    assert (review.state, review.decisions.latest("pk").verdict) == (ReviewState.DONE, "reject")


def test_stored_settings_are_still_understood(upgraded: Client) -> None:
    for stored in TrainingRun.objects.values_list("config", flat=True):
        understood = TrainConfig.from_json(stored).to_json()
        assert {key: understood[key] for key in stored} == stored
    assert Study.from_json(Evaluation.objects.get().config).seeds == 2


def test_a_run_that_waited_is_carried_out(upgraded: Client) -> None:
    waiting = TrainingRun.objects.get(state=RunState.WAITING)
    carried_out(waiting)
    assert (waiting.state, waiting.error) == (RunState.DONE, "")
    assert upgraded.get(reverse("reviews:backbone", args=[waiting.version.pk])).status_code == 200
