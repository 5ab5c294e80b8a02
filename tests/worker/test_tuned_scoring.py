"""Lists scored by a tuned run's experts, from the tuning to REST: each end user as alone, and what is left out."""

import json
import math
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rest_framework.test import APIClient
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from recommender.accounts.tokens import create_token
from recommender.models import Catalog, EndUser, RunState, ScoredList, ScoringRun, ThinkrecRun
from recommender.runs import service as runs
from recommender.runs.kinds import SCORING
from recommender.runs.observer import Quiet
from recommender.serving.recommend import preview
from recommender.setting import SettingError
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.prompts import PLACE
from recommender.thinkrec.scoring import people
from recommender.thinkrec.scoring.config import ScoringConfig
from recommender.thinkrec.scoring.fused import FusedScorer
from recommender.thinkrec.scoring.tuned import CannotScoreError, Tuned, opened
from recommender.thinkrec.tuning import rows, service
from recommender.thinkrec.tuning.config import ADAPTER, GROUPS, PROJECTOR, ThinkrecConfig
from recommender.thinkrec.tuning.encoding import Encoder
from recommender.thinkrec.tuning.learner import Learner
from recommender.thinkrec.tuning.projector import Placed, Projector, Vectors
from recommender.thinkrec.tuning.rows import Row
from recommender.tuning.base import load_tokenizer
from tests.builders import make_account, make_catalog
from tests.carried_out import carried_out
from tests.openai_server import running
from tests.recommender.serving.conftest import nothing_kept, ranked
from tests.recommender.thinkrec import tuned_runs

__all__ = ["nothing_kept", "ranked"]
pytestmark = [pytest.mark.django_db, pytest.mark.once]


Ready = tuple[Catalog, ThinkrecRun]


@pytest.fixture
def ready(ranked: Catalog, tmp_path: Path) -> Ready:
    """A catalog with a backbone, and a run with all stages: two experts, and a projector."""
    return ranked, tuned_runs.tuned_run(ranked, tmp_path)


def asked(catalog: Catalog, **settings: Any) -> ScoringRun:
    config = ScoringConfig(**{"top": 5, "sample": 8, "held_out": 20} | settings)
    return runs.request(SCORING, queue=False, catalog=catalog, config=config.to_json())


def alone(tuned: Tuned, found: ScoredList) -> dict[str, float]:
    """Yes against No of each item, by tuning's own code on whole prompts, with the deltas merged into the base."""
    config = ThinkrecConfig.from_json(tuned.run.config).but(contrast=True)
    model = AutoModelForCausalLM.from_pretrained(tuned.base).eval()
    acting = Acting.from_json(found.experts)
    with torch.no_grad():
        for (_, folder), scale in zip(tuned.adapters, acting.choice.scales, strict=True):
            tensors = load_file(tuned.folder / folder / "adapter_model.safetensors")
            for path in (path for path in tensors if ".lora_A." in path):
                layer = model.get_submodule(path.split("base_model.model.")[1].split(".lora_A")[0])
                delta = tensors[path.replace("lora_A", "lora_B")] @ tensors[path]
                layer.weight += scale * config.alpha / config.rank * delta
    arrays, catalog = grouped.load(tuned.run.grouping), tuned.run.catalog
    names = [dict(table.values_list("pk", "external_id")) for table in (catalog.end_users, catalog.items)]
    vectors = Vectors.of(
        [names[0][pk] for pk in arrays.end_users.tolist()], arrays.vectors,
        [names[1][pk] for pk in arrays.items.tolist()], arrays.item_vectors,
    )  # fmt: skip
    encoder = Encoder(load_tokenizer(tuned.base), rows.Prompts(rows.shown_items(catalog), catalog.item_noun), config)
    learner = Learner(model, encoder, config, Placed(Projector.load(tuned.folder / "projector"), vectors))
    history = found.end_user.interactions.order_by("moment", "pk").values_list("item__external_id", "rating")
    past = tuple((item, rating > 3) for item, rating in history)[-10:]
    return {
        one["item_id"]: learner.scores(
            [
                encoder.encoded(
                    Row(found.end_user.external_id, one["item_id"], True, "recommend", "Yes", past),
                    known=vectors.known,
                )
            ]
        )[0]
        for one in found.items
    }


