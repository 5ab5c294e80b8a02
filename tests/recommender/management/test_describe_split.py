import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recommender.dataset.interactions import read_interactions
from recommender.dataset.named import codes_of
from recommender.models import Catalog, Clock
from tests import builders
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db


def described(capsys, *arguments):
    call_command("describe_split", "films", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def test_r4ec_counts_samples_positives_and_end_users_of_each_part(capsys):
    synthetic.in_database("films")
    found = described(capsys)

    # 24 interactions each: 11 history, cut at 19, so 9 train of which 1 validates, 4 test
    assert [found[part]["samples"] for part in ("train", "valid", "test")] == [240, 30, 120]
    assert found["train_before_valid"]["samples"] == 270
    assert found["test"]["end_users"] == 30
    assert 0 < found["test"]["positives"] < 120
    assert found["interactions"] == 720


def test_an_unknown_label_counts_as_sample_but_not_as_labelled(capsys):
    catalog = synthetic.in_database("films")
    end_user = catalog.end_users.get(external_id="u000")
    last = end_user.interactions.order_by("-moment").first()
    last.rating = None
    last.save()
    found = described(capsys)

    assert (found["test"]["samples"], found["test"]["labelled"], found["unknown_labels"]) == (120, 119, 1)


def test_kar_tests_other_end_users_in_each_fold(capsys):
    synthetic.in_database("films")
    found = described(capsys, "--split", "kar", "--fold", "3")

    assert (found["fold"], found["seed"]) == (3, 1234)
    assert [found[part]["end_users"] for part in ("train", "valid", "test")] == [24, 3, 3]
    assert found["test"]["samples"] == 3 * 12


def test_global_time_is_by_moment_on_a_clock_of_seconds(capsys):
    synthetic.in_database("films")
    found = described(capsys, "--split", "global-time")

    assert found["by"] == "moment"
    assert "note" not in found
    assert found["train"]["samples"] == 570  # 576 would divide a moment of 30


def test_global_time_on_an_order_clock_says_that_it_is_not_one(capsys):
    catalog = synthetic.in_database("films")
    catalog.clock = Clock.ORDER
    catalog.save()
    found = described(capsys, "--split", "global-time")
    call_command("describe_split", "films", "--split", "global-time")

    assert found["by"] == "relative order"
    assert "not a split by global time" in found["note"]
    printed = capsys.readouterr().out
    assert "by relative order: each end user's last tenth is tested" in printed
    assert "not a split by global time" in printed


def test_given_moments_are_counted_and_named(capsys):
    catalog = synthetic.in_database("films")
    moments = sorted(set(catalog.end_users.first().interactions.values_list("moment", flat=True)))
    cuts = "--split", "given", "--valid-from", str(moments[10]), "--test-from", str(moments[20])
    found = described(capsys, *cuts)
    assert described(capsys, "--split", f"given:{moments[10]}:{moments[20]}") == found  # as runs of LLMs spell it
    call_command("describe_split", "films", *cuts)

    assert (found["by"], found["valid_from"], found["test_from"]) == ("moment", moments[10], moments[20])
    assert [found[part]["samples"] for part in ("train", "valid", "test")] == [300, 300, 120]
    assert f"by moment, valid from {moments[10]}, test from {moments[20]}: two moments" in capsys.readouterr().out


@pytest.mark.data
def test_thinkrecs_rows_come_out_exactly(capsys, research_data):
    folder = research_data / "thinkrec-ml-1m"
    items = "--items", str(folder / "items.csv"), "--item-map", "movie_id="
    call_command("import_catalog", "films", str(folder / "interactions.csv.gz"), "--format", "csv", *items)
    capsys.readouterr()
    found = described(capsys, "--split", "given", "--valid-from", "1017620997", "--test-from", "1030839253")

    assert [found[part]["samples"] for part in ("train", "valid", "test")] == [33_891, 10_401, 7_331]
    assert [found[part]["end_users"] for part in ("train", "valid", "test")] == [740, 356, 320]
    catalog = Catalog.objects.get()
    codes = codes_of("given:1017620997:1030839253", read_interactions(catalog), catalog.clock)  # as an LLM learns them
    assert np.bincount(codes).tolist() == [0, 33_891, 10_401, 7_331]


def test_people_get_a_table(capsys):
    synthetic.in_database("films")
    call_command("describe_split", "films", "--split", "kar")
    printed = capsys.readouterr().out

    assert "films, split kar by end user, fold 0 of 10" in printed
    assert "train before valid" in printed


def test_an_empty_catalog_has_zeros_everywhere(capsys):
    builders.make_catalog("films")

    for name in ("r4ec", "kar", "global-time"):
        assert described(capsys, "--split", name)["test"]["samples"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["flims"], "Catalogs: films"),
        (["films", "--fold", "1"], "--fold belongs to the split kar"),
        (["films", "--split", "kar", "--fold", "10"], "fold must be a whole number from 0 to 9"),
        (["films", "--split", "given:9:8"], "'given:9:8' is no split: .* The first moment must be before the second"),
        (["films", "--split", "given:1:9", "--test-from", "8"], "says both moments: leave --valid-from and"),
        (["films", "--split", "given"], "test_from must be after valid_from, which is 0: give both moments"),
        (["films", "--split", "given", "--valid-from", "9", "--test-from", "8"], "after valid_from, which is 9"),
        (["films", "--test-from", "8"], "test_from and valid_from belong to the split given"),
        (["films", "--split", "kar", "--seed", "-1"], "seed must be"),
        (["films", "--split", "random"], "split must be one of r4ec, kar, global-time, given; it is 'random'"),
    ],
)
def test_mistakes_are_one_clear_sentence(arguments, says):
    builders.make_catalog("films")
    with pytest.raises(CommandError, match=says):
        call_command("describe_split", *arguments)
