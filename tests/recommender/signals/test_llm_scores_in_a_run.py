"""From stored answers of an LLM through training and the artifact to a list and its reasons."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from recommender.artifacts import files
from recommender.artifacts.verified import load
from recommender.dataset.interactions import read_interactions
from recommender.dataset.split import TEST, VALID, split
from recommender.models import BackboneVersion, Catalog, EndUser, RunState, ScoredRating, ScoringRun, VersionState
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.runs.observer import WITH, WITHOUT
from recommender.serving.recommend import preview
from recommender.serving.request import request_for, score
from recommender.serving.types import ScoredReason
from recommender.thinkrec.scoring import lists
from recommender.thinkrec.scoring.lists import ScoredItem
from tests.builders import make_interaction, make_item
from tests.carried_out import carried_out
from tests.recommender.training import synthetic
from tests.recommender.training.test_service import QUICK

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.once]
SCORER = "s" * 64


@pytest.fixture
def catalog(settings: Settings, tmp_path: Any) -> Catalog:
    settings.VAR_DIR = tmp_path
    return synthetic.in_database()


def told(catalog: Catalog, *, knows: float, preference: bool = False) -> ScoringRun:
    """Scores of all valid and test ratings by a model that knows so much of the answers, with noise of size 1."""
    run = ScoringRun.objects.create(
        catalog=catalog,
        state=RunState.DONE,
        config={"split": "r4ec", "preference": preference},
        metrics={"scorer": SCORER, "model": "tiny"},
    )
    data, draw = read_interactions(catalog), np.random.default_rng(0)
    people, items = list(data.end_user_keys), list(data.item_keys)
    for row in np.flatnonzero(np.isin(split("r4ec", data.end_user, data.liked), (VALID, TEST))).tolist():
        ScoredRating.objects.create(
            run=run,
            scorer=SCORER,
            end_user_id=people[data.end_user[row]],
            item_id=items[data.item[row]],
            as_of=data.moment[row],
            score=knows * (2 * int(data.liked[row]) - 1) + draw.normal(),
        )
    return run


def trained(catalog: Catalog, **settings: Any) -> BackboneVersion:
    run = carried_out(runs.request(TRAINING, queue=False, catalog=catalog, config=QUICK.but(**settings).to_json()))
    assert run.error == ""
    version: BackboneVersion = run.version
    return version


def activated(version: BackboneVersion) -> BackboneVersion:
    version.state = VersionState.ACTIVE
    version.save()
    return version


def listed(catalog: Catalog, run: ScoringRun, **more: Any) -> tuple[EndUser, list[str]]:
    """The reader, and the first six items of their list, of which the last got the best score, the first the worst."""
    reader = catalog.end_users.select_related("catalog").get(external_id="u000")
    first = [item.item_id for item in preview(reader, limit=6).items]
    made = [ScoredItem(name, 0.0, 4.0 * place - 10, 0.5) for place, name in enumerate(first)]
    told = {"model": "tiny", "prompt": ("score/v1", "0" * 64), "knowledge": None, "with_preference": False} | more
    history = request_for(reader, limit=1).known
    lists.store(run, reader, made, backbone=BackboneVersion.objects.get(state="active"), history=history, **told)
    return reader, first


def test_answers_that_likes_bear_out_are_learned_exported_and_move_a_list_by_name(catalog: Catalog) -> None:
    run = told(catalog, knows=1.5)
    version = activated(trained(catalog))
    learned, folder = version.metrics["llm_scores"], files.folder_of(version)
    blend = load(version).llm_scores
    assert json.loads((folder / "manifest.json").read_text())["llm_scores"] == learned
    assert (blend.scorer, blend.weight) == (SCORER, learned["weight"])
    assert learned["weight"] > 0.2
    assert learned["ratings"] == version.metrics["samples"]["valid"]["labelled"]

    reader, first = listed(catalog, run)
    moved = preview(reader, limit=100, level="short")
    request = request_for(reader, limit=100)
    bare = load(version).score(reader.external_id, request.history, first, attributes=reader.attributes)
    reasons = {item.item_id: [r for r in item.reasons if isinstance(r, ScoredReason)] for item in moved.items}
    assert moved.source == "backbone"
    assert [name for name in reasons if reasons[name]] == [
        item.item_id for item in moved.items if item.item_id in first
    ]
    scores = {item.item_id: item.score for item in moved.items}
    for place, (name, before) in enumerate(zip(first, bare.tolist(), strict=True)):
        (reason,) = reasons[name]
        expected = float(blend.offset(np.array([4.0 * place - 10]))[0])
        assert reason.effect == pytest.approx(expected, abs=1e-4)
        logit = np.log(scores[name] / (1 - scores[name])) - np.log(before / (1 - before))
        assert logit == pytest.approx(expected, abs=1e-3)
    assert [name for name in scores if name in first] != first


def test_a_list_that_is_stale_or_of_another_scorer_moves_nothing_nor_without_a_weight(
    catalog: Catalog,
) -> None:
    run = told(catalog, knows=1.5)
    version = activated(trained(catalog))
    reader, first = listed(catalog, run)
    ranker = load(version)

    def effects(**more: Any) -> set[str]:
        return set(score(request_for(reader, limit=3, **more), ranker).answers.effects)

    assert effects() == set(first)
    assert effects(unaware=True) == set(first)  # the model was shown no text
    assert not score(replace(request_for(reader, limit=3), answered=False), ranker).answers.effects  # a scoring run's
    run.metrics["scorer"] = "another"
    run.save()
    assert effects() == set()
    run.metrics["scorer"] = SCORER
    run.save()
    listed(catalog, run, with_preference=True)
    assert effects(unaware=True) == set()
    make_interaction(reader, make_item(catalog), moment=10**6)
    assert effects() == set()

    off = trained(catalog, llm_scores=False)
    assert off.metrics["llm_scores"] is None
    assert load(off).llm_scores.weight == 0.0


def test_answers_that_know_nothing_leave_every_figure_as_it_was(catalog: Catalog) -> None:
    told(catalog, knows=0.0)
    version, off = trained(catalog), trained(catalog, llm_scores=False)
    assert version.metrics["llm_scores"]["weight"] == 0.0
    assert version.metrics[WITH]["test"] == off.metrics[WITH]["test"]
    assert version.metrics[WITH]["valid"] == off.metrics[WITH]["valid"]


def test_what_an_llm_answered_after_reading_approved_texts_is_no_part_of_the_model_without_knowledge(
    catalog: Catalog,
) -> None:
    synthetic.approve(catalog.items.earliest("pk"), "A quiet film.")
    off = trained(catalog, llm_scores=False)
    told(catalog, knows=1.5, preference=True)
    version = trained(catalog)
    assert version.metrics[WITH]["test"]["auc"] > off.metrics[WITH]["test"]["auc"]
    assert version.metrics[WITHOUT]["test"] == off.metrics[WITHOUT]["test"]
