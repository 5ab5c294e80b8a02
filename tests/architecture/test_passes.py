"""Which tests the pass on PostgreSQL and Redis leaves out, because they said the same on SQLite."""

import pytest

from tests.conftest import may_meet_a_server


def test_one_that_asks_for_nothing_is_left_out(request: pytest.FixtureRequest) -> None:
    assert not may_meet_a_server(request.node)


@pytest.mark.django_db
def test_one_with_the_database_s_mark_is_run(request: pytest.FixtureRequest) -> None:
    assert may_meet_a_server(request.node)


def test_one_whose_fixture_needs_the_database_is_run(request: pytest.FixtureRequest, db: None) -> None:
    assert may_meet_a_server(request.node)


def test_one_with_a_broker_is_run(request: pytest.FixtureRequest, broker: str) -> None:
    assert may_meet_a_server(request.node)


def test_one_that_asks_for_settings_is_run(request: pytest.FixtureRequest, settings: object) -> None:
    assert may_meet_a_server(request.node)


def test_one_whose_module_starts_processes_is_run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request.module, "subprocess", object(), raising=False)
    assert may_meet_a_server(request.node)
