import html
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from recommender.models import Rollout, RunState, ThinkrecRun, TrainingRun, VersionState
from recommender.promotion import activation
from recommender.recipe import BACKBONES, STORED_AS, SWITCHES, TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from reviews.pages.backbones import forms
from tests import builders
from tests.recommender.promotion.versions import examined, make_version

pytestmark = pytest.mark.django_db


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


def page(client, name, *arguments, status=200, **data):
    response = client.get(reverse(f"reviews:{name}", args=arguments), data)
    assert response.status_code == status
    return response.content.decode()


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def field_of(html, name):
    """The words of the form's field, its error among them."""
    return next(part for part in html.split('<div class="field') if f'name="{name}"' in part)


def pass_and_activate(version, lead):
    """As after an examination in which all gates passed."""
    examined(version)
    return activation.activate(version, by=lead)


def a_run(catalog, **fields):
    run = runs.request(TRAINING, queue=False, catalog=catalog, config=TrainConfig().to_json())
    TrainingRun.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


RUNNING = {
    "state": RunState.RUNNING,
    "progress": {
        "attempt": 1,
        "stage": "with_knowledge",
        "done": 30,
        "of": 120,
        "epochs": [
            {
                "model": "without_knowledge",
                "number": 1,
                "of": 20,
                "train_loss": 0.69,
                "valid": {"auc": 0.71239, "gauc": None, "logloss": 0.61},
                "samples_per_second": 12345.6,
            }
        ],
    },
}


def test_before_the_first_backbone_the_page_says_what_one_is_for_and_offers_to_train(client, lead, catalog):
    shown = page(client, "backbones")

    assert "No model yet" in shown
    assert reverse("reviews:train_backbone") in shown


def test_versions_are_listed_newest_first_with_their_test_scores(client, pm, catalog):
    make_version(catalog, state=VersionState.RETIRED)
    make_version(catalog, state=VersionState.ACTIVE)
    make_version(builders.make_catalog("books"))
    shown = text(page(client, "backbones"))
    of_films = text(page(client, "backbones", catalog="films"))

    assert shown.index("books, model 1") < shown.index("films, model 2") < shown.index("films, model 1")
    assert "0.8025" in shown
    assert "books" not in of_films.split("Newest first")[1]
    assert "Train a model" not in shown


def test_a_language_model_that_learns_is_shown_with_what_is_left_and_what_it_cost(client, pm, catalog):
    progress = {"stage": "global", "done": 1200, "of": 40000, "tokens": 1234567, "seconds_left": 5430}
    ThinkrecRun.objects.create(catalog=catalog, config={}, state=RunState.RUNNING, progress=progress)
    ThinkrecRun.objects.create(catalog=catalog, config={}, state=RunState.FAILED, error="There is no such folder.")
    shown = page(client, "backbones")

    assert "Tuning for everybody, 1,200 of at most 40,000" in shown
    assert "91" in shown
    assert "1,234,567" in shown
    assert "There is no such folder." in shown


def test_a_version_that_is_tried_says_so_in_the_list(client, pm, catalog):
    for share, ended in ((0.3, timezone.now()), (0.05, None)):
        Rollout.objects.create(
            catalog=catalog, version=make_version(catalog), mode="canary", share=share, salt="s", ended_at=ended
        )
    shown = text(page(client, "backbones"))

    assert "Try with 5 % of users" in shown
    assert "30 %" not in shown


def test_a_version_shows_both_models_side_by_side_and_where_it_comes_from(client, pm, catalog):
    version = make_version(catalog)
    shown = text(page(client, "backbone", version.pk))

    assert re.search(r"Test AUC 0\.8025 0\.7900 \+0\.0125 Test", shown)
    assert re.search(r"Test LogLoss 0\.5000 0\.5000 0\.0000", shown)
    assert re.search(r"Test GAUC – – –", shown)
    assert re.search(r"Train 120 60 30 50 % 25 %", shown)
    assert version.data_hash in shown
    assert "Activate" not in shown


def test_without_knowledge_the_page_says_that_both_columns_are_one_model(client, pm, catalog):
    version = make_version(catalog)
    version.metrics["same_model"] = True
    version.save()

    assert "both columns are the same model" in page(client, "backbone", version.pk)


