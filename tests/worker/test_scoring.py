"""A scoring run: an LLM scores the first items of the active backbone's lists, and goes on where it was stopped."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmarks.likes_alone import forget_dislikes
from recommender.models import (
    BackboneVersion,
    Catalog,
    EndUser,
    RunState,
    ScoredList,
    ScoredRating,
    ScoringRun,
    VersionState,
)
from recommender.runs import recorder
from recommender.runs import service as runs
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import SCORING
from recommender.runs.observer import Quiet
from recommender.serving.recommend import preview
from recommender.thinkrec.scoring.config import ScoringConfig, scorer_key
from tests.carried_out import carried_out
from tests.recommender.serving.conftest import nothing_kept, ranked, reader
from tests.recommender.training import synthetic
from tests.transformers_server import make_model

__all__ = ["nothing_kept", "ranked", "reader"]
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("scorer") / "tiny"))


def asked(catalog: Catalog, base: str, **settings: Any) -> ScoringRun:
    config = ScoringConfig(base=base, **{"top": 6, "sample": 3, "held_out": 20} | settings)
    return runs.request(SCORING, queue=False, catalog=catalog, config=config.to_json())


def test_lists_are_the_backbone_s_first_items_by_calibrated_probability(ranked: Catalog, base: str) -> None:
    run = carried_out(asked(ranked, base))
    assert (run.state, run.error) == (RunState.DONE, "")
    assert run.lists.count() == 3
    for found in run.lists.select_related("end_user__catalog"):
        assert {one["item_id"] for one in found.items} == {
            one.item_id for one in preview(found.end_user, limit=6).items
        }
        probabilities = [one["probability"] for one in found.items]
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(0 < one < 1 for one in probabilities)
        served = preview(found.end_user, limit=6, scenario="thinkrec")
        assert (served.source, served.backbone) == ("thinkrec", BackboneVersion.objects.get())
        assert [one.item_id for one in served.items] == [one["item_id"] for one in found.items]


def test_the_run_says_what_it_measured_and_what_it_cost(ranked: Catalog, base: str) -> None:
    metrics = carried_out(asked(ranked, base)).metrics
    assert (metrics["model"], metrics["prompt"], metrics["calibration"]["method"]) == ("tiny", "score/v1", "platt")
    assert 10 <= metrics["test"]["samples"] <= 20
    assert 0 <= metrics["test"]["thinkrec_uauc"] <= 1
    assert metrics["test"]["logloss"] < metrics["test"]["before"]["logloss"] + 0.2
    assert metrics["cost"]["lists"] == 3
    assert 0 < metrics["cost"]["read"] < metrics["cost"]["row_by_row"]


def test_a_run_that_was_stopped_goes_on_without_scoring_anything_twice(ranked: Catalog, base: str) -> None:
    class Stopping(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            if (stage, done) == ("scoring", 2):
                raise StoppedError

    run = carried_out(asked(ranked, base, sample=4), observer=Stopping())
    before = dict(run.lists.values_list("end_user_id", "created_at"))
    assert (run.state, len(before)) == (RunState.RUNNING, 2)
    calibrated = run.metrics["calibration"]
    runs.resume(run, queue=False)
    run = carried_out(run)
    after = dict(run.lists.values_list("end_user_id", "created_at"))
    assert (run.state, len(after), run.metrics["cost"]["lists"]) == (RunState.DONE, 4, 4)
    assert before.items() <= after.items()
    assert run.metrics["calibration"] == calibrated
    carried_out(run)  # a message that arrives twice
    assert dict(run.lists.values_list("end_user_id", "created_at")) == after


def test_a_later_run_s_list_takes_the_place_of_an_earlier_one_s(ranked: Catalog, base: str) -> None:
    carried_out(asked(ranked, base, held_out=0))
    later = carried_out(asked(ranked, base, held_out=0, score="yes", calibration="none"))
    assert later.lists.count() == ScoredList.objects.count() == 3


def test_everybody_with_a_history_gets_a_list_unless_a_sample_is_asked_for(
    ranked: Catalog, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "WRITE_EVERY", 0.0)  # a quick run has ended before it says how long it takes
    EndUser.objects.create(catalog=ranked, external_id="new")
    run = carried_out(asked(ranked, base, sample=0, top=1, held_out=0))
    assert run.lists.count() == ranked.end_users.count() - 1
    assert run.progress["of"] == run.lists.count()
    assert run.progress["seconds_left"] >= 0


def test_the_prompt_shows_the_approved_text_where_that_is_asked_for(
    reader: EndUser, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender.thinkrec.scoring.scorer import LocalScorer

    shown: list[str] = []
    real = LocalScorer.score

    def score(self: Any, prompts: Any, **more: Any) -> Any:
        shown.extend(prompt.messages[-1]["content"] for prompt in prompts)
        return real(self, prompts, **more)

    monkeypatch.setattr(LocalScorer, "score", score)
    synthetic.approve(reader, "They adore quiet films.")
    carried_out(asked(reader.catalog, base, sample=0, top=1, held_out=0, preference=True))
    assert len([text for text in shown if "They adore quiet films." in text]) == 1
    assert ScoredList.objects.get(end_user=reader).knowledge is not None


def test_reasoning_is_kept_with_the_list_beside_what_it_says(ranked: Catalog, base: str) -> None:
    run = carried_out(asked(ranked, base, sample=1, top=2, held_out=0, reasoning=6))
    (found,) = run.lists.all()
    assert (run.error, found.prompt) == ("", "reason/v1")
    assert all(one["text"] for one in found.items)
    assert run.metrics["cost"]["written"] > 0


def test_answers_about_held_out_ratings_are_stored_at_once_and_asked_for_only_once(ranked: Catalog, base: str) -> None:
    class Stopping(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            if stage == "calibrating" and done > 10:
                raise StoppedError

    BackboneVersion.objects.update(state=VersionState.RETIRED)  # without lists none is needed
    run = carried_out(asked(ranked, base, top=0), observer=Stopping())
    before = dict(ScoredRating.objects.values_list("pk", "score"))
    cost = run.metrics["cost"]["read"]
    assert 10 < len(before) < 40
    runs.resume(run, queue=False)
    run = carried_out(run)
    assert (run.state, run.lists.count()) == (RunState.DONE, 0)
    assert before.items() < dict(ScoredRating.objects.values_list("pk", "score")).items()
    assert run.metrics["cost"]["read"] > cost
    for one in ScoredRating.objects.select_related("end_user"):
        rated = one.end_user.interactions.get(item=one.item)
        assert one.as_of <= rated.moment
        assert one.end_user.interactions.filter(moment__lt=one.as_of).exists()

    stored = ScoredRating.objects.count()
    later = carried_out(asked(ranked, base, top=0, calibration="platt"))
    assert (ScoredRating.objects.count(), later.metrics["cost"].get("read", 0)) == (stored, 0)
    assert later.metrics["calibration"] == run.metrics["calibration"]
    assert later.metrics["scorer"] == run.metrics["scorer"]
    other = carried_out(asked(ranked, base, top=0, score="yes"))
    assert other.metrics["scorer"] != run.metrics["scorer"]
    assert ScoredRating.objects.count() == 2 * stored


def test_a_held_out_rating_is_asked_about_with_the_text_that_was_known_by_then(
    reader: EndUser, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender.thinkrec.scoring.scorer import LocalScorer

    shown: list[str] = []
    real = LocalScorer.score

    def score(self: Any, prompts: Any, **more: Any) -> Any:
        shown.extend(prompt.messages[-1]["content"] for prompt in prompts)
        return real(self, prompts, **more)

    monkeypatch.setattr(LocalScorer, "score", score)
    synthetic.approve(reader, "They adore quiet films.", as_of=1000)
    synthetic.approve(reader, "They adore loud films.", as_of=10**6)
    carried_out(asked(reader.catalog, base, top=0, held_out=200, preference=True))
    assert any("They adore quiet films." in text for text in shown)
    assert not any("They adore loud films." in text for text in shown)


def test_an_adapter_that_was_tuned_on_the_ratings_to_be_held_out_is_refused(
    ranked: Catalog, base: str, tmp_path: Path
) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"1")
    config = ScoringConfig(base=base, adapter=str(tmp_path / "adapter"))
    assert scorer_key(config, model="m", prompt_hash="0") == ""  # nobody knows what it was tuned on

    (tmp_path / "thinkrec.json").write_text(json.dumps({"config": {"split": "global-time"}}))
    run = carried_out(asked(ranked, base, adapter=config.adapter))
    assert "tuned on the train part of the split global-time" in run.error
    run = carried_out(asked(ranked, base, adapter=config.adapter, split="global-time"))
    assert "cannot be loaded" in run.error
    first = scorer_key(config, model="m", prompt_hash="0")
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"2")
    assert "" != first != scorer_key(config, model="m", prompt_hash="0")
    assert scorer_key(config.but(top=3, seed=2), model="m", prompt_hash="0") == scorer_key(
        config, model="m", prompt_hash="0"
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base": "/nowhere"}, "There is no such folder"),
        ({"base": "/elsewhere", "adapter": "/nowhere"}, "The adapter '/nowhere' cannot"),  # before a minute of loading
    ],
)
def test_a_model_that_cannot_be_loaded_is_said_in_words(
    ranked: Catalog, base: str, settings: dict[str, Any], said: str
) -> None:
    run = carried_out(asked(ranked, **{"base": base} | settings))
    assert run.state == RunState.FAILED
    assert said in run.error


def test_without_an_active_backbone_there_is_nothing_to_score(ranked: Catalog, base: str) -> None:
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    run = carried_out(asked(ranked, base))
    assert "No backbone is active" in run.error


def test_a_catalog_of_likes_alone_is_told_before_anything_starts_and_is_scored_without_calibration(
    ranked: Catalog, base: str
) -> None:
    queued = asked(ranked, base)
    forget_dislikes()
    told = "Everything that is known in .* is liked.* With held_out 0 lists are scored all the same"
    with pytest.raises(CommandError, match=told):
        call_command("score_lists", ranked.name, "--base", base, "--queue")
    with pytest.raises(CommandError, match="Everything that is known") as refused:
        call_command("score_lists", ranked.name, "--base", base, "--top", "0", "--queue")
    assert "held_out 0" not in str(refused.value)  # nothing would be left to do
    with pytest.raises(CommandError, match="top is 0 and no opinions are held out"):
        call_command("score_lists", ranked.name, "--base", base, "--top", "0", "--held-out", "0")
    assert ScoringRun.objects.get() == queued
    queued = carried_out(queued)
    assert queued.state == RunState.FAILED
    assert "With held_out 0 lists are scored all the same" in queued.error
    run = carried_out(asked(ranked, base, held_out=0, sample=1, top=3))
    (found,) = run.lists.all()
    assert (run.state, len(found.items)) == (RunState.DONE, 3)


def test_a_split_that_leaves_a_part_empty_is_told_before_a_model_loads(
    ranked: Catalog, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("worker.scoring.scorer_of", lambda *_: loaded.append("it"))
    run = carried_out(asked(ranked, base, split="given:-2:-1"))
    assert run.state == RunState.FAILED
    assert "There is nothing for the train part" in run.error
    assert not loaded


def test_the_command_scores_and_says_what_came_of_it(ranked: Catalog, base: str, tmp_path: Path) -> None:
    out = StringIO()
    options = ["--base", base, "--top", "3", "--sample", "2", "--held-out", "20"]
    call_command("score_lists", ranked.name, *options, "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["lists"], said["metrics"]["cost"]["lists"]) == (2, 2)
    out = StringIO()
    ScoredList.objects.all().delete()  # done is done: nothing is scored anew
    call_command("score_lists", ranked.name, "--resume", str(said["run"]), stdout=out)
    assert not ScoredList.objects.exists()
    assert "2 lists scored by tiny with score/v1." in out.getvalue()
    assert "opinions held out: AUC" in out.getvalue()
    with pytest.raises(CommandError, match=r"--resume goes on with the settings .*: leave --top out"):
        call_command("score_lists", ranked.name, "--resume", str(said["run"]), "--top", "5")
    with pytest.raises(CommandError, match="--base counts with --where here alone: leave it out"):
        call_command("score_lists", ranked.name, "--where", "endpoint", "--base", base)
    with pytest.raises(CommandError, match="no catalog 'nothing'"):
        call_command("score_lists", "nothing")
    with pytest.raises(CommandError, match="no scoring run 999"):
        call_command("score_lists", ranked.name, "--resume", "999")
    with pytest.raises(CommandError, match="no such folder") as refused:
        call_command("score_lists", ranked.name, "--base", str(tmp_path / "none"))
    assert "--resume" not in str(refused.value)  # nothing was scored


def test_ctrl_c_says_how_to_go_on(
    ranked: Catalog, base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.scoring._Work.score_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("score_lists", ranked.name, "--base", base, "--held-out", "0")
    run = ScoringRun.objects.get()
    assert run.state == RunState.CANCELLED
    assert f"is cancelled. `--resume {run.pk}` goes on where it was." in capsys.readouterr().err
