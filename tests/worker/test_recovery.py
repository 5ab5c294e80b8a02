from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import Round, RoundState, RunState, TrainingRun
from tests.builders import make_catalog, make_end_user, make_round
from worker.supervisor import recovery

pytestmark = pytest.mark.django_db


def held() -> tuple[Round, TrainingRun]:
    catalog = make_catalog()
    later = timezone.now() + timedelta(minutes=5)
    round_ = make_round(make_end_user(catalog), state=RoundState.ASKING, lease_token="x", lease_expires_at=later)
    run = TrainingRun.objects.create(catalog=catalog, config={}, state=RunState.RUNNING, lease_expires_at=later)
    return round_, run


def test_leases_of_a_machine_that_stopped_end_when_it_starts_again(settings: Any) -> None:
    settings.BROKER_IS_EMBEDDED = True
    round_, run = held()
    recovery.end_leases()
    for row in (round_, run):
        row.refresh_from_db()
        assert row.lease_expires_at is not None
        assert row.lease_expires_at <= timezone.now()


def test_workers_of_other_machines_keep_their_leases(settings: Any) -> None:
    settings.BROKER_IS_EMBEDDED = False
    round_, run = held()
    recovery.end_leases()
    for row in (round_, run):
        row.refresh_from_db()
        assert row.lease_expires_at is not None
        assert row.lease_expires_at > timezone.now()