def test_a_training_is_asked_for_with_the_form_and_waits_for_a_worker(
    client, lead, catalog, broker, django_capture_on_commit_callbacks
):
    assert 'value="30"' in page(client, "train_backbone", catalog="films")
    with django_capture_on_commit_callbacks(execute=True) as sent:
        response = client.post(
            reverse("reviews:train_backbone"),
            {
                "catalog": "films",
                "backbone": "din",
                "adapter": "mlp",
                "history": 5,
                "epochs": 3,
                "seed": 1,
                "activate": "on",
            },
        )
    run = TrainingRun.objects.get()

    assert response.url == reverse("reviews:training_run", args=[run.pk])
    assert (run.config["history"], run.config["adapter"], run.activate, run.requested_by) == (5, "mlp", True, lead)
    assert len(sent) == 1
    assert "Waiting for a training worker" in page(client, "training_run", run.pk)


def test_a_value_out_of_range_comes_back_beside_its_field_with_what_was_typed(client, lead, catalog):
    response = client.post(
        reverse("reviews:train_backbone"),
        {"catalog": "films", "backbone": "din", "history": 5000, "learning_rate": 50, "seed": 1},
    )
    shown = response.content.decode()

    assert response.status_code == 422
    assert "History must be a whole number from 1 to 1000" in field_of(shown, "history")
    assert "Learning rate must be a number" in field_of(shown, "learning_rate")
    assert 'value="5000"' in shown
    assert '<details class="more" open>' in shown
    assert not TrainingRun.objects.exists()


def test_the_form_folds_all_but_what_everybody_chooses(client, lead, catalog):
    shown = page(client, "train_backbone")
    before, folded = shown.split('<details class="more">')
    offered = dict(re.findall(r'<option value="(\w+)"[^>]*>([^<]+)</option>', before))

    words = {name: html.escape(str(choice)) for name, choice in BACKBONES.items()}
    assert {name: said for name, said in offered.items() if name in BACKBONES} == words
    assert set(re.findall(r'name="(\w+)"', before)) >= {"catalog", "backbone", "activate"}
    assert set(re.findall(r'name="(\w+)"', folded)) == {*forms.SETTINGS, "left_out"} - {"backbone"}
    assert set(re.findall(r'name="left_out" value="(\w+)"', folded)) == set(SWITCHES)


def test_advanced_choices_reach_the_run_and_what_is_empty_is_as_by_default(client, lead, catalog, broker):
    client.post(
        reverse("reviews:train_backbone"),
        {
            "catalog": "films",
            "backbone": "dcnv2",
            "split": "kar",
            "fold": 3,
            "whiten": 64,
            "calibration": "temperature",
            "learning_rate": "0.004",
            "low_activity": "items",
            "low_activity_below": 15,
            "metadata_text": "on",
            "left_out": ["drift", "knowledge_gate"],
            "history": "",
        },
    )
    changed = {
        "backbone": "dcnv2",
        "split": "kar",
        "fold": 3,
        "whiten": 64,
        "calibration": "temperature",
        "learning_rate": 0.004,
        "low_activity": "items",
        "low_activity_below": 15,
        "metadata_text": True,
        STORED_AS["drift"]: False,
        "knowledge_gate": False,
    }

    assert TrainingRun.objects.get().config == TrainConfig().to_json() | changed


def test_a_field_that_is_not_shown_is_neither_read_nor_wrong(client, lead, catalog, broker):
    client.post(
        reverse("reviews:train_backbone"),
        {"catalog": "films", "backbone": "din", "split": "r4ec", "fold": "many", "low_activity_below": 1},
    )

    assert TrainingRun.objects.get().config == TrainConfig().to_json()
    response = client.post(
        reverse("reviews:train_backbone"), {"catalog": "films", "backbone": "din", "split": "kar", "fold": 10}
    )
    assert "Fold must be a whole number from 0 to 9" in field_of(response.content.decode(), "fold")


def test_progress_asks_for_itself_until_the_run_has_ended(client, pm, catalog):
    run = a_run(catalog, **RUNNING)
    shown = page(client, "training_progress", run.pk)
    TrainingRun.objects.filter(pk=run.pk).update(state=RunState.FAILED, error="Too few interactions.")
    ended = page(client, "training_progress", run.pk)

    assert 'hx-trigger="every 1s"' in shown
    assert '<progress value="30" max="120"' in shown
    assert "0.7124" in shown
    assert "12,346" in shown
    assert "hx-get" not in ended
    assert "Too few interactions." in ended


def test_the_fragment_is_part_of_the_page(client, lead, catalog):
    run = a_run(catalog, **RUNNING)
    token = re.compile(r'value="[A-Za-z0-9]{64}"')

    assert token.sub("", page(client, "training_progress", run.pk)).strip() in token.sub(
        "", page(client, "training_run", run.pk)
    )


