import pytest
from django.db import connection
from django.test import Client

pytestmark = pytest.mark.django_db


def test_live_answers_without_a_broker(client: Client) -> None:
    answer = client.get("/healthz/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_ready_is_200_when_database_and_broker_answer(client: Client, broker: str) -> None:
    answer = client.get("/healthz/ready")
    assert answer.status_code == 200, answer.json()
    assert set(answer.json()["checks"].values()) == {"ok"}
    assert "no-store" in answer["Cache-Control"]


def test_ready_names_a_broker_that_does_not_answer(client: Client, settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert "REDIS_URL" in checks.pop("broker")
    assert set(checks.values()) == {"ok"}


def test_ready_names_missing_migrations(client: Client, broker: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'reviews'")
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert "not applied" in answer.json()["checks"]["migrations"]


def test_ready_waits_for_the_first_start(
    client: Client, broker: str, settings: pytest.FixtureRequest, tmp_path
) -> None:
    settings.VAR_DIR = tmp_path
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "setting-up").touch()
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["checks"]["set-up"]) == (503, "the first start is still under way")


def test_ready_waits_for_a_restore(client: Client, settings: pytest.FixtureRequest, tmp_path) -> None:
    settings.VAR_DIR = tmp_path
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "restoring").touch()
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert "run manage.py restore again" in answer.json()["checks"]["set-up"]
