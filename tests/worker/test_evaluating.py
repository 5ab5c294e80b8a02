"""An evaluation of ThinkRec: an LLM beside the active model on rated items, its explanations beside approved ones."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from recommender.models import BackboneVersion, Catalog, Interaction, RunState, ScoringRun, ThinkrecRun
from recommender.rounds.core.types import Encounter, Subject
from recommender.runs import service as runs
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import SCORING
from recommender.runs.observer import Quiet
from recommender.thinkrec.evaluation import kept
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.evaluation.report import sentences
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.carried_out import carried_out
from tests.recommender.serving.conftest import nothing_kept, ranked
from tests.recommender.thinkrec.tuned_runs import tuned_run
from tests.transformers_server import make_model

__all__ = ["nothing_kept", "ranked"]
pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("scorer") / "tiny"))


def asked(catalog: Catalog, base: str, **settings: Any) -> ScoringRun:
    config = EvaluationConfig(base=base, **{"rows": 20, "tokens": 4} | settings)
    return runs.request(SCORING, queue=False, catalog=catalog, config=config.to_json())


def figure(metrics: dict[str, Any], ranker: str, metric: str, part: str = "all") -> dict[str, Any]:
    (found,) = [
        row for row in metrics["figures"] if (row["ranker"], row["metric"], row["slice"]) == (ranker, metric, part)
    ]
    return dict(found)


def trace(catalog: Catalog, text: str, *, held_out: bool = True, place: int = 12) -> Interaction:
    """An approved trace about an interaction of the catalog's first end user."""
    end_user = catalog.end_users.order_by("external_id").first()
    assert end_user is not None
    met = list(end_user.interactions.select_related("item").oldest_first())[place]
    liked = text.startswith("Yes")
    history = tuple(Encounter(f"Film {n}", None, n % 2 == 0) for n in range(10))
    about = (Encounter(met.item.title, None, liked, interaction_id=met.pk),)
    subject = Subject("end_user", "movie", 5.0, 3.0, history=history, asked=about)
    told = {"strategy": "trace", "evidence": subject.to_json(), "approved_index": 0, "held_out": held_out}
    make_round(end_user, ("reason", text), ("reflect", ""), as_of=met.moment, **told)
    return met


def test_the_llm_and_the_active_model_are_measured_on_the_same_rows(ranked: Catalog, base: str) -> None:
    run = carried_out(asked(ranked, base, part="test"))
    assert (run.state, run.error) == (RunState.DONE, "")
    metrics = run.metrics
    assert metrics["rows"]["scored"] >= 20
    assert metrics["slices"]["all"]["samples"] == metrics["rows"]["scored"]
    for metric in ("auc", "thinkrec_uauc", "thinkrec_ndcg@5", "thinkrec_map@5", "gauc", "ndcg@5", "map@5"):
        for ranker in ("llm", "backbone"):
            one = figure(metrics, ranker, metric)
            assert 0 <= one["low"] <= one["estimate"] <= one["high"] <= 1
    gained = {row["metric"]: row["estimate"] for row in metrics["differences"] if row["slice"] == "all"}
    apart = figure(metrics, "llm", "auc")["estimate"] - figure(metrics, "backbone", "auc")["estimate"]
    assert gained["auc"] == pytest.approx(apart)
    assert 0 < metrics["cost"]["ratings"]["read"] < metrics["cost"]["ratings"]["row_by_row"]
    assert metrics["cost"]["list"]["items"] == 20
    assert metrics["cost"]["list"]["calls"] >= 1
    assert run.lists.count() == 0


def test_the_llm_is_scored_as_it_would_be_with_whole_prompts(ranked: Catalog, base: str) -> None:
    from recommender.thinkrec.scoring.scorer import LocalScorer

    shared = carried_out(asked(ranked, base, rows=8, grows=0)).metrics
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalScorer, "_shares_exactly", lambda _: False)
        whole = carried_out(asked(ranked, base, rows=8, grows=0)).metrics
    assert figure(shared, "llm", "auc")["estimate"] == pytest.approx(figure(whole, "llm", "auc")["estimate"], abs=0.01)
    assert shared["cost"]["ratings"]["row_by_row"] == whole["cost"]["ratings"]["read"]


