"""The whole loop with the embedded endpoint: sample catalog, evidence, prompts, SDK, wire, demonstration models."""

import asyncio

import pytest
from django.core.management import call_command
from pytest_django import Settings

from recommender.models import Catalog, Round, RoundState, TurnKind
from recommender.rounds.config import OpenConfig
from recommender.rounds.service import open_rounds
from reviews.models import Review
from worker.endpoint import server
from worker.rounds.advance import advance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def advance_sample_rounds(settings: Settings, url: str, *, limit: int) -> None:
    settings.LLM = {role: endpoint | {"base_url": url} for role, endpoint in settings.LLM.items()}
    call_command("import_catalog", "sample", "--format", "sample", "--json")
    batch = open_rounds(Catalog.objects.get(), OpenConfig(subjects="all", limit=limit))
    asyncio.run(advance(list(batch.rounds.values_list("pk", flat=True))))


def test_the_sample_catalogs_rounds_rest_and_some_are_refined(settings: Settings, broker: str) -> None:
    with server.serve() as url:
        advance_sample_rounds(settings, url, limit=15)
    rounds = Round.objects.all()
    assert rounds.count() == 30
    assert {round_.state for round_ in rounds} == {RoundState.RESTING}
    assert not rounds.filter(calls__error_kind="malformed").exists()
    assert rounds.filter(rest_reason="reasonable").count() > 15
    assert rounds.filter(turns__kind=TurnKind.REFINE).exists()
    assert Review.objects.count() == 30


def test_a_rate_limit_slows_rounds_down_and_fails_none(settings: Settings, broker: str) -> None:
    with server.serve(rate_limit=5) as url:
        advance_sample_rounds(settings, url, limit=3)
    assert {round_.state for round_ in Round.objects.all()} == {RoundState.RESTING}
    assert Round.objects.filter(calls__error_kind="transient").exists()