def test_from_the_tuning_to_rest_each_end_user_is_scored_by_their_own_experts_as_alone(ready: Ready) -> None:
    catalog, run = ready

    class Killed(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            if (stage, done) == ("scoring", 3):
                raise KeyboardInterrupt

    scoring = asked(catalog, tuned=run.pk, split="r4ec", by_expert=True)
    with pytest.raises(KeyboardInterrupt):
        carried_out(scoring, observer=Killed())
    kept = dict(scoring.lists.values_list("end_user_id", "created_at"))
    runs.resume(scoring, queue=False)
    scoring = carried_out(scoring)
    assert (scoring.state, scoring.error, len(kept)) == (RunState.DONE, "", 3)
    assert kept.items() <= dict(scoring.lists.values_list("end_user_id", "created_at")).items()
    assert (scoring.metrics["without"], scoring.metrics["cost"]["lists"]) == ([], 8)
    assert scoring.metrics["adapters"] == [run.adapter_name, *(f"{run.adapter_name}-group-{n}" for n in (1, 2))]
    assert scoring.metrics["cost"]["read"] < scoring.metrics["cost"]["row_by_row"] / 2
    assert 0 <= scoring.metrics["test"]["thinkrec_uauc"] <= 1

    tuned = opened(catalog, ScoringConfig(tuned=run.pk))
    assert tuned is not None
    kinds = set()
    for found in scoring.lists.select_related("end_user__catalog"):
        acting = Acting.from_json(found.experts)
        kinds.add(acting.kind)
        expected = alone(tuned, found)
        for one in found.items:
            assert one["log_odds"] == pytest.approx(expected[one["item_id"]], abs=1e-4)
            assert len(one["by_adapter"]) == 3
            if acting.kind != "fused":
                place = acting.choice.scales.index(1.0)
                assert one["by_adapter"][place] == pytest.approx(one["log_odds"], abs=1e-5)
        assert np.std([one["by_adapter"] for one in found.items], axis=1).max() > 1e-3  # experts differ
    assert kinds == {"global", "single", "fused"}

    fused = next(one for one in scoring.lists.select_related("end_user") if one.experts["kind"] == "fused")
    _, key = create_token("tests", account=make_account())
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    address = f"/api/v1/catalogs/{catalog.name}/users/{fused.end_user.external_id}/recommendations"
    answer = client.get(address, {"scenario": "thinkrec", "explain": "short"}).json()
    assert (answer["source"], [item["item_id"] for item in answer["items"]]) == (
        "thinkrec",
        [one["item_id"] for one in fused.items],
    )
    (scored,) = [reason for reason in answer["items"][0]["reasons"] if reason["kind"] == "scored"]
    assert {one["name"] for one in scored["adapters"]} == set(scoring.metrics["adapters"][1:])
    assert sum(one["share"] for one in scored["adapters"]) == pytest.approx(1)
    assert scored["model"].startswith(f"{run.adapter_name}: group-")
    assert "%, group-" in scored["model"]


def prompts_of(catalog: Catalog, tuned: Tuned, end_user: EndUser) -> tuple[list[str], tuple[float, ...]]:
    met = end_user.interactions.exclude(item__external_id="i000").order_by("moment")
    history = [(one.item_id, one.rating is not None and one.rating > 3) for one in met]
    pks = list(catalog.items.order_by("pk").values_list("pk", flat=True))[:3]
    _, made = people.questions(catalog, history, pks, shows=tuned.shows(end_user.pk))
    return [prompt.messages[-1]["content"] for prompt in made], tuned.choice(end_user.pk).scales


def test_what_is_left_out_of_scoring_changes_that_and_nothing_else(ready: Ready) -> None:
    catalog, run = ready
    end_user = catalog.end_users.order_by("pk")[2]  # fused

    def without(*parts: str) -> tuple[list[str], tuple[float, ...]]:
        tuned = opened(catalog, ScoringConfig(tuned=run.pk, without=parts))
        assert tuned is not None
        return prompts_of(catalog, tuned, end_user)

    whole, scales = without()
    assert whole[0].count(PLACE) == 2 * 11  # the end user and ten of the history; the first item has no vector
    assert whole[1].count(PLACE) == 2 * 12
    assert " with description: " in whole[0]
    assert sum(scale > 0 for scale in scales) == 2

    def textual(prompt: str) -> str:
        pieces = prompt.split(PLACE)
        prompt = PLACE.join("" if number % 2 else piece for number, piece in enumerate(pieces))
        no_user = prompt.replace(f"The person has the feature {PLACE}{PLACE}.\n", "")
        return no_user.replace(f" with feature {PLACE}{PLACE}", "")

    assert without("thinking") == (whole, scales)
    assert without("experts") == (whole, (1.0,))
    assert without("vectors") == ([textual(prompt) for prompt in whole], scales)
    assert without("all-but-global") == without("experts", "vectors") == ([textual(p) for p in whole], (1.0,))
    bare, unchanged = without("keywords")
    genres = ("Comedy", "Drama", "Horror", "Western")
    assert unchanged == scales
    assert not any(word in prompt for prompt in bare for word in genres)
    assert [prompt.count(PLACE) for prompt in bare] == [prompt.count(PLACE) for prompt in whole]
    assert [prompt.count('"') for prompt in bare] == [prompt.count('"') for prompt in whole]


def test_without_thinking_no_answer_is_reasoned_and_without_a_tuned_run_keywords_go_too(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, run = ready
    shown: list[str] = []
    real = FusedScorer.score

    def score(self: Any, prompts: Any, **more: Any) -> Any:
        shown.extend(prompt.messages[-1]["content"] for prompt in prompts)
        return real(self, prompts, **more)

    monkeypatch.setattr(FusedScorer, "score", score)
    told = {"sample": 1, "top": 2, "held_out": 0, "reasoning": 4}
    reasoned = carried_out(asked(catalog, tuned=run.pk, **told))
    assert (reasoned.error, reasoned.lists.get().prompt) == ("", "reason/v1")
    assert reasoned.metrics["cost"]["written"] > 0
    assert all(one["text"] for one in reasoned.lists.get().items)
    plain = carried_out(asked(catalog, tuned=run.pk, without=("thinking", "keywords"), **told))
    assert (plain.lists.get().prompt, plain.metrics["cost"]["written"]) == ("score/v1", 0)
    assert plain.metrics["without"] == ["keywords", "thinking"]
    assert plain.lists.get().model.startswith(f"{run.adapter_name} without thinking, keywords: ")
    assert " with description: " in shown[0]
    assert " with description: " not in shown[-1]
    untuned = carried_out(asked(catalog, base=run.config["base"], without=("keywords", "thinking"), **told))
    assert (untuned.lists.get().prompt, untuned.lists.get().experts) == ("score/v1", None)


def test_what_the_tuning_went_without_is_left_out_of_scoring_too(ready: Ready) -> None:
    catalog, run = ready
    ThinkrecRun.objects.update(config=run.config | {"without": ["keywords"]})
    tuned = opened(catalog, ScoringConfig(tuned=run.pk, without=("experts",)))
    assert tuned is not None
    assert tuned.out == {"keywords", "experts"}
    assert tuned.name == f"{run.adapter_name} without experts, keywords"


def test_who_has_no_vector_is_scored_by_the_global_adapter_without_a_word_about_one(ready: Ready) -> None:
    catalog, run = ready
    tuned = opened(catalog, ScoringConfig(tuned=run.pk))
    assert tuned is not None
    (prompt, *_), scales = prompts_of(catalog, tuned, catalog.end_users.latest("pk"))
    assert scales == (1.0, 0.0, 0.0)
    assert "The person has the feature" not in prompt


def change(run: ThinkrecRun, **columns: Any) -> None:
    ThinkrecRun.objects.filter(pk=run.pk).update(**columns)


def gone(run: ThinkrecRun) -> None:
    shutil.rmtree(service.folder_of(run))


def changed(run: ThinkrecRun) -> None:
    (service.folder_of(run) / "groups/group-1/adapter_model.safetensors").write_bytes(b"other")


def without_groups(run: ThinkrecRun) -> None:
    assert run.grouping is not None
    run.grouping.delete()


def without_file(run: ThinkrecRun) -> None:
    assert run.grouping is not None
    grouped.path_of(run.grouping).unlink()


def by_moments(run: ThinkrecRun) -> None:
    change(run, config=run.config | {"split": "given:5:9"})


@pytest.mark.parametrize(
    ("spoil", "settings", "said"),
    [
        (lambda run: run.delete(), {}, "There is no ThinkRec tuning"),
        (lambda run: change(run, state=RunState.RUNNING), {}, r"is not done \(running\)"),
        (lambda run: change(run, catalog=make_catalog("books")), {}, "learnt from books, not from"),
        (gone, {}, "The weights of ThinkRec tuning .* are gone. Tune again"),
        (changed, {}, "groups/group-1/adapter_model.safetensors of ThinkRec tuning .* is not the file"),
        (lambda run: None, {"base": "smollm2"}, "was tuned on the base .*, not on smollm2"),
        (lambda run: None, {"split": "global-time"}, "learnt from the train part of the split r4ec"),
        (by_moments, {"split": "given:5:8"}, "learnt from the train part of the split given:5:9; in given:5:8 other"),
        (lambda run: None, {"where": "endpoint"}, "an endpoint takes no vectors"),
        (without_groups, {}, "came from files, or are gone"),
        (without_file, {}, "The file of these groups is missing"),
    ],
)
def test_a_tuned_run_that_cannot_score_is_said_in_words_before_anything_is_asked_for(
    ready: Ready, spoil: Callable[[ThinkrecRun], None], settings: dict[str, Any], said: str
) -> None:
    catalog, run = ready
    pk = run.pk
    config = ScoringConfig(tuned=pk, **settings)
    spoil(run)
    with pytest.raises(CannotScoreError, match=said):
        opened(catalog, config)
    if not settings:
        with pytest.raises(CommandError, match=said):
            call_command("score_lists", catalog.name, "--tuned", str(pk))
        assert not ScoringRun.objects.exists()
        assert "ThinkRec tuning" in carried_out(asked(catalog, tuned=pk)).error or said.startswith("The file")


@pytest.mark.parametrize("folder", [ADAPTER, GROUPS, PROJECTOR])
def test_weights_that_go_while_the_base_loads_are_said_in_words(
    ready: Ready, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    catalog, run = ready
    monkeypatch.setattr(Tuned, "require_weights", lambda self: shutil.rmtree(self.folder / folder))  # right after it
    error = carried_out(asked(catalog, tuned=run.pk, split="r4ec")).error
    assert error.startswith(f"What {run} tuned does not go with its base")
    assert folder in error


def test_weights_of_what_is_left_out_are_not_needed(ready: Ready) -> None:
    catalog, run = ready
    changed(run)
    without_groups(run)
    run.refresh_from_db()
    assert opened(catalog, ScoringConfig(tuned=run.pk, without=("all-but-global",))) is not None


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(SettingError, match="leave one of them out"):
        ScoringConfig(tuned=1, adapter="/a")
    with pytest.raises(SettingError, match="needs a tuned run"):
        ScoringConfig(by_expert=True)


def test_the_command_goes_by_the_split_of_the_tuning(ready: Ready) -> None:
    catalog, run = ready
    change(run, config=run.config | {"split": "given:1180:1210"})
    call_command("score_lists", catalog.name, "--tuned", str(run.pk), "--top=2", "--sample=1", stdout=StringIO())
    assert ScoringRun.objects.get().config["split"] == "given:1180:1210"
    with pytest.raises(CommandError, match="in r4ec other opinions are held out"):
        call_command("score_lists", catalog.name, "--tuned", str(run.pk), "--split", "r4ec")


def test_the_command_takes_a_tuned_run_and_says_what_it_goes_without(ready: Ready) -> None:
    catalog, run = ready
    out = StringIO()
    told = ("--sample=1", "--top=2", "--held-out=0", "--json")
    call_command(
        "score_lists", catalog.name, f"--tuned={run.pk}", "--without=vectors", "--without=keywords", *told, stdout=out
    )
    said = json.loads(out.getvalue())
    assert said["metrics"]["without"] == ["keywords", "vectors"]
    assert ScoringRun.objects.get().config["without"] == ["vectors", "keywords"]
    with pytest.raises(CommandError, match="invalid choice: 'sense'"):
        call_command("score_lists", catalog.name, "--without=sense")


def answers(request: dict[str, Any], chances: dict[str, float]) -> Any:
    from tests.recommender.thinkrec.test_endpoint import tells

    chance = chances[request["model"]]
    return tells(("Yes", chance), ("No", 0.9 - chance))


def test_an_endpoint_that_knows_adapters_by_name_mixes_what_they_answer(ready: Ready, settings: Settings) -> None:
    catalog, run = ready
    names = [run.adapter_name, *(f"{run.adapter_name}-group-{n}" for n in (1, 2))]
    chances = dict(zip(names, (0.2, 0.4, 0.6), strict=True))
    with running(lambda request, _: answers(request, chances)) as server:
        settings.LLM = server.endpoints()
        told = {"without": ("vectors",), "held_out": 0, "by_expert": True, "calibration": "none", "top": 2, "sample": 7}
        scoring = carried_out(asked(catalog, tuned=run.pk, where="endpoint", **told))
    assert scoring.error == ""
    assert {request["model"] for request in server.requests} == set(names)
    seen = set()
    for found in scoring.lists.all():
        acting = Acting.from_json(found.experts)
        seen.add(acting.kind)
        assert acting.mixed == ("answers mixed" in found.model) == (acting.kind == "fused")
        chance = sum(scale * chances[name] for scale, name in zip(acting.choice.scales, names, strict=True))
        for one in found.items:
            assert one["log_odds"] == pytest.approx(math.log(chance / (0.9 - chance)), abs=1e-5)
            alone = [math.log(each / (0.9 - each)) for each in chances.values()]
            assert one["by_adapter"] == pytest.approx(alone, abs=1e-5)
    assert seen == {"global", "single", "fused"}


def test_a_llama_cpp_server_is_told_the_scales_and_asked_once(ready: Ready, settings: Settings) -> None:
    catalog, run = ready
    names = [run.adapter_name, *(f"{run.adapter_name}-group-{n}" for n in (1, 2))]
    told = {"without": ("vectors",), "held_out": 0, "top": 2, "tuned": run.pk, "where": "endpoint"}
    with running(lambda request, _: answers(request, {"scorer": 0.4})) as server:
        settings.LLM = server.endpoints()
        server.adapters = [{"id": 5 + n, "path": f"/var/{name}.gguf", "scale": 0.0} for n, name in enumerate(names)]
        scoring = carried_out(asked(catalog, **told))
        server.adapters.pop()
        lacking = carried_out(asked(catalog, **told))
    assert scoring.error == ""
    scales = {found.end_user_id: Acting.from_json(found.experts).choice.scales for found in scoring.lists.all()}
    sent = [tuple(sorted((one["id"], one["scale"]) for one in request["lora"])) for request in server.requests]
    wanted = {tuple((5 + n, scale) for n, scale in enumerate(each) if scale) for each in scales.values()}
    assert set(sent) == wanted
    assert all(request["cache_prompt"] is False for request in server.requests)
    assert "mixed" not in "".join(found.model for found in scoring.lists.all())
    assert f"no adapter '{names[2]}' is there: it holds {names[0]}, {names[1]}" in lacking.error
    assert preview(catalog.end_users.select_related("catalog").get(pk=next(iter(scales))), limit=2).items
