import re

import numpy as np
import pytest
from django.urls import reverse

from recommender.evaluation.arms import Study
from recommender.models import Evaluation, EvaluationFit, RunState, ScoringRun
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.evaluation.figures import figures as measured
from recommender.thinkrec.evaluation.report import SLICES
from tests import builders

pytestmark = pytest.mark.django_db

STUDY = Study(arms=("base", "knowledge", "random"), seeds=5)
METRICS = {"auc": 0.002, "gauc": 0.003, "logloss": -0.001, "ece": 0.0001}


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def catalog():
    return builders.make_catalog("films")


@pytest.fixture
def lead(client):
    account = builders.make_account(role="lead")
    client.force_login(account)
    return account


@pytest.fixture
def pm(client):
    client.force_login(builders.make_account(role="pm"))


def ask(catalog, study=STUDY, **fields):
    found = runs.request(EVALUATION, queue=False, catalog=catalog, config=study.to_json())
    Evaluation.objects.filter(pk=found.pk).update(**fields)
    found.refresh_from_db()
    return found


def figures(backbones=("din",), sign=1):
    where = {"seeds": 5}
    arms, differences = [], []
    for backbone in backbones:
        for history in ("streaming", "frozen"):
            for metric, gain in METRICS.items():
                value = gain * sign
                about = where | {"backbone": backbone, "history": history, "metric": metric, "slice": "all"}
                arms += [
                    about | {"arm": arm, "estimate": 0.8, "low": 0.79, "high": 0.81, "slice": part}
                    for arm in ("base", "knowledge")
                    for part in ("all", "cold items")
                ]
                gap = {"estimate": value, "low": value - 0.0005, "high": value + 0.0005}
                differences += [
                    about | gap | {"one": "knowledge", "other": other, "slice": part}
                    for other, part in (("base", "all"), ("base", "cold items"), ("random", "all"))
                ]
    counts = {"samples": 1200, "end_users": 30}
    return {"arms": arms, "differences": differences, "slices": {"all": counts, "cold items": counts}}


def evaluation_of_an_ai(catalog, state=RunState.DONE, gain=0.01, is_alone=False):
    """A scoring run that measured; `gain`: of the LLM over the active model, with an interval of ±.005."""
    label = np.array([1, 0, 1, 0, 1, 0])
    end_user = np.array([0, 0, 1, 1, 2, 2])
    scores = {"llm": label * 1.0, "backbone": label * 1.0}
    everybody = np.ones(6, dtype=bool)
    found = measured(label, end_user, scores, dict.fromkeys(SLICES, everybody))
    for row in found["differences"]:
        row |= {"estimate": gain or 0, "low": (gain or 0) - 0.005, "high": (gain or 0) + 0.005}
    if gain is None:  # users of one rating each: none of them has an order
        found["differences"] = [row for row in found["differences"] if row["metric"] != "thinkrec_uauc"]
    tokens = {"read": 10, "row_by_row": 20, "written": 0, "calls": 2, "seconds": 1.5}
    cost = {"parameters": 1000, "added_parameters": 10, "ratings": tokens, "explanations": tokens}
    found |= {
        "model": "tiny",
        "tuned": "",
        "base": "smollm2",
        "backbone": "" if is_alone else "din 1 of films",
        "rows": {"scored": 6, "unanswered": 1, "left_out": 1},
        "explanations": {"texts": 0, "learnt": 1},
        "cost": cost | {"list": tokens | {"items": 20, "people": 3}},
        "notes": ["No model is active, so the LLM stands alone."],
    }
    return ScoringRun.objects.create(
        catalog=catalog, config=EvaluationConfig().to_json(), state=state, metrics=found if state == "done" else {}
    )


FACTS = {
    "data": "d" * 64,
    "knowledge": "e" * 64,
    "texts": 20,
    "torch": "2",
    "samples": {part: {"labelled": 1200, "end_users": 30} for part in ("train", "valid", "test")},
}


