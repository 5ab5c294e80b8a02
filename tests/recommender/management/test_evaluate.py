import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.models import Evaluation, Item, RunState
from recommender.runs import service as runs
from tests import builders
from tests.recommender.training import synthetic

pytestmark = pytest.mark.django_db

SMALL = ["--set", "epochs=1", "--set", "embedding=4", "--set", "head=[8]", "--history", "5", "--seeds", "1"]


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


@pytest.fixture
def catalog():
    catalog = synthetic.in_database("films", end_users=16)
    synthetic.approve(Item.objects.get(catalog=catalog, external_id="i000"), "about it", as_of=999)
    synthetic.approve(Item.objects.get(catalog=catalog, external_id="i001"), "about another", as_of=999)
    return catalog


def evaluate(*arguments):
    out = StringIO()
    call_command("evaluate", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.once
def test_the_report_is_in_words_and_every_arm_has_its_scores(catalog, tmp_path):
    out = tmp_path / "found.json"
    said = evaluate("films", "--control", "random", *SMALL, "--ranking", "4", "--out", str(out))
    found = json.loads(out.read_text())

    assert "Only a hint so far: " in said
    assert "Split r4ec: " in said
    assert "In lists from the whole catalog the change is " in said
    assert "the strongest control (random: random vectors)" in said
    assert [fit["arm"] for fit in found["fits"]] == ["base", "knowledge", "random"]
    shown = [r for r in found["figures"]["arms"] if r["slice"] == "all" and r["metric"] in ("auc", "ece", "ndcg@10")]
    assert len(shown) == 3 * 5
    for row in shown:
        assert f"{row['estimate']:.4f}" in said
    assert found["findings"][0]["headline"] in said


@pytest.mark.once
def test_proposals_are_evaluated_as_if_approved_and_the_report_says_that_nobody_reviewed_them(catalog):
    item = Item.objects.get(catalog=catalog, external_id="i002")
    builders.make_round(item, ("reason", "a draft"), ("reflect", "No."), ("refine", "a better one"), ("reflect", ""))
    arms = ["--arms", "knowledge", *SMALL, "--history", "4"]
    by = {n: json.loads(evaluate("films", "--proposals", *n, *arms, "--json")) for n in ((), ("0",), ("1",))}
    said = evaluate("films", "--proposals", "1", *arms)

    assert {n: (one["facts"]["texts"], one["facts"]["unreviewed"]) for n, one in by.items()} == {
        (): (3, 1),
        ("0",): (3, 3),
        ("1",): (3, 3),
    }
    assert by[()]["facts"]["knowledge"] == by[("1",)]["facts"]["knowledge"] != by[("0",)]["facts"]["knowledge"]
    assert by[()]["texts"] == "3 texts as they would be were every open proposal approved: 1 are unreviewed."
    assert "as the models alone propose them after at most 1 refinement: unreviewed" in said


@pytest.mark.parametrize("arguments", [("--proposals", "-3"), ("--proposals", "1000")])
def test_impossible_refinements_are_refused(catalog, arguments):
    with pytest.raises(CommandError, match=r"refinements belong to proposals|must be a whole number"):
        evaluate("films", *arguments, *SMALL)


@pytest.mark.once
def test_without_any_text_it_is_said_before_and_after(capsys):
    synthetic.in_database("bare", end_users=16)
    said = evaluate("bare", "--control", "random", *SMALL)

    assert "Nothing is approved in bare: every arm with knowledge will be the one without." in capsys.readouterr().err
    assert "There are no texts, so we cannot say whether texts help DIN." in said


def test_json_is_one_object_and_a_resumed_evaluation_repeats_nothing(catalog):
    first = json.loads(evaluate("films", "--arms", "base", *SMALL, "--json"))
    again = json.loads(evaluate("--resume", str(first["evaluation"]), "--json"))

    assert first["state"] == "done"
    assert first["config"]["settings"]["epochs"] == 1
    assert again == first


def test_queued_it_waits_for_a_worker(catalog, broker):
    said = json.loads(evaluate("films", "--queue", "--json"))

    assert said["state"] == "waiting"
    assert Evaluation.objects.get().config["arms"][:2] == ["base", "knowledge"]


def test_a_failed_one_says_how_to_go_on(catalog):
    with pytest.raises(CommandError, match=r"There is nothing for the .* part.*evaluate --resume \d+ goes on"):
        evaluate("films", "--users", "0.01", "--split", "kar", *SMALL)


def test_ctrl_c_leaves_it_cancelled_so_that_it_can_be_resumed(catalog, monkeypatch):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("recommender.evaluation.fits.fit_arm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate("films", *SMALL)
    found = Evaluation.objects.get()

    assert found.state == RunState.CANCELLED
    assert not runs.cancel(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "There is no catalog 'nowhere'. Catalogs: films."),
        (["films", "--arms", "base,magic"], "arms must be"),
        (["films", "--seeds", "0"], "seeds must be"),
        (["films", "--set", "epochs"], "FIELD=VALUE"),
        (["films", "--fold", "3"], "fold belongs to the split kar"),
        (["films", "--out", "/nowhere/found.json"], "There is no folder /nowhere"),
        ([], "Which catalog"),
        (["films", "--set", "nonsense=1"], "nonsense"),
        (["films", "--knowledge-file", "/nowhere.jsonl"], "There is no file"),
        (["--resume", "77"], "There is no evaluation 77"),
    ],
)
def test_wrong_wishes_are_refused_in_words(catalog, arguments, message):
    with pytest.raises(CommandError, match=message):
        evaluate(*arguments)