def test_a_done_run_leads_to_its_version(client, pm, catalog):
    version = make_version(catalog)

    assert reverse("reviews:backbone", args=[version.pk]) in page(client, "training_progress", version.run_id)


def test_a_lead_cancels_a_run_once(client, lead, catalog):
    run = a_run(catalog, **RUNNING)
    answers = [
        text(client.post(reverse("reviews:cancel_training", args=[run.pk]), follow=True).content.decode())
        for _ in range(2)
    ]
    run.refresh_from_db()

    assert run.state == RunState.CANCELLED
    assert "The training is cancelled." in answers[0]
    assert "had ended before" in answers[1]


def test_activation_is_asked_first_then_done_by_post_and_rolled_back_the_same_way(client, lead, catalog):
    first, second = make_version(catalog), make_version(catalog)
    for version, seen in ((first, 0), (second, 1)):
        examined(version)
        url = reverse("reviews:activate_backbone", args=[version.pk])
        assert f'name="seen" value="{seen}"' in client.get(url).content.decode()
        assert client.post(url, {"seen": seen}).url == reverse("reviews:backbone", args=[version.pk])
    url = reverse("reviews:roll_back", args=["films"])
    assert "Go back to model 1 of films?" in client.get(url).content.decode()
    for without_words in ({"seen": 2}, {"seen": 2, "reason": " \u200b"}):
        assert client.post(url, without_words).status_code == 422
    client.post(url, {"seen": 2, "reason": "Its lists were all crime."})
    shown = text(page(client, "backbone", first.pk))

    assert "Its lists were all crime." in shown
    assert catalog.backbone_versions.get(state=VersionState.ACTIVE) == first
    assert f"Went back to this model, after model 2 by {lead}" in shown


def test_a_get_never_changes_which_version_is_active(client, lead, catalog):
    version = make_version(catalog)
    client.get(reverse("reviews:activate_backbone", args=[version.pk]))

    assert not catalog.activations.exists()


@pytest.mark.parametrize("rolls_back", [False, True])
def test_a_stale_confirmation_changes_nothing_and_says_so(client, lead, catalog, rolls_back):
    versions = [make_version(catalog) for _ in range(3)]
    for version in versions[:2]:
        pass_and_activate(version, lead)
    url = (
        reverse("reviews:roll_back", args=["films"])
        if rolls_back
        else reverse("reviews:activate_backbone", args=[versions[2].pk])
    )
    response = client.post(url, {"seen": 1})

    assert response.status_code == 409
    assert "Version 2 is active by now" in response.content.decode()
    assert 'value="2"' in response.content.decode()
    assert catalog.activations.count() == 2


def test_with_no_earlier_version_rolling_back_is_not_offered(client, lead, catalog):
    version = make_version(catalog)
    pass_and_activate(version, lead)

    assert "Go back" not in page(client, "backbone", version.pk)
    assert "no earlier model" in page(client, "roll_back", "films", status=409)


def test_a_version_whose_files_are_gone_is_refused_in_words(client, lead, catalog):
    from recommender.artifacts import files

    version = make_version(catalog)
    examined(version)
    files.folder_of(version).rmdir()
    response = client.post(reverse("reviews:activate_backbone", args=[version.pk]), {"seen": 0})

    assert response.status_code == 409
    assert "files of din 1 of films are missing" in response.content.decode()


def test_only_leads_train_activate_and_roll_back(client, pm, catalog):
    version, run = make_version(catalog), a_run(catalog)
    for name, arguments in (
        ("train_backbone", []),
        ("cancel_training", [run.pk]),
        ("activate_backbone", [version.pk]),
        ("roll_back", ["films"]),
        ("check_gates", [version.pk]),
        ("roll_out", [version.pk]),
        ("stop_roll_out", [version.pk]),
    ):
        assert client.post(reverse(f"reviews:{name}", args=arguments)).status_code == 403
    assert client.get(reverse("reviews:backbones")).status_code == 200


def test_pages_need_a_fixed_number_of_queries(client, pm, catalog, django_assert_max_num_queries):
    for _ in range(6):
        make_version(catalog)
        a_run(catalog, **RUNNING)
    with django_assert_max_num_queries(9):
        page(client, "backbones")


def test_names_from_outside_are_escaped(client, pm, catalog):
    run = a_run(catalog, state=RunState.FAILED, error="<script>alert(1)</script>")

    assert "<script>alert" not in page(client, "training_run", run.pk)
