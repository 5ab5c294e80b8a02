import gzip
import json

import numpy as np
import pytest

from recommender.dataset.text_file import read_text_file
from recommender.runs.errors import CannotTrainError
from tests.recommender.training import synthetic


@pytest.fixture
def interactions():
    return synthetic.in_memory(synthetic.rows(end_users=2))


def written(path, *rows):
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.writelines(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    return path


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.jsonl.gz"])
def test_texts_of_the_catalogs_items_are_known_from_the_start(tmp_path, interactions, name):
    path = written(
        tmp_path / name,
        {"item_id": "i002", "text": "slow and honest"},
        "",
        {"item_id": "elsewhere", "text": "of another catalog"},
        {"item_id": "i001", "text": "old"},
        {"item_id": "i001", "text": "new"},
        {"item_id": "i003", "text": " "},
    )
    known = read_text_file(path, interactions)
    end_user_text, item_text = known.assign(interactions)

    assert [(text.subject, text.text) for text in known.texts] == [(1, "new"), (2, "slow and honest")]
    assert not end_user_text.any()
    assert (item_text == np.select([interactions.item == 1, interactions.item == 2], [1, 2], default=0)).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (['{"item_id": "i001"}'], "Line 1 of the knowledge file .* it has no text"),
        ([{"item": "i001", "text": "fine"}], "it has no item_id or user_id"),
        ([{"item_id": "i001", "text": None}], "Line 1 .* is no string"),
        ([{"item_id": "i001", "text": "fine", "further": [1]}], "Line 1 .* is no string"),
        ([{"item_id": "i001", "text": "fine"}, "not JSON"], "Line 2 of the knowledge file"),
        (["[1, 2]"], "Line 1"),
        ([{"item_id": "i001", "text": "fine", "as_of": "soon"}], "Line 1"),
        ([{"item_id": "i001", "text": "fine", "further": "more"}], "Line 1"),
        ([{"item_id": "elsewhere", "text": "x"}], "No item_id"),
        ([], "There is no text"),
        ([{"item_id": "i001", "text": " "}], "There is no text"),
    ],
)
def test_a_file_that_will_not_do_is_refused_by_line(tmp_path, interactions, rows, message):
    with pytest.raises(CannotTrainError, match=message):
        read_text_file(written(tmp_path / "texts.jsonl", *rows), interactions)


def test_a_file_that_cannot_be_read_is_refused(tmp_path, interactions):
    no_gzip = tmp_path / "texts.jsonl.gz"
    no_gzip.write_text("plain")
    for path in (tmp_path / "nowhere.jsonl", no_gzip):
        with pytest.raises(CannotTrainError, match="cannot be read"):
            read_text_file(path, interactions)


def test_moments_drafts_and_what_a_text_was_made_from_count_as_in_the_database(tmp_path, interactions):
    own = np.flatnonzero(interactions.end_user == 1)
    first, later = own[2], own[5]
    user, item = interactions.end_users[1], interactions.items[interactions.item[first]]
    path = written(
        tmp_path / "texts.jsonl",
        {"user_id": user, "text": "early", "as_of": int(interactions.moment[first])},
        {
            "user_id": user,
            "text": "late",
            "further": ["late as well"],
            "as_of": int(interactions.moment[later]),
            "shown": [[user, interactions.items[interactions.item[later]]], [user, "elsewhere"]],
        },
        {"item_id": item, "text": "told by a witness", "shown": [[user, item]]},
    )
    known = read_text_file(path, interactions)
    end_user_text, item_text = known.assign(interactions)
    of = {text.text: row for row, text in enumerate(known.texts, start=1)}

    assert end_user_text[own[:2]].tolist() == [0, 0]
    assert set(end_user_text[own[2:5]].tolist()) == {of["early"]}
    assert end_user_text[later] == 0  # the text was made from it
    assert set(end_user_text[own[6:]].tolist()) == {of["late"]}
    assert not end_user_text[interactions.end_user != 1].any()
    assert known.texts[of["late"] - 1].further[0][1] == "late as well"
    assert not item_text[own].any()
    assert item_text[(interactions.end_user == 0) & (interactions.items.index(item) == interactions.item)].all()