def finished(catalog, **more):
    found = ask(catalog, state=RunState.DONE, **({"figures": figures(), "facts": FACTS} | more))
    EvaluationFit.objects.create(
        evaluation=found,
        backbone="din",
        arm="base",
        seed=1,
        scores={},
        fit={},
        epochs=[{"valid": {"auc": 0.70}}, {"valid": {"auc": 0.75}}],
    )
    return found


def page(client, name, *arguments, status=200, **data):
    response = client.get(reverse(f"reviews:{name}", args=arguments), data)
    assert response.status_code == status
    return response.content.decode()


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_before_the_first_one_the_list_says_what_it_is_for_and_how_to_start(client, lead):
    shown = page(client, "evaluations")

    assert "No evaluation of the texts yet" in shown
    assert "manage.py evaluate" in shown
    assert reverse("reviews:start_evaluation") in shown


def test_the_list_leads_with_what_each_found(client, pm, catalog):
    finished(catalog)
    ask(builders.make_catalog("books"))
    shown = text(page(client, "evaluations"))

    assert "The texts help with DIN, and nothing in their place does as well." in shown
    assert "1 of 15" in shown
    assert shown.index("books, evaluation") < shown.index("films, evaluation")
    assert "books, evaluation" not in text(page(client, "evaluations", catalog="films"))
    assert "Start an evaluation" not in shown


def test_a_page_says_it_in_words_first_then_in_tables_and_plots(client, pm, catalog):
    html = page(client, "evaluation", finished(catalog).pk)
    shown = text(html)

    assert shown.index("The texts help with DIN") < shown.index("differences between arms") < shown.index("every arm")
    assert "+0.0020 AUC [+0.0015, +0.0025]" in shown
    assert re.search(r"Knowledge − base \+0\.0020 0\.0015 to 0\.0025", shown)
    assert re.search(r"Cold items 1,200 samples of 30 end users \+0\.0020", shown)
    assert html.count("<svg") == html.count("<title id=") == 5
    assert shown.index("The texts help with DIN") < shown.index("Split r4ec: 1,200 test samples of 30 end users.")
    assert "20 texts, all of them approved by people." in shown
    assert 'class="is-good">-0.0010' in html  # of LogLoss less is better
    assert 'class="is-bad">+0.0001' not in html  # its interval holds zero


def test_what_is_not_done_is_called_so(client, pm, catalog):
    found = finished(catalog)
    done = page(client, "evaluations") + page(client, "evaluation", found.pk)
    Evaluation.objects.update(state=RunState.CANCELLED)

    assert "So far" not in done
    assert "the rest may change it" not in done
    assert "So far: The texts help with DIN" in page(client, "evaluations")
    assert "What follows is from 1 of 15 trainings; the rest may change it." in page(client, "evaluation", found.pk)


def test_one_epoch_makes_no_curve(client, pm, catalog):
    found = finished(catalog)
    EvaluationFit.objects.update(epochs=[{"valid": {"auc": 0.70}}])

    assert "by epoch" not in page(client, "evaluation", found.pk)


def test_list_figures_are_shown_where_catalogs_were_ranked(client, pm, catalog):
    of_lists = figures()
    for rows in (of_lists["arms"], of_lists["differences"]):
        rows += [r | {"metric": "ndcg@10"} for r in rows if (r["metric"], r["history"]) == ("auc", "frozen")]
    shown = text(page(client, "evaluation", finished(catalog, figures=of_lists).pk))

    assert "GAUC, frozen NDCG@10, frozen" in shown
    assert "Every metric: AUC, GAUC, LogLoss, ECE, NDCG@10" in shown
    assert "NDCG@10" not in text(page(client, "evaluation", finished(catalog).pk))


def test_a_negative_result_is_shown_as_plainly(client, pm, catalog):
    shown = page(client, "evaluation", finished(catalog, figures=figures(sign=-1)).pk)

    assert "The texts hurt with DIN." in shown
    assert "notice is-bad" in shown


def test_without_any_text_the_page_says_so_instead_of_a_finding(client, pm, catalog):
    found = finished(catalog, facts=FACTS | {"texts": 0})

    for shown in (page(client, "evaluation", found.pk), page(client, "evaluations")):
        assert "There are no texts, so we cannot say whether texts help DIN." in shown
        assert "The texts help" not in shown


