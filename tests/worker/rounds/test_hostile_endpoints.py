"""Whatever an endpoint answers, a round ends in a clear state, in its own words, and asks for nothing for ever.

The server is `tests/data/hostile/hostile.py`: it misbehaves as its address says. A mode that is added to it and not
told here fails `test_every_mode_is_told`.
"""

import gzip
import importlib.util
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from recommender.models import LlmCall, RestReason, Round, RoundState, Turn
from recommender.rounds import leases
from tests import openai_server
from tests.builders import make_catalog, make_end_user, make_round
from tests.openai_server import PREFERENCE, REASONABLE, Reply, says
from tests.worker.rounds.conftest import Serve
from tests.worker.rounds.test_advance import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
SCRIPT = Path(__file__).parents[2] / "data" / "hostile" / "hostile.py"
KEY = "sk-not-for-anybodys-eyes"
READ = "reasonable", ""
MODES: dict[str, tuple[str, str]] = {  # how every round ends, and what it says
    # where the answer is, and what is around it
    **dict.fromkeys(
        [
            "good", "reasoning-content", "reflector-reasoning-content", "content-parts", "think", "think-unopened",
            "harmony", "answer-tag", "thought-process", "eos", "preamble", "no-message", "delta", "sse", "bom",
            "text-plain", "no-type", "short-body", "bad-gzip", "surrogate", "emoji", "bullets", "bullets-tight",
            "persian", "hebrew", "camel", "slow-body", "finish-null", "finish-eos", "usage-null", "usage-none-inside",
            "usage-negative", "usage-text", "id-int", "model-null",
        ],
        READ,
    ),
    "content-int": ("malformed", "too short"),
    "refusal": ("malformed", "refused to answer: I'm sorry, I can't help with that"),
    "content-filter": ("malformed", "content filter withheld"),
    "tool-calls": ("malformed", "called a tool"),
    "think-unclosed": ("malformed", "cut off at the token limit"),
    "think-empty-length": ("malformed", "cut off at the token limit"),
    "table": ("malformed", "cannot be read"),
    "nul": ("malformed", "not text"),
    # what it refuses is learnt, and what passes is waited for
    **dict.fromkeys(["no-max-tokens", "no-top-p", "no-system"], READ),
    **dict.fromkeys(["gemini-schema", "extra-forbidden", "strict-schema", "schema-500-vague"], READ),
    **dict.fromkeys(["or-429-once", "empty-choices-once", "retry-after-ms", "reset-header"], READ),
    **dict.fromkeys(["503-html", "529", "404-loading", "400-loading", "403-rate"], READ),
    # what does not pass is given up
    "or-429": ("failed", "429: Provider returned error: Too Many Requests"),
    "context": ("failed", "maximum context length is 2048 tokens"),
    "quota": ("failed", "quota is spent"),
    "payment": ("failed", "Insufficient Balance"),
    "html": ("failed", "Sign in to the hotel's network"),
    "truncated": ("failed", "cut off or broken JSON"),
    "redirect": ("failed", "not followed"),
    "reset": ("failed", "cannot be reached"),
    "hang": ("failed", "did not answer within 0.4 s"),
    "hang-reflector": ("failed", "did not answer within 0.4 s"),
}  # fmt: skip


