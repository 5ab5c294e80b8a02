"""Scores with a shared beginning are those of whole prompts, for any candidates; time may run out."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from recommender.llm.types import Prompt
from recommender.thinkrec.prompts import Described, Past, Person, asked
from recommender.thinkrec.scoring import scorer as scoring
from recommender.thinkrec.scoring.scorer import LocalScorer, answer_tokens, load, shared_by
from recommender.tuning.config import CannotTuneError
from tests.transformers_server import make_model

HISTORY = tuple(
    Past(Described(f"Film {number}", ("Drama", "War")[: number % 3]), number % 2 > 0) for number in range(12)
)


def prompts_of(*titles: str) -> list[Prompt]:
    targets = [Described(title, ("Comedy",) * (place % 3)) for place, title in enumerate(titles)]
    return asked(Person("movie", HISTORY), targets)


@pytest.fixture(scope="module")
def shared(base: str) -> LocalScorer:
    return load(base)


@pytest.fixture(scope="module")
def alone(shared: LocalScorer) -> LocalScorer:
    return LocalScorer(shared._model, shared._tokenizer, name="alone", share=False)


@given(titles=st.lists(st.text(max_size=40), min_size=1, max_size=12), at_once=st.sampled_from([1, 60, 10_000]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shared_scores_are_those_of_whole_prompts(
    shared: LocalScorer, alone: LocalScorer, monkeypatch: pytest.MonkeyPatch, titles: list[str], at_once: int
) -> None:
    monkeypatch.setattr(scoring, "TOKENS_AT_ONCE", at_once)
    prompts = prompts_of(*titles)
    found, whole = shared.score(prompts), alone.score(prompts)
    np.testing.assert_allclose(found.yes, whole.yes, atol=1e-4)
    np.testing.assert_allclose(found.log_odds, whole.log_odds, atol=1e-4)
    assert found.cost.row_by_row == whole.cost.read == whole.cost.row_by_row
    assert found.cost.read <= whole.cost.read


def test_twenty_candidates_cost_their_ends_and_one_beginning(shared: LocalScorer) -> None:
    prompts = prompts_of(*(f"Target {number}" for number in range(20)))
    rows = [shared.encoded(prompt) for prompt in prompts]
    cost = shared.score(prompts).cost
    beginning, same = shared_by(rows)
    assert cost.read == len(beginning) + sum(len(row) - one for row, one in zip(rows, same, strict=True))
    assert cost.row_by_row / cost.read > 8


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), max_size=5))
def test_each_row_begins_with_what_it_shares_and_keeps_one_token_of_its_own(rows: list[list[int]]) -> None:
    beginning, same = shared_by(rows)
    assert len(same) == len(rows)
    for row, one in zip(rows, same, strict=True):
        assert row[:one] == beginning[:one]
        assert one < len(row)


@given(shown=st.lists(st.integers(0, 12), min_size=1, max_size=8), at_once=st.sampled_from([1, 60, 10_000]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_prompts_of_one_history_that_grows_get_the_scores_of_whole_prompts(
    shared: LocalScorer, alone: LocalScorer, monkeypatch: pytest.MonkeyPatch, shown: list[int], at_once: int
) -> None:
    monkeypatch.setattr(scoring, "TOKENS_AT_ONCE", at_once)
    prompts = [
        asked(Person("movie", HISTORY[:count]), [Described(f"Target {place}")], shown=count)[0]
        for place, count in enumerate(shown)
    ]
    found, whole = shared.score(prompts), alone.score(prompts)
    np.testing.assert_allclose(found.log_odds, whole.log_odds, atol=1e-4)


def test_a_growing_history_costs_what_grows(shared: LocalScorer) -> None:
    prompts = [asked(Person("movie", HISTORY[:n]), [Described(f"Target {n}")], shown=n)[0] for n in range(2, 12)]
    cost = shared.score(prompts).cost
    assert cost.row_by_row / cost.read > 3


def test_the_score_is_the_logit_that_the_model_gives_yes_after_the_whole_prompt(shared: LocalScorer) -> None:
    prompts = prompts_of("Heat", "Ran (1985)")
    found = shared.score(prompts)
    for place, prompt in enumerate(prompts):
        with torch.no_grad():
            logits = shared._model(torch.tensor([shared.encoded(prompt)])).logits[0, -1]
        yes, no = (torch.logsumexp(logits[list(tokens)], 0) for tokens in (shared.answers.yes, shared.answers.no))
        assert found.yes[place] == pytest.approx(float(yes), abs=1e-4)
        assert found.log_odds[place] == pytest.approx(float(yes - no), abs=1e-4)


def test_equal_candidates_get_equal_scores_and_none_is_fine(shared: LocalScorer) -> None:
    found = shared.score(prompts_of("Heat", "Heat", "Heat")[:1] * 3)
    assert np.ptp(found.yes) < 1e-5
    assert shared.score([]).yes.shape == (0,)


def test_what_time_runs_out_for_has_no_score(shared: LocalScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "TOKENS_AT_ONCE", 1)
    real = shared._ends

    def slow(*arguments: Any) -> Any:
        time.sleep(0.05)
        return real(*arguments)

    monkeypatch.setattr(shared, "_ends", slow)
    found = shared.score(prompts_of(*(f"Target {number}" for number in range(30))), seconds=0.4)
    scored = ~np.isnan(found.yes)
    assert 0 < scored.sum() < 30
    assert scored.tolist() == sorted(scored.tolist(), reverse=True)


def test_a_model_may_reason_before_it_answers(shared: LocalScorer) -> None:
    targets = [Described("Heat"), Described("Ran")]
    prompts = asked(Person("movie", HISTORY), targets, question="reason")
    found = shared.score(prompts, reasoning=5)
    assert len(found.texts) == 2
    assert 0 < found.cost.written <= 10
    assert not np.isnan(found.yes).any()


def test_reasons_that_run_out_of_tokens_are_told(shared: LocalScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = shared._tokenizer.eos_token_id
    written = iter([[7, 8, 9], [7, 8, stop], [7, stop]])

    def generate(**given: Any) -> torch.Tensor:
        return torch.cat([given["input_ids"], torch.tensor([next(written)])], dim=1)

    monkeypatch.setattr(shared._model, "generate", generate)
    prompts = asked(Person("movie", HISTORY), [Described(name) for name in ("Heat", "Ran", "Her")], question="reason")
    assert shared.score(prompts, reasoning=3).cut == frozenset({0})


def test_an_adapter_changes_the_scores(base: str, shared: LocalScorer, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    weights = AutoModelForCausalLM.from_pretrained(base)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        lora = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        model = get_peft_model(weights, lora)
    model.save_pretrained(tmp_path / "lora")
    tuned = load(base, str(tmp_path / "lora"))
    prompts = prompts_of("Heat", "Ran")
    with torch.no_grad():
        logits = model.eval()(torch.tensor([shared.encoded(prompts[0])])).logits[0, -1]
    found = tuned.score(prompts)
    assert found.yes[0] == pytest.approx(float(torch.logsumexp(logits[list(shared.answers.yes)], 0)), abs=1e-4)
    assert np.abs(found.yes - shared.score(prompts).yes).max() > 1e-4
    assert tuned.name == f"{Path(base).name} + lora"


@pytest.mark.parametrize("architecture", ["qwen2", "gpt2", "mamba"])
def test_other_architectures_score_as_whole_prompts_do(tmp_path: Path, shared: LocalScorer, architecture: str) -> None:
    """One without a cache that can be cut computes every prompt whole."""
    small = {"gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2}, "mamba": {"hidden_size": 32, "num_hidden_layers": 2}}
    if architecture == "qwen2":
        model = AutoModelForCausalLM.from_pretrained(make_model(tmp_path, architecture="qwen2"))
    else:
        config = AutoConfig.for_model(architecture, vocab_size=len(shared._tokenizer), **small[architecture])
        model = AutoModelForCausalLM.from_config(config)
    both = [LocalScorer(model, shared._tokenizer, name="", share=share) for share in (True, False)]
    assert both[0]._share == (architecture != "mamba")
    found, whole = (one.score(prompts_of("Heat", "Ran", "Kes")) for one in both)
    np.testing.assert_allclose(found.log_odds, whole.log_odds, atol=1e-4)


class Words:
    """A tokenizer that knows whole words, with or without the space before them."""

    chat_template = None
    eos_token_id = 0

    def __init__(self, *known: str) -> None:
        self.known = known

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        tokens = []
        while text:
            piece = next((word for word in self.known if text.startswith(word)), text[0])
            tokens.append(hash(piece))
            text = text[len(piece) :]
        return {"input_ids": tokens}


def test_the_form_of_yes_is_the_one_that_is_one_token_after_the_prompt() -> None:
    found = answer_tokens(Words(" Yes", " No", "Yes", "No"))
    assert (found.yes, found.no) == ((hash(" Yes"),), (hash(" No"),))  # the prompt ends with “Answer:”
    found = answer_tokens(Words("Yes", "No"))
    assert (found.yes, found.no) == ((hash("Yes"),), (hash("No"),))


def test_words_in_several_tokens_count_by_those_that_only_one_of_them_begins_with() -> None:
    found = answer_tokens(Words())
    assert (found.yes, found.no) == ((hash("Y"),), (hash("N"),))


def test_a_base_that_is_not_there_is_said_in_words() -> None:
    with pytest.raises(CannotTuneError, match="There is no such folder"):
        load("/nowhere/model")
