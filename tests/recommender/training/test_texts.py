import gzip
import json

import numpy as np
import pytest

from recommender.training import texts
from recommender.training.errors import CannotTrainError
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
    known = texts.read(path, interactions)
    end_user_text, item_text = known.assign(interactions)

    assert [(text.subject, text.text) for text in known.texts] == [(1, "new"), (2, "slow and honest")]
    assert not end_user_text.any()
    assert (item_text == np.select([interactions.item == 1, interactions.item == 2], [1, 2], default=0)).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (['{"item_id": "i001"}'], "Line 1 of the knowledge file"),
        ([{"item_id": "i001", "text": "fine"}, "not JSON"], "Line 2 of the knowledge file"),
        (["[1, 2]"], "Line 1"),
        ([{"item_id": "elsewhere", "text": "x"}], "No item_id"),
        ([], "No item_id"),
    ],
)
def test_a_file_that_will_not_do_is_refused_by_line(tmp_path, interactions, rows, message):
    with pytest.raises(CannotTrainError, match=message):
        texts.read(written(tmp_path / "texts.jsonl", *rows), interactions)


def test_a_file_that_cannot_be_read_is_refused(tmp_path, interactions):
    no_gzip = tmp_path / "texts.jsonl.gz"
    no_gzip.write_text("plain")
    for path in (tmp_path / "nowhere.jsonl", no_gzip):
        with pytest.raises(CannotTrainError, match="cannot be read"):
            texts.read(path, interactions)
