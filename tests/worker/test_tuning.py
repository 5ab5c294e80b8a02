"""A tuning run from decisions to a registered adapter that a real server serves and the actor's client calls."""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from recommender.llm.client import OpenAiLlm
from recommender.llm.types import Answer
from recommender.models import Catalog, RunState, TuningRun
from recommender.rounds.core import prompts
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import TUNING
from recommender.runs.observer import Quiet
from recommender.tuning import service
from recommender.tuning.config import TuneConfig
from reviews.models import Verdict
from tests import transformers_server
from tests.builders import make_catalog, make_end_user, make_subject
from tests.carried_out import carried_out
from tests.reviews.lessons.test_rows import decided, refined_review
from tests.servers import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(transformers_server.make_model(tmp_path_factory.mktemp("qwen"), architecture="qwen2"))


@pytest.fixture
def catalog(settings: Settings, tmp_path: Path) -> Catalog:
    """Four approved refinements; files go to a folder of the test."""
    settings.VAR_DIR = tmp_path / "var"
    catalog = make_catalog("films")
    for _ in range(4):
        decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    return catalog


def tune(base: str, *options: str, role: str = "actor") -> dict[str, Any]:
    out = StringIO()
    usual = ("films", "--role", role, "--base", base, "--learning-rate", "0.01", "--epochs", "2", "--json")
    call_command("tune", *usual, *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def asked(catalog: Catalog, base: str = "none") -> TuningRun:
    return runs.request(TUNING, queue=False, catalog=catalog, role="actor", config=TuneConfig(base=base).to_json())


def test_an_adapter_is_registered_with_its_rows_settings_and_hashes(catalog: Catalog, base: str) -> None:
    result = tune(base)
    run = TuningRun.objects.get()
    assert (run.state, run.adapter_name, run.config["rank"]) == (RunState.DONE, f"films-actor-{run.pk}", 8)
    assert result["metrics"] == run.metrics
    assert result["metrics"]["rows"] == {"train": 6, "valid": 2, "too_long": 0}  # reason and refine of 3 and of 1
    assert result["metrics"]["after"]["loss"] < result["metrics"]["before"]["loss"]
    folder = service.folder_of(run)
    described = json.loads((folder / "adapter.json").read_text())
    assert described["name"] == result["name"] == run.adapter_name
    assert run.metrics["gguf"] == f"{run.adapter_name}.gguf"
    assert run.metrics["gguf"] in described["files"]
    for name, digest in described["files"].items():
        assert hashlib.sha256((folder / "adapter" / name).read_bytes()).hexdigest() == digest
    manifest = (folder / "data" / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == described["data_sha256"]
    assert json.loads((folder / "adapter" / "adapter_config.json").read_text())["r"] == 8
    assert [path.name for path in folder.parent.iterdir()] == [str(run.pk)]


def test_a_reflectors_verdicts_are_measured(catalog: Catalog, base: str) -> None:
    assert 0 <= tune(base, role="reflector")["metrics"]["after"]["verdict_accuracy"] <= 1


def test_what_goes_wrong_is_said_and_leaves_nothing_behind(catalog: Catalog, tmp_path: Path, base: str) -> None:
    with pytest.raises(CommandError, match="cannot be loaded"):
        tune(str(tmp_path / "nothing"))
    assert TuningRun.objects.get().state == RunState.FAILED
    assert list((tmp_path / "var" / "adapters" / "films").iterdir()) == []
    with pytest.raises(CommandError, match="rank must be a whole number above 0"):
        tune(base, "--rank", "0")
    make_catalog("empty")
    with pytest.raises(CommandError, match="0 rows"):
        call_command("tune", "empty", "--role", "actor", "--base", base)


def test_a_run_is_carried_out_once(catalog: Catalog, base: str) -> None:
    run = asked(catalog, base)
    carried_out(run)
    finished = TuningRun.objects.get().finished_at
    assert finished is not None
    carried_out(run)
    assert TuningRun.objects.get().finished_at == finished


def test_a_cancelled_run_stops_at_its_next_step(catalog: Catalog, base: str) -> None:
    run = asked(catalog, base)

    class Cancelling(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            runs.cancel(run)

    carried_out(run, observer=Cancelling())
    assert (run.state, run.artifact) == (RunState.CANCELLED, "")


def test_a_lost_run_is_sent_again_and_its_first_worker_can_store_nothing(
    catalog: Catalog, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    run = asked(catalog)
    first = leases.claim(TUNING, run.pk)
    assert first is not None
    assert leases.claim(TUNING, run.pk) is None
    now = timezone.now()
    assert runs.sweep(now) == []
    TuningRun.objects.update(lease_expires_at=now - timedelta(seconds=1))
    assert runs.sweep(now) == [run]
    assert leases.claim(TUNING, run.pk) is not None
    with pytest.raises(StoppedError):
        leases.renew(first, {"step": 1})


@pytest.mark.django_db(transaction=True)
def test_a_requested_adapter_is_tuned_by_a_training_worker(
    live_worker: Celery, settings: Settings, tmp_path: Path, base: str
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    catalog = make_catalog("films")
    for _ in range(2):
        decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    out = StringIO()
    here = os.path.relpath(base)  # what a worker elsewhere could not find
    call_command("tune", "films", "--role", "actor", "--base", here, "--epochs", "1", "--queue", "--json", stdout=out)
    run = TuningRun.objects.get(pk=json.loads(out.getvalue())["run"])

    def is_over() -> bool:
        run.refresh_from_db()
        return run.finished_at is not None

    wait_until(is_over, seconds=60, what="the worker")
    live_worker.send_task(TUNING.job.name, kwargs={"run_id": run.pk}, queue="training")  # delivered twice
    assert (run.state, run.error) == (RunState.DONE, "")
    described = json.loads((service.folder_of(run) / "adapter" / "adapter_config.json").read_text())
    assert described["base_model_name_or_path"] == str(Path(base).resolve())


@pytest.mark.slow
def test_a_tuned_adapter_is_served_and_answers_through_the_actors_client(
    catalog: Catalog, base: str, tmp_path: Path, settings: Settings
) -> None:
    """`transformers serve` takes whole models only, so what it serves is base and adapter merged."""
    merged = Path(tune(base, "--merge")["adapter"]).with_name("merged")
    with transformers_server.serve(tmp_path, model=merged) as server:
        endpoint = {"base_url": server.base_url, "model": server.model, "max_tokens": 12, "structured": "tags"}
        settings.LLM = settings.LLM | {"actor": settings.LLM["actor"] | endpoint}

        async def ask() -> Answer:
            async with OpenAiLlm("actor") as llm:
                return await llm.ask(prompts.render(make_subject(), "reason"))

        answer = asyncio.run(ask())
    assert answer.completion_tokens > 0
    assert str(merged) in answer.model