@contextmanager
def misbehaving(script: Path) -> Iterator[int]:
    """The port of this script's server."""
    spec = importlib.util.spec_from_file_location("hostile", script)
    assert spec
    assert spec.loader
    module = sys.modules["hostile"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.S(("127.0.0.1", 0), module.H) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with misbehaving(SCRIPT) as found:
        yield found


def endpoints(mode: str, port: int) -> dict[str, dict[str, object]]:
    """settings.LLM for one mode. What hangs is given up soon."""
    endpoint = {
        "base_url": f"http://127.0.0.1:{port}/{mode}/v1", "api_key": KEY, "temperature": 0.0,
        "top_p": 0.9 if mode == "no-top-p" else 1.0, "max_tokens": 300, "concurrency": 8, "structured": "auto",
        "timeout": 0.4 if "hang" in mode else 5.0,
    }  # fmt: skip
    return {role: endpoint | {"model": role} for role in ("actor", "reflector", "teacher")}


def modes_of(script: Path) -> set[str]:
    return set(re.findall(r'mode == "([\w-]+)"', script.read_text()))


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


def impatient(patch: pytest.MonkeyPatch) -> None:
    """Give up after three attempts, and wait for nothing between them."""
    patch.setattr(leases, "MOST_ATTEMPTS", 3)
    patch.setattr("recommender.llm.client.CONNECT_SECONDS", 0.5)
    patch.setattr(leases, "backoff", lambda attempts, retry_after=None: 0.0)


def ended(*rounds: Round) -> list[tuple[str, str]]:
    """Advance until nothing waits, as sweeps would, and tell how each round ends."""
    for _ in range(6):
        run(*rounds)
        if not Round.objects.filter(state=RoundState.WAITING).update(next_attempt_at=timezone.now()):
            break
    found = []
    for round_ in Round.objects.filter(pk__in=[round_.pk for round_ in rounds]):
        call = round_.calls.exclude(error="").order_by("-pk").first()
        malformed = round_.rest_reason == RestReason.MALFORMED
        said = call.error if malformed and call else round_.error
        found.append((round_.rest_reason or round_.state, said))
    return found


def two_rounds() -> list[Round]:
    catalog = make_catalog()
    return [make_round(make_end_user(catalog)) for _ in range(2)]


def tried(mode: str) -> tuple[str, str, list[str]]:
    """How two rounds end with a mode that settings.LLM names, what the first one says, and what is wrong with that."""
    before = set(LlmCall.objects.values_list("pk", flat=True))
    rounds = two_rounds()
    found = ended(*rounds)
    texts = "\n".join(Turn.objects.filter(round__in=rounds).values_list("text", flat=True))
    calls = list(LlmCall.objects.exclude(pk__in=before))
    state, said = MODES[mode]
    wrong = {
        f"it should end as {state}: {said}": all(ends == state and said in told for ends, told in found),
        "it was asked too often": len(calls) <= 10,  # for two rounds, with all that was learnt and waited for
        "a paid answer is lost": all(call.answer for call in calls if not call.error_kind),
        "it thinks in its text": not re.search("Let me look|Okay, the user wants|go on and on", texts),
        "its usage is odd": all(call.prompt_tokens >= 0 and call.completion_tokens >= 0 for call in calls),
        "it shows the key": KEY not in repr([(c.answer, c.error, c.parameters, c.base_url) for c in calls]),
    }
    return *found[0], [words for words, holds in wrong.items() if not holds]


def test_every_mode_is_told() -> None:
    assert modes_of(SCRIPT) == set(MODES)


@pytest.mark.once
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_ends_in_a_clear_state(mode: str, port: int, settings: Settings) -> None:
    settings.LLM = endpoints(mode, port)
    end, said, wrong = tried(mode)
    assert wrong == [], (end, said)


@pytest.mark.once
def test_a_bomb_is_not_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(b'{"choices": "' + b"a" * 300_000_000 + b'"}', compresslevel=1)
    serve(lambda *_: Reply(body=bomb, headers={"Content-Encoding": "gzip"}), structured="auto")
    assert {(ends, "more than 8 MiB" in said) for ends, said in ended(*two_rounds())} == {("failed", True)}


@pytest.mark.parametrize("status", [200, 500])
def test_a_trickle_is_a_timeout(serve: Serve, status: int) -> None:
    serve(lambda *_: Reply(status, says(PREFERENCE).body, trickle=0.2), timeout=0.6)
    (one, _) = two_rounds()
    ((ends, said),) = ended(one)
    assert (ends, "did not answer within 0.6 s" in said) == ("failed", True), said


def test_a_key_that_is_echoed_is_stored_nowhere(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    said = f"Incorrect API key provided: {KEY}. You sent 'Authorization: Bearer {KEY}'."
    replies = [openai_server.error(500, said), says(f"{PREFERENCE} The key is {KEY}, by the way."), says(REASONABLE)]
    serve(lambda request, number: replies[2 if request["model"] == "reflector" else min(number - 1, 1)], api_key=KEY)
    assert ended(two_rounds()[0])[0][0] == "reasonable"
    rows = [*Round.objects.values(), *LlmCall.objects.values()]
    assert KEY not in repr(rows) + caplog.text
    assert "[key]" in repr(rows)


def test_one_odd_answer_costs_its_own_round_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should an answer come through that the database refuses, its neighbours in the batch are stored."""
    from recommender.llm import reading

    count = reading._count
    odd = iter([True])
    monkeypatch.setattr(reading, "_count", lambda value: -7 if next(odd, False) else count(value))
    serve(lambda request, _: says(REASONABLE if request["model"] == "reflector" else PREFERENCE), concurrency=30)
    catalog = make_catalog()
    rounds = [make_round(make_end_user(catalog)) for _ in range(30)]
    assert [ends for ends, _ in ended(*rounds)] == ["reasonable"] * 30
    kept = LlmCall.objects.get(error__contains="could not be stored")
    assert (kept.error_kind, kept.answer) == ("transient", PREFERENCE)
    assert LlmCall.objects.filter(error_kind="").count() == 60