def test_several_backbones_stand_beside_each_other(client, pm, catalog):
    html = page(client, "evaluation", finished(catalog, figures=figures(("din", "dcn"))).pk)
    shown = text(html)

    assert "The texts help with DIN" in shown
    assert "The texts help with DCN" in shown
    assert "all models" in shown
    (plot,) = re.findall(r"<svg[^>]*across-auc-title.*?</svg>", html, re.DOTALL)
    assert plot.count("<circle") == 4  # each with and without
    (plot,) = re.findall(r"<svg[^>]*gains-auc-title.*?</svg>", html, re.DOTALL)
    assert plot.count('class="mark is-good"') == 2
    assert "1 more model on its page" in page(client, "evaluations")
    assert len(set(re.findall(r'<title id="([^"]+)"', html))) == html.count("<svg")


def test_under_way_the_page_asks_again_and_loads_anew_when_a_fit_is_done(client, lead, catalog):
    found = ask(
        catalog,
        state=RunState.RUNNING,
        progress={"stage": "din, arm base, seed 1", "done": 30, "of": 120, "epochs": []},
    )
    html = page(client, "evaluation", found.pk)
    address = reverse("reviews:evaluation_progress", args=[found.pk])

    assert f'hx-get="{address}?done=0"' in html
    assert "DIN, arm base, seed 1" in html
    assert "0 of 15" in text(html)
    same = client.get(address, {"done": 0}, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in same
    EvaluationFit.objects.create(evaluation=found, backbone="din", arm="base", seed=1, scores={}, fit={}, epochs=[])
    assert client.get(address, {"done": 0}, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    Evaluation.objects.update(state=RunState.DONE)
    assert client.get(address, {"done": 1}, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_one_is_asked_for_with_the_form_and_waits_for_a_worker(
    client, lead, catalog, broker, django_capture_on_commit_callbacks
):
    assert 'value="5"' in page(client, "start_evaluation", catalog="films")
    wishes = {
        "catalog": "films",
        "backbones": ["din"],
        "arms": ["base", "knowledge"],
        "split": "kar",
        "seeds": 2,
        "users": 40,
        "epochs": 3,
        "metadata_text": "on",
        "proposals": "on",
    }
    with django_capture_on_commit_callbacks(execute=True) as sent:
        response = client.post(reverse("reviews:start_evaluation"), wishes)
    found = Evaluation.objects.get()

    assert response.url == reverse("reviews:evaluation", args=[found.pk])
    assert len(sent) == 1
    assert (found.state, found.requested_by) == (RunState.WAITING, lead)
    study = Study.from_json(found.config)
    assert (study.arms, study.seeds, study.users) == (("base", "knowledge"), 2, 0.4)
    assert study.settings == {"split": "kar", "epochs": 3, "metadata_text": True}
    assert study.proposals


def test_given_moments_are_asked_for_with_their_split(client, lead, catalog, broker):
    assert 'class="field when-given"' in page(client, "start_evaluation", catalog="films")
    wishes = {"catalog": "films", "backbones": ["din"], "arms": ["base"], "split": "given", "seeds": 1, "users": 100}
    refused = client.post(reverse("reviews:start_evaluation"), wishes | {"valid_from": 9, "test_from": 9})

    assert refused.status_code == 422
    assert "Test from must be after valid_from, which is 9" in refused.content.decode()
    client.post(reverse("reviews:start_evaluation"), wishes | {"valid_from": 5, "test_from": 9})
    settings = Study.from_json(Evaluation.objects.get().config).settings
    assert settings == {"split": "given", "valid_from": 5, "test_from": 9, "metadata_text": False}


@pytest.mark.parametrize(("field", "value"), [("seeds", 0), ("epochs", 0), ("arms", []), ("users", 101)])
def test_what_is_out_of_range_is_said_beside_its_field(client, lead, catalog, field, value):
    wishes = {
        "catalog": "films",
        "backbones": ["din"],
        "arms": ["base"],
        "split": "r4ec",
        "seeds": 1,
        "users": 100,
        "epochs": 3,
    }
    response = client.post(reverse("reviews:start_evaluation"), wishes | {field: value})

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Evaluation.objects.exists()


def test_it_can_be_cancelled_and_resumed(client, lead, catalog, broker, django_capture_on_commit_callbacks):
    found = ask(catalog, state=RunState.RUNNING, progress={})
    client.post(reverse("reviews:cancel_evaluation", args=[found.pk]))
    found.refresh_from_db()
    assert found.state == RunState.CANCELLED
    shown = text(page(client, "evaluation", found.pk))
    assert "cancelled after 0 of 15 trainings" in shown
    assert "Resume it" in shown
    with django_capture_on_commit_callbacks(execute=True) as sent:
        client.post(reverse("reviews:resume_evaluation", args=[found.pk]))
    found.refresh_from_db()
    assert (found.state, len(sent)) == (RunState.WAITING, 1)
    client.post(reverse("reviews:resume_evaluation", args=[found.pk]))
    assert "nothing to resume" in page(client, "evaluation", found.pk)


def test_a_failed_one_says_why(client, pm, catalog):
    found = ask(catalog, state=RunState.FAILED, error="Too little data.")
    shown = text(page(client, "evaluation", found.pk))

    assert "failed after 0 of 15 trainings" in shown
    assert "Too little data." in shown
    assert "Resume it" not in shown


def test_pms_look_and_leads_start(client, pm, catalog):
    found = ask(catalog)
    page(client, "evaluations")
    page(client, "evaluation", found.pk)
    page(client, "start_evaluation", status=403)
    for name in ("cancel_evaluation", "resume_evaluation"):
        assert client.post(reverse(f"reviews:{name}", args=[found.pk])).status_code == 403
    client.force_login(builders.make_account(role="annotator"))
    page(client, "evaluations", status=403)
    assert ">Evaluations<" not in client.get(reverse("home")).content.decode()


@pytest.mark.parametrize(
    ("refinements", "words"),
    [
        (None, "20 texts as they would be were every open proposal approved: 12 are unreviewed."),
        (1, "20 texts as the models alone propose them after at most 1 refinement: unreviewed"),
    ],
)
def test_texts_that_nobody_reviewed_are_called_so(client, pm, catalog, refinements, words):
    study = Study(arms=STUDY.arms, proposals=True, refinements=refinements)
    found = finished(catalog, study=study, facts=FACTS | {"unreviewed": 12})

    assert words in text(page(client, "evaluation", found.pk))


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (0.01, "tiny orders what each user judged better than the model in use."),
        (-0.01, "The model in use orders what each user judged better than tiny."),
        (0.001, "cannot be told from so few opinions"),
        (None, "better cannot be told: no user has both likes and dislikes."),
    ],
)
def test_the_page_says_whether_an_ai_orders_better_than_the_model_in_use(client, pm, catalog, gain, said):
    evaluation_of_an_ai(catalog, gain=gain)
    ScoringRun.objects.create(catalog=catalog, config={"top": 20})  # lists are no evaluation
    page = client.get(reverse("reviews:evaluations")).content.decode()
    assert said in page
    assert page.count("evaluation of an AI") == 1
    assert "charts.css" in page  # figures and their intervals stand apart
    assert "Warm: user and item are in the train part (6 opinions by 3 users)" in page
    assert "ThinkRec&#x27;s NDCG@5" in page
    assert "1,000 parameters; the adapter added 10 (1.00%)." in page
    assert "Small model for trying out" in page


def test_an_ai_beside_no_model_was_measured_alone(client, pm, catalog):
    evaluation_of_an_ai(catalog, gain=None, is_alone=True)
    page = client.get(reverse("reviews:evaluations")).content.decode()
    assert "tiny was measured alone: No model is active, so the LLM stands alone." in page


def test_the_page_shows_how_far_an_evaluation_of_an_ai_is(client, pm, catalog):
    run = evaluation_of_an_ai(catalog, state=RunState.RUNNING)
    ScoringRun.objects.filter(pk=run.pk).update(progress={"stage": "rating", "done": 40, "of": 100, "seconds_left": 90})
    page = client.get(reverse("reviews:evaluations")).content.decode()
    assert "Scoring what was liked or not, 40 of 100, about 90 seconds left" in page
