import gzip
import json

import numpy as np
import pytest

from benchmarks import thinkrec_rows
from recommender.dataset.split import TEST, TRAIN, VALID
from recommender.measures.thinkrec import thinkrec

ROWS = [
    ("1", "1", 1, 994556598),
    ("1", "2", 0, 994556599),
    ("2", "1", 1, 1017620997),
    ("2", "3", 1, 1030839253),
]


@pytest.fixture
def rows(tmp_path):
    """Four interactions with three films, two of which a text is about."""
    for name in ("thinkrec-ml-1m", "ml-1m"):
        (tmp_path / name).mkdir()
    (tmp_path / "thinkrec-ml-1m/items.csv").write_text(
        'item_id,title,genres,movie_id\n1,"Harbour, The (1994)",Drama,30\n'
        "2,Sting (1973),Comedy|Crime,10\n3,A (1999),War,20\n"
    )
    with gzip.open(tmp_path / "thinkrec-ml-1m/interactions.csv.gz", "wt") as file:
        file.write("user_id,item_id,label,timestamp,part,warm\n")
        file.writelines(f"{who},{what},{label},{when},,1\n" for who, what, label, when in ROWS)
    with gzip.open(tmp_path / "ml-1m/item_knowledge.jsonl.gz", "wt") as file:
        for number, text in (("30", "A harbour."), ("20", "A war.")):
            file.write(json.dumps({"item_id": number, "text": text}) + "\n")
    return thinkrec_rows.Rows(tmp_path)


def test_rows_are_cut_at_thinkrecs_moments_and_texts_join_by_the_films_number(rows):
    assert rows.codes.tolist() == [TRAIN, TRAIN, VALID, TEST]
    assert rows.interactions.liked.tolist() == [1, 0, 1, 1]
    assert rows.knowledge == ["A harbour.", "", "A war."]
    assert rows.texts("metadata")[1] == "Sting (1973). Genres: Comedy, Crime."
    assert sorted(rows.texts("shuffled")) == sorted(rows.knowledge)


def test_what_stands_after_the_equals_sign_are_settings():
    assert thinkrec_rows.settings_of("din knowledge=history:60,metadata_text:true") == (
        "din knowledge",
        {"history": 60, "metadata_text": True},
    )
    assert thinkrec_rows.settings_of("mf") == ("mf", {})


def test_the_measures_are_thinkrecs_and_the_standard_ones():
    source = np.random.default_rng(2)
    label, score, end_user = source.integers(0, 2, 60), source.random(60), np.repeat(np.arange(6), 10)
    made = thinkrec_rows.estimates(label, [score, score], end_user)

    for name, values in thinkrec(label, score, end_user, at=(5,)).items():
        assert made[name] == pytest.approx(np.nanmean(values))
    assert made["map@5"] > made["thinkrec_map@5"]  # divided by all that is liked
    lowest, mean, highest = thinkrec_rows.quarters(label, [score], end_user)["auc"]
    assert lowest < mean < highest


def test_seeds_are_averaged_in_groups_by_their_logits():
    one, other, third = np.array([0.9, 0.5]), np.array([0.1, 0.5]), np.array([0.8, 0.8])
    (made,) = thinkrec_rows.averaged([one, other, third], 2)

    np.testing.assert_allclose(made, [0.5, 0.5])
    assert len(thinkrec_rows.averaged([one, other, third], 1)) == 3


def test_a_fit_that_is_done_is_not_done_again(rows, tmp_path, monkeypatch):
    fits, asked = thinkrec_rows.Fits(rows, {}, tmp_path / "kept"), []
    made = {"valid": np.array([0.4]), "test": np.array([0.6])}
    monkeypatch.setattr(fits, "collaborative", lambda *of: asked.append(of) or made)

    for _ in range(2):
        assert fits.of("mf=width:8", 3)["test"].tolist() == [0.6]
    fits.of("mf=width:9", 3)
    assert asked == [("mf", {"width": 8}, 3), ("mf", {"width": 9}, 3)]