def test_an_evaluation_that_was_killed_goes_on_and_comes_to_the_same(ranked: Catalog, base: str) -> None:
    heard: list[int] = []

    class Dying(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            if stage == "rating":
                heard.append(done)
                if len(heard) == 3:
                    raise KeyboardInterrupt  # the process is killed

    trace(ranked, "Yes. They liked odd films before.")
    run = asked(ranked, base)
    with pytest.raises(KeyboardInterrupt):
        carried_out(run, observer=Dying())
    (path,) = kept._folder(ranked).glob(".evaluation-*")
    path.write_text(path.read_text() + '{"keys": [1')  # the last line was cut off
    runs.end_leases()
    carried_out(run, observer=Dying())
    assert (run.state, heard[3]) == (RunState.DONE, heard[2])
    once = carried_out(asked(ranked, base)).metrics
    assert run.metrics["figures"] == once["figures"]
    assert run.metrics["explanations"] == once["explanations"]
    assert list(kept._folder(ranked).glob(".evaluation-*")) == []


def test_what_was_kept_of_another_catalog_s_state_is_scored_anew(ranked: Catalog, base: str) -> None:
    class Stopping(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            if stage == "rating" and done:
                raise StoppedError

    run = carried_out(asked(ranked, base, rows=10), observer=Stopping())
    Interaction.objects.filter(end_user__catalog=ranked).order_by("-pk").first().delete()
    begun: list[int] = []

    class Hearing(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            begun.extend([done] if stage == "rating" else [])

    runs.resume(run, queue=False)
    run = carried_out(run, observer=Hearing())
    assert (run.state, begun[0]) == (RunState.DONE, 0)


def test_explanations_are_held_against_approved_traces_set_apart(
    ranked: Catalog, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender.thinkrec.scoring.scored import Cost
    from recommender.thinkrec.scoring.scorer import LocalScorer

    trace(ranked, "Yes. They liked long quiet films before.")
    trace(ranked, "No. Loud films were never liked.", place=14)
    trace(ranked, "No. This one is learnt from.", held_out=False, place=13)
    shown: list[str] = []

    def write(self: Any, prompt: Any, most: int, **_: Any) -> Any:
        shown.append(prompt.messages[-1]["content"])
        return "Yes. They liked long quiet films before.", Cost(10, 10, 5, calls=5)

    monkeypatch.setattr(LocalScorer, "write", write)
    found = carried_out(asked(ranked, base, rows=5)).metrics
    explained = found["explanations"]
    assert (explained["texts"], explained["answered"], explained["liked"], explained["learnt"]) == (2, 2, 1, 0)
    assert explained["measures"]["right"]["estimate"] == 0.5
    assert 0.4 < explained["measures"]["meteor"]["estimate"] < 0.75
    assert 0.5 < explained["measures"]["rouge_l"]["estimate"] < 0.75
    assert 0.5 < explained["measures"]["similarity"]["estimate"] < 1
    assert found["cost"]["explanations"]["written"] == 10
    assert len(shown) == 2
    assert not [one for one in shown if "long quiet films" in one]


@pytest.fixture
def films(settings: Settings, tmp_path: Path) -> Catalog:
    settings.VAR_DIR = tmp_path / "var"
    return rated("films")


def rated(name: str) -> Catalog:
    """Four end users with 20 ratings each."""
    catalog = make_catalog(name)
    items = [make_item(catalog, external_id=f"f{n}") for n in range(20)]
    for user in range(4):
        end_user = make_end_user(catalog, f"u{user}")
        for n, item in enumerate(items):
            make_interaction(end_user, item, rating=5.0 if (n + user) % 2 else 1.0, moment=n + 1)
    return catalog


def tuned_on(catalog: Catalog, base: str, **columns: Any) -> ThinkrecRun:
    few = [f"--set={name}={value}" for name, value in {"checkpoint": 2, "warm_up_steps": 0}.items()]
    out = StringIO()
    options = ["--split", "r4ec", "--steps", "2", "--epochs", "1", "--valid-rows", "4", *few]
    call_command("tune_thinkrec", catalog.name, "--base", base, *options, "--json", stdout=out)
    run = ThinkrecRun.objects.get(pk=json.loads(out.getvalue())["run"])
    ThinkrecRun.objects.filter(pk=run.pk).update(**columns)
    return run


def evaluated(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("evaluate_thinkrec", *options, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_a_tuned_model_is_evaluated_by_what_it_was_tuned_for(films: Catalog, base: str) -> None:
    tuned = tuned_on(films, base)
    found = evaluated("films", "--tuned", str(tuned.pk))
    assert (found["config"]["split"], found["config"]["score"], found["config"]["part"]) == ("r4ec", "yes", "valid")
    assert found["metrics"]["tuned"] == str(tuned)
    assert found["metrics"]["cost"]["added_parameters"] > 0
    assert found["metrics"]["notes"] == ["No model is active, so the LLM stands alone."]
    assert {row["ranker"] for row in found["metrics"]["figures"]} == {"llm"}
    with pytest.raises(CommandError, match="may know the opinions that global-time tests"):
        evaluated("films", "--tuned", str(tuned.pk), "--split", "global-time")
    with pytest.raises(CommandError, match="leave --base out"):
        evaluated("films", "--tuned", str(tuned.pk), "--base", base)
    with pytest.raises(CommandError, match="films has no finished ThinkRec tuning 99"):
        evaluated("films", "--tuned", "99")


def test_experts_and_vectors_score_as_the_gate_says_unless_they_are_left_out(films: Catalog, tmp_path: Path) -> None:
    tuned = tuned_run(films, tmp_path)
    whole, alone = (
        evaluated("films", "--tuned", str(tuned.pk), *more)["metrics"] for more in ((), ("--without", "all-but-global"))
    )
    assert whole["model"] == f"films-thinkrec-{tuned.pk}"
    assert alone["model"].endswith("without experts, collaborative vectors")
    assert whole["cost"]["added_parameters"] > alone["cost"]["added_parameters"] > 0
    assert whole["cost"]["ratings"]["read"] > alone["cost"]["ratings"]["read"]
    crossed = evaluated("films", "--tuned", str(tuned.pk), "--cross", rated("books").name)["metrics"]
    assert crossed["cost"]["added_parameters"] == alone["cost"]["added_parameters"]
    assert [row["estimate"] for row in crossed["figures"]] == [row["estimate"] for row in alone["figures"]]


def test_what_was_tuned_on_one_catalog_is_evaluated_on_another(films: Catalog, base: str) -> None:
    tuned = tuned_on(films, base, metrics={"global": {}, "projector": {}, "groups": {"group-1": {}}})
    books = rated("books")
    found = evaluated("films", "--tuned", str(tuned.pk), "--cross", "books")
    run = ScoringRun.objects.get(pk=found["run"])
    assert (run.catalog, found["catalog"]) == (books, "books")
    assert found["metrics"]["model"] == f"films-thinkrec-{tuned.pk} without experts, collaborative vectors"
    first, second, *_ = found["metrics"]["notes"]
    assert first == "Tuned on films, evaluated on books: nothing was tuned again."
    assert second == "Left out, for they are about users and items of films: collaborative vectors and experts."
    with pytest.raises(CommandError, match="name the run by --tuned"):
        evaluated("films", "--cross", "books")
    with pytest.raises(CommandError, match="no catalog 'songs'"):
        evaluated("films", "--tuned", str(tuned.pk), "--cross", "songs")


def test_nothing_learns_from_ratings_that_explanations_are_tested_on(films: Catalog, base: str) -> None:
    before = tuned_on(films, base)
    trace(films, "Yes. It is for tests.")
    after = tuned_on(films, base)
    rows = [run.refresh_from_db() or run.metrics["global"]["rows"]["labels"] for run in (before, after)]
    assert rows[0] - rows[1] == 1
    learnt = evaluated("films", "--tuned", str(before.pk), "--tokens", "2")["metrics"]["explanations"]
    assert (learnt["texts"], learnt["learnt"]) == (0, 1)
    apart = evaluated("films", "--tuned", str(after.pk), "--tokens", "2")["metrics"]["explanations"]
    assert (apart["texts"], apart["learnt"]) == (1, 0)


def test_likes_alone_are_refused_before_a_worker_has_it(ranked: Catalog, base: str) -> None:
    Interaction.objects.update(rating=None, label=1)
    with pytest.raises(CommandError, match=r"Everything that is known in .* is liked.* an evaluation needs"):
        evaluated(ranked.name, "--base", base, "--queue")
    assert not ScoringRun.objects.exists()


def test_the_command_says_what_was_found_and_what_hinders(ranked: Catalog, base: str) -> None:
    trace(ranked, "Yes. They liked odd films before.")
    out = StringIO()
    options = ["--base", base, "--rows", "20", "--tokens", "3", "--part", "test"]
    call_command("evaluate_thinkrec", ranked.name, *options, stdout=out)
    said = out.getvalue()
    assert "tiny on the test part" in said
    assert "LLM less active model" in said
    assert "1 explanation against approved traces set apart for tests: METEOR" in said
    assert "A list of 20 items takes" in said
    with pytest.raises(CommandError, match="no catalog 'nothing'"):
        evaluated("nothing")
    with pytest.raises(CommandError, match="no evaluation of ThinkRec 999"):
        evaluated(ranked.name, "--resume", "999")
    run = ScoringRun.objects.get()
    with pytest.raises(CommandError, match="There is no scoring run"):
        call_command("score_lists", ranked.name, "--resume", str(run.pk))
    out = StringIO()
    call_command("evaluate_thinkrec", ranked.name, "--resume", str(run.pk), stdout=out)
    assert out.getvalue() == said  # it is done
    with pytest.raises(CommandError, match="leave --rows out"):
        evaluated(ranked.name, "--resume", str(run.pk), "--rows", "5")
    with pytest.raises(CommandError, match="--base counts with --where here alone"):
        evaluated(ranked.name, "--where", "endpoint", "--base", base)
    with pytest.raises(CommandError, match="nothing for the train part") as refused:
        evaluated(ranked.name, "--base", base, "--split", "given:1:2")
    assert "--resume" not in str(refused.value)  # nothing was scored
    waiting = evaluated(ranked.name, "--queue")
    assert waiting["state"] == RunState.WAITING


def test_opinions_to_which_the_model_says_neither_word_are_counted_and_left_out(
    ranked: Catalog, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender.thinkrec.scoring.scorer import LocalScorer

    real = LocalScorer.score

    def score(self: Any, prompts: Any, **more: Any) -> Any:
        found = real(self, prompts, **more)
        found.log_odds[0] = float("nan")
        return found

    monkeypatch.setattr(LocalScorer, "score", score)
    metrics = carried_out(asked(ranked, base, rows=8, part="test")).metrics
    left = metrics["rows"]["unanswered"]
    assert left > 0
    assert metrics["slices"]["all"]["samples"] == metrics["rows"]["scored"] > 0
    told = next(said for said in sentences(metrics) if "neither Yes nor No" in said)
    assert told.startswith(f"Left out: {left} opinion")


def test_a_model_that_may_know_the_ratings_is_left_out(ranked: Catalog, base: str) -> None:
    metrics = carried_out(asked(ranked, base, split="global-time")).metrics
    beside = f"train_backbone {ranked.name} --split global-time --activate"
    assert metrics["backbone"] == ""
    (note,) = metrics["notes"]
    assert "trained on the split r4ec and may know these opinions: it is left out." in note
    assert f"train one on this split: `{beside}`" in note


def test_given_moments_are_those_of_a_model_that_was_trained_by_them(ranked: Catalog, base: str) -> None:
    note = carried_out(asked(ranked, base, split="given:1180:1210")).metrics["notes"][0]
    beside = f"train_backbone {ranked.name} --split given --valid-from 1180 --test-from 1210 --activate"
    assert f"train one on this split: `{beside}`" in note
    version = BackboneVersion.objects.get()
    version.config |= {"split": "given", "valid_from": 1180, "test_from": 1210}
    version.save()
    found = evaluated(ranked.name, "--base", base, "--rows", "5", "--tokens", "4")
    assert (found["config"]["split"], found["metrics"]["notes"]) == ("given:1180:1210", [])
    assert found["metrics"]["backbone"] != ""


def test_who_is_erased_leaves_nothing_in_an_evaluation_under_way(ranked: Catalog, base: str) -> None:
    run = asked(ranked, base)
    kept.Kept(run, "x").add({"keys": [1], "llm": [0.5]})
    kept.clear_of(ranked)
    assert not kept.Kept(run, "x").of("keys")
