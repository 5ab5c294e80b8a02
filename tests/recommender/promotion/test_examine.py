"""Gates of real, tiny backbones: equal ones pass, a confused one fails, and what cannot be measured is said."""

import json

import numpy as np
import pytest

from recommender.artifacts import files, ranker
from recommender.measures.ranking import mean
from recommender.measures.scores import gauc
from recommender.promotion import examine as examining
from recommender.promotion.examine import examine
from recommender.promotion.gates import REQUIRED, Limits
from recommender.promotion.measure import measure, p95_ms
from recommender.promotion.test_bed import make_test_bed
from recommender.serving.request import request_for
from tests.recommender.promotion.made import confused_version, real_version

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LIMITS = Limits(gauc_margin=0.002, ndcg_margin=0.002, latency_ms=10_000)


def gates_of(version, active, *, limits=LIMITS):
    found = examine(version, active, limits=limits, end_users=1000, step=lambda done, of: None)
    return {gate.name: gate for gate in found.gates}, found


def test_a_version_as_good_as_the_active_one_passes_every_gate(catalog, active):
    gates, found = gates_of(real_version(catalog), active)

    assert list(gates) == list(REQUIRED)
    assert all(gate.passed for gate in gates.values())
    assert (gates["gauc"].value, gates["gauc"].low, gates["gauc"].high) == (0, 0, 0)
    assert gates["golden"].value < 1e-5
    assert (found.facts["end_users"], found.facts["rows"]) == (30, 120)


def test_a_version_that_ranks_like_dice_fails_on_quality(catalog, active):
    gates, found = gates_of(confused_version(catalog), active)

    assert gates["gauc"].outcome == "failed"
    assert gates["gauc"].high < 0
    assert not gates["golden"].passed
    assert gates["files"].passed
    assert found.differences["gauc"].estimate == gates["gauc"].value


def test_the_first_version_of_a_catalog_has_none_to_be_worse_than(catalog):
    gates, found = gates_of(real_version(catalog), None)

    assert all(gate.passed for gate in gates.values())
    assert "No other version is active" in gates["ndcg"].words
    assert found.differences == {}


def test_an_active_version_that_cannot_rank_stops_nobody(catalog, active):
    candidate = real_version(catalog)
    (files.folder_of(active) / "model.onnx").unlink()
    gates, _ = gates_of(candidate, active)

    assert gates["gauc"].passed
    assert "Version 1 is active but cannot rank" in gates["gauc"].words


def test_a_candidate_that_cannot_be_read_fails_and_says_why(catalog, active):
    candidate = real_version(catalog)
    (files.folder_of(candidate) / "ids.json").unlink()
    gates, _ = gates_of(candidate, active)

    assert {gate.outcome for gate in gates.values()} == {"failed"}
    assert gates["files"].words == "Changed since it was trained: ids.json. Train it again."
    assert "ids.json" in gates["latency"].words


def test_golden_scores_that_the_graph_no_longer_gives_fail(catalog, active):
    candidate = real_version(catalog)
    path = files.folder_of(candidate) / "golden.json"
    golden = json.loads(path.read_text())
    golden[0]["scores"][0] += 1e-4
    path.unlink()
    path.write_text(json.dumps(golden))
    gates, _ = gates_of(candidate, active)

    assert gates["golden"].outcome == "failed"
    assert gates["golden"].value == pytest.approx(1e-4, rel=0.1)
    assert gates["parity"].passed
    assert not gates["files"].passed


def test_a_version_of_an_earlier_release_has_no_golden_users(catalog, active):
    candidate = real_version(catalog)
    (files.folder_of(candidate) / "golden.json").unlink()
    gates, _ = gates_of(candidate, active)

    assert "made without golden users" in gates["golden"].words
    assert gates["gauc"].passed


def test_a_version_that_is_too_slow_fails(catalog, active):
    gates, _ = gates_of(real_version(catalog), active, limits=Limits(0.002, 0.002, latency_ms=1e-6))

    assert gates["latency"].outcome == "failed"
    assert gates["latency"].value > 1e-6


def test_a_split_with_nothing_to_test_leaves_quality_unsure(catalog, active, monkeypatch):
    def no_test_bed(*_, **__):
        raise examining.CannotTrainError("There is nothing for the test part.")

    monkeypatch.setattr(examining, "make_test_bed", no_test_bed)
    gates, _ = gates_of(real_version(catalog), active)

    assert gates["gauc"].outcome == "unsure"
    assert "nothing for the test part" in gates["gauc"].words


def test_what_is_measured_is_what_the_ranker_says_of_the_whole_catalog(catalog, active):
    bed = make_test_bed(real_version(catalog), active, most=1000)
    ranking = ranker.read(files.folder_of(active))
    found = measure(bed, ranking, hidden=frozenset())
    one = bed.tested[4]
    scores = ranking.score(one.name, one.history, bed.items, attributes=one.attributes)
    unseen = np.setdiff1d(np.arange(len(bed.items)), one.met)
    order = unseen[np.argsort(-scores[unseen], kind="stable")].tolist()
    ranks = sorted(order.index(item) + 1 for item in one.items[one.liked > 0].tolist())
    label = np.concatenate([each.liked for each in bed.tested])
    owner = np.repeat(np.arange(30), 4)

    np.testing.assert_allclose(found.probability[16:20], scores[one.items], atol=1e-7)
    assert found.ranks.rank[found.ranks.end_user == 4].tolist() == ranks
    assert gauc(label, found.probability, owner) > 0.6
    assert mean(found.ranks.ndcg(10)) > 0.3


def test_a_hidden_text_is_not_used(catalog, active):
    bed = make_test_bed(real_version(catalog), active, most=1000)
    ranking = ranker.read(files.folder_of(active))
    known = next(one.name for one in bed.tested if one.name in ranking.end_users)
    shown, hidden = (measure(bed, ranking, hidden=frozenset(names)) for names in ((), (known,)))
    place = [one.name for one in bed.tested].index(known) * 4
    changed = np.flatnonzero(shown.probability != hidden.probability)

    assert set(changed.tolist()) <= set(range(place, place + 4))
    assert len(changed)


def test_latency_of_nothing_to_rank_is_none(catalog, active):
    ranking = ranker.read(files.folder_of(active))

    end_user = catalog.end_users.select_related("catalog").get(external_id="u000")
    assert p95_ms(ranking, []) is None
    assert p95_ms(ranking, [request_for(end_user, limit=10)]) > 0
