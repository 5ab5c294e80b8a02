import numpy as np
import pytest

from recommender.evaluation import storing
from recommender.evaluation.figures import FitKey, Key, Samples, comparisons, draws_of, figures, of_lists
from recommender.measures import scores


def samples_of_two_slices():
    source = np.random.default_rng(0)
    end_user = np.repeat(np.arange(30, dtype=np.int32), 10)
    label = (source.random(300) < 0.5).astype(np.int8)
    half = end_user < 15
    slices = {"all": np.ones(300, bool), "cold items": half, "warm items": ~half, "head items": np.zeros(300, bool)}
    return Samples(label, end_user, slices)


def probability(of, gain, seed):
    noise = np.random.default_rng(seed).normal(size=len(of.label))
    return 1 / (1 + np.exp(-(gain * (of.label - 0.5) + noise)))


def drawn(of, gain, seed):
    values = probability(of, gain, seed)
    return draws_of(of, {"streaming": values, "frozen": values**2}, draws=50)


def test_a_fit_has_every_metric_of_everybody_and_some_of_each_slice():
    of = samples_of_two_slices()
    found = drawn(of, 2.0, 1)
    values = probability(of, 2.0, 1)

    assert found[Key("streaming", "all", "auc")].estimate == pytest.approx(scores.auc(of.label, values))
    cold = of.slices["cold items"]
    expected = scores.gauc(of.label[cold], values[cold], of.end_user[cold])
    assert found[Key("streaming", "cold items", "gauc")].estimate == pytest.approx(expected)
    assert Key("frozen", "all", "thinkrec_ndcg@5") in found
    assert Key("frozen", "cold items", "ece") not in found
    assert not any(key.slice == "head items" for key in found)  # nobody is in it


def test_differences_are_paired_over_the_seeds_both_arms_have():
    of = samples_of_two_slices()
    runs = {FitKey("din", "base", seed): drawn(of, 1.0, seed) for seed in (1, 2)}
    runs |= {FitKey("din", "knowledge", seed): drawn(of, 1.5, seed) for seed in (1, 2, 3)}
    found = figures(runs, of.counts())
    rows = {(r["history"], r["slice"], r["metric"]): r for r in found["differences"]}
    row = rows["streaming", "all", "auc"]
    gains = [
        scores.auc(of.label, probability(of, 1.5, seed)) - scores.auc(of.label, probability(of, 1.0, seed))
        for seed in (1, 2)
    ]

    assert (row["one"], row["other"], row["seeds"]) == ("knowledge", "base", 2)
    assert row["estimate"] == pytest.approx(np.mean(gains))
    assert row["low"] > 0
    assert {(r["arm"], r["seeds"]) for r in found["arms"]} == {("base", 2), ("knowledge", 3)}
    assert found["slices"]["cold items"] == {"samples": 150, "end_users": 15}


def test_an_undefined_metric_has_no_figure():
    of = samples_of_two_slices()
    liked = Samples(np.ones_like(of.label), of.end_user, {"all": of.slices["all"]})
    found = figures({FitKey("din", "base", 1): drawn(liked, 1.0, 1)}, liked.counts())

    assert {row["metric"] for row in found["arms"]} >= {"logloss", "ece"}
    assert not {row["metric"] for row in found["arms"]} & {"auc", "gauc", "thinkrec_uauc"}


def test_only_arms_that_are_there_are_compared():
    assert comparisons(["base", "knowledge"]) == [("knowledge", "base")]
    assert comparisons(["knowledge", "random"]) == [("knowledge", "random")]
    assert set(comparisons(["plain", "strong", "base", "signal", "random"])) == {
        ("signal", "base"),
        ("random", "base"),
        ("base", "strong"),
        ("strong", "plain"),
        ("base", "plain"),
    }


def test_list_metrics_join_a_fit_as_means_over_end_users():
    found = of_lists("frozen", {"ndcg@10": np.array([0.2, np.nan, 0.4])}, draws=10)

    assert found[Key("frozen", "all", "ndcg@10")].estimate == pytest.approx(0.3)


def test_what_is_stored_of_a_fit_comes_back(tmp_path):
    of = samples_of_two_slices()
    fitted, made = FitKey("din", "base", 3), drawn(of, 1.0, 3)
    storing.save_tested(tmp_path, of)
    storing.save_fit(tmp_path, fitted, {"streaming": probability(of, 1.0, 3)}, made)
    again = storing.load_draws(tmp_path, fitted)
    with np.load(tmp_path / "din-base-3.npz") as stored:
        assert (stored["probability streaming"] == probability(of, 1.0, 3)).all()  # to the last bit

    assert list(again) == list(made)
    for key, one in made.items():
        assert again[key].estimate == pytest.approx(one.estimate, nan_ok=True)
        assert again[key].values == pytest.approx(one.values, nan_ok=True)
        assert again[key].end_users == one.end_users
    assert sorted(path.name for path in tmp_path.iterdir()) == ["din-base-3.npz", "test.npz"]
    with pytest.raises(FileNotFoundError):
        storing.load_draws(tmp_path, FitKey("din", "base", 4))
