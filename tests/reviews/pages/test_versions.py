"""One version's page: its gates as a checklist, its receipt, overriding, and trying it on real requests."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from recommender.knowledge.service import reject
from recommender.knowledge.snapshots import freeze
from recommender.models import (
    Examination,
    Recommendation,
    Rollout,
    RunState,
    ShadowSample,
    VersionState,
)
from recommender.promotion import activation
from recommender.serving.codes import DegradedCode
from reviews.models import Decision, Verdict
from reviews.templatetags.versions import WHY_FALLEN_BACK, why_fallen_back
from tests import builders
from tests.recommender.promotion.versions import examined, make_version
from tests.recommender.training import synthetic
from tests.reviews.approved import make_decision, make_receipt

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def catalog():
    return builders.make_catalog("films")


@pytest.fixture
def active(catalog):
    return make_version(catalog, state=VersionState.ACTIVE)


@pytest.fixture
def lead(client):
    account = builders.make_account(role="lead")
    client.force_login(account)
    return account


@pytest.fixture
def pm(client):
    client.force_login(builders.make_account(role="pm"))


def page(client, version):
    response = client.get(reverse("reviews:backbone", args=[version.pk]))
    assert response.status_code == 200
    return response.content.decode()


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def post(client, name, version, **data):
    return client.post(reverse(f"reviews:{name}", args=[version.pk]), data)


def test_gates_are_a_checklist_in_words_with_what_they_were_measured_on(client, pm, active, catalog):
    version = make_version(catalog)
    examination = examined(version, gauc="unsure", latency="failed")
    examination.facts = {
        "end_users": 150,
        "of": 200,
        "rows": 1800,
        "left_out": 3,
        "split": "r4ec",
        "data_changed": True,
    }
    examination.save()
    shown = text(page(client, version))

    assert "2 of 6 not passed" in shown
    assert "✗ Failed Fast enough This does not hold; the details say why." in shown
    assert "Fast enough Fast enough was measured." in shown
    assert "? Unsure Order of each user&#x27;s items We cannot tell yet; the details say why." in shown
    assert "What you can do: try it on real requests" in shown
    assert "✓ Passed Same answers after export" in shown
    assert "compared with model 1" in shown
    assert "Measured on 1,800 test rows of 150 of the 200 end users" in shown
    assert "3 rows were left out" in shown
    assert "The catalog has changed since" in shown
    assert "Check again" not in shown


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (
            {"end_users": 200, "needed": 1200},
            "We cannot tell yet: 200 users have a later history to compare on, and about 1,200 are needed.",
        ),
        (
            {"end_users": 200, "needed": None},
            "We cannot tell yet: for the 200 users who have a later history to compare on it looks a little worse",
        ),
        ({}, "We cannot tell yet: too few users have a later history to compare on."),  # measured by an earlier release
    ],
)
def test_a_check_that_is_unsure_says_in_one_line_what_is_missing(client, pm, active, catalog, measured, words):
    version = make_version(catalog)
    examination = examined(version, gauc="unsure")
    for gate in examination.gates:
        gate |= {"value": 0.001} | measured
        if not measured:
            del gate["end_users"], gate["needed"]
    examination.save()
    assert words in text(page(client, version))


def test_a_version_without_measured_gates_says_so_and_a_lead_has_them_measured(
    client, lead, catalog, broker, django_capture_on_commit_callbacks
):
    version = make_version(catalog)
    assert "has not been checked yet" in page(client, version)
    with django_capture_on_commit_callbacks(execute=True) as sent:
        for _ in range(2):
            post(client, "check_gates", version)
    asked = Examination.objects.get()
    shown = page(client, version)

    assert (asked.version, asked.requested_by, asked.state) == (version, lead, RunState.WAITING)
    assert len(sent) == 2
    assert 'hx-trigger="every 1s"' in shown
    assert "Waiting for a training worker" in shown
    assert "Check it" not in shown


def test_the_checklist_asks_for_itself_until_it_is_done_then_the_page_is_read_again(client, pm, catalog):
    version = make_version(catalog)
    asked = Examination.objects.create(
        catalog=catalog,
        version=version,
        state=RunState.RUNNING,
        progress={"stage": "lists", "done": 30, "of": 120},
        lease_expires_at=timezone.now(),
    )
    url = reverse("reviews:backbone_gates", args=[version.pk])
    under_way = client.get(url)
    asked.delete()
    examined(version)
    done = client.get(url)

    assert "HX-Refresh" not in under_way
    assert '<progress value="30" max="120"' in under_way.content.decode()
    assert "Comparing lists" in under_way.content.decode()
    assert done["HX-Refresh"] == "true"
    assert "All checks passed" in done.content.decode()


def test_a_check_that_failed_says_why(client, pm, catalog):
    version = make_version(catalog)
    Examination.objects.create(catalog=catalog, version=version, state=RunState.FAILED, error="No <memory>.")

    assert "No &lt;memory&gt;." in page(client, version)


def test_a_version_that_was_to_take_over_and_may_not_says_so(client, pm, active, catalog):
    version = make_version(catalog)
    examination = examined(version, ndcg="unsure")
    examination.outcome = "It stays a candidate."
    examination.save()

    assert "it was to be activated, and stays as it is: not all checks passed" in text(page(client, version))


def test_activation_with_gates_in_the_way_asks_for_a_reason_and_refuses_without_one(client, lead, active, catalog):
    version = make_version(catalog)
    examined(version, gauc="unsure")
    url = reverse("reviews:activate_backbone", args=[version.pk])
    asked = text(client.get(url).content.decode())
    bare, empty = client.post(url, {"seen": 1}), client.post(url, {"seen": 1, "reason": " "})

    assert "Open questions ? Unsure Order of each user&#x27;s items" in asked
    assert "Activate model 2 all the same" in asked
    assert (bare.status_code, empty.status_code) == (409, 422)
    assert "Version 2 may not take over. Order of each user" in bare.content.decode()
    assert "This field is required" in empty.content.decode()
    assert not catalog.activations.exists()


def test_an_override_is_on_the_page_with_who_which_and_why(client, lead, active, catalog):
    version = make_version(catalog)
    examined(version, gauc="unsure", parity="failed")
    post(client, "activate_backbone", version, seen=1, reason="<b>Small</b> catalog.")
    shown = page(client, version)

    assert f"Activated, after model 1 by {lead}" in text(shown)
    assert "In spite of open questions: Same score alone or in a list, Order of each user&#x27;s items." in shown
    assert "What you can do" not in shown
    assert "Reason: &lt;b&gt;Small&lt;/b&gt; catalog." in shown


def test_a_passing_version_is_activated_without_a_reason(client, lead, active, catalog):
    version = make_version(catalog)
    examined(version)
    url = reverse("reviews:activate_backbone", args=[version.pk])

    assert 'name="reason"' not in client.get(url).content.decode()
    assert client.post(url, {"seen": 1}).status_code == 302
    assert activation.previous_version(catalog) == active


def test_a_receipt_says_what_came_whose_lists_changed_and_how_the_score_moved(client, pm, active, catalog):
    item = builders.make_item(catalog, "Alien", external_id="i1")
    version = make_version(catalog)
    biggest = [{"user_id": "u/1", "overlap": 0.5, "entered": [item.external_id], "left": ["gone"]}]
    make_receipt(version, active, biggest=biggest)
    shown = text(page(client, version))

    assert "3 approved texts are new in it : 2 about users, 1 about items." in shown
    assert "1 of them replaces an earlier text. 1 earlier text was taken out." in shown
    assert "Lists that differ 25 % 10 of 40 users, of 90 in all" in shown
    assert "Still in the top 10 92 %" in shown
    assert "Order of each user&#x27;s items Better" in shown
    assert "GAUC +0.0040, 95 % interval +0.0010 to +0.0070" in shown
    assert "Training anew changes lists by itself" in shown
    assert "u/1 50 % Alien gone" in shown


def test_with_no_active_version_a_receipt_has_no_lists(client, pm, catalog):
    version = make_version(catalog)
    make_receipt(version, None)

    assert "No model was active then" in page(client, version)


def test_a_receipt_names_the_decisions_behind_what_came(client, lead, catalog):
    first = make_version(catalog)
    verdicts = [Verdict.APPROVE, Verdict.APPROVE, Verdict.APPROVE, Verdict.EDIT]
    decided = [
        make_decision(builders.make_end_user(catalog), verdict, by=f"annotator{number % 2}")
        for number, verdict in enumerate(verdicts)
    ]
    version = make_version(catalog)
    make_receipt(version, first)
    shown = page(client, version)

    assert version.snapshot.knowledge.count() == 4
    assert "They come from 3 approvals, 1 edit, by 2 annotators." in text(shown)
    assert "These decisions About Decision By When" in text(shown)
    assert all(f'href="{reverse("reviews:review", args=[review.pk])}"' in shown for review in decided)


def test_a_receipt_shows_a_pm_the_rounds_of_the_last_decisions(client, pm, catalog, monkeypatch):
    monkeypatch.setattr("reviews.pages.versions.queries.SHOWN_DECISIONS", 2)
    first = make_version(catalog)
    decided = [make_decision(builders.make_end_user(catalog), Verdict.APPROVE, by="a") for _ in range(3)]
    version = make_version(catalog)
    make_receipt(version, first)
    shown = page(client, version)
    links = [reverse("reviews:round", args=[review.round_id]) for review in decided]

    assert "The last 2 of these decisions" in shown
    assert [f'href="{link}"' in shown for link in links] == [False, True, True]


def test_a_receipt_names_the_rejections_that_took_a_text_out(client, pm, catalog):
    review = make_decision(builders.make_end_user(catalog), Verdict.APPROVE, by="a")
    first = make_version(catalog)
    turn = review.round.turns.get(index=2)
    reject(turn)
    Decision.objects.create(
        review=review,
        slot=review.slots.get(),
        account=review.decisions.get().account,
        verdict=Verdict.REJECT,
        turn=turn,
        seen={},
    )
    version = make_version(catalog)
    make_receipt(version, first)
    shown = text(page(client, version))

    assert "1 rejection took a text out." in shown
    assert "Rejected" in shown


def test_a_lead_starts_changes_and_stops_a_canary(client, lead, active, catalog):
    version = make_version(catalog)
    examined(version, gauc="unsure")
    post(client, "roll_out", version, mode="canary", percent="5", confirmed="yes")
    first = Rollout.objects.get()
    running = text(page(client, version))
    post(client, "roll_out", version, mode="canary", percent="20", confirmed="yes")
    second = Rollout.objects.get(ended_at=None)
    post(client, "stop_roll_out", version)
    stopped = text(page(client, version))

    assert (first.share, first.started_by) == (0.05, lead)
    assert "Try with 5 % of users" in running
    assert (second.share, second.salt) == (0.2, first.salt)
    assert "Try with 20 % of users ended" in stopped
    assert f"Try with 20 % of users ended by {lead}" in stopped
    assert not Rollout.objects.filter(ended_at=None).exists()


def test_before_people_get_other_lists_a_lead_is_asked_once_more(client, lead, active, catalog):
    version = make_version(catalog)
    examined(version, gauc="unsure")
    for number in range(40):
        builders.make_end_user(catalog, f"user {number}")

    asked = post(client, "roll_out", version, mode="canary", percent="12.5").content.decode()

    assert "about 5 real users of films get other lists than today" in asked
    assert all(field in asked for field in ('name="mode" value="canary"', 'name="percent" value="12.5"', "confirmed"))
    assert not Rollout.objects.exists()
    assert "on an error or when it breaks <a" in asked
    type(catalog).objects.update(guard_settings={"watch": False})
    assert "on an error, and" in post(client, "roll_out", version, mode="canary", percent="5").content.decode()


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        ({"mode": "canary", "percent": "0"}, 422, "greater than or equal to 0.01"),
        ({"mode": "other", "percent": "5"}, 422, "not one of the available choices"),
        ({"mode": "canary", "percent": "5", "confirmed": "yes"}, 409, "Its gates have not been measured yet"),
    ],
)
def test_what_cannot_be_started_is_said_and_what_was_typed_stays(client, lead, active, catalog, data, status, says):
    response = post(client, "roll_out", make_version(catalog), **data)

    assert response.status_code == status
    assert says in response.content.decode()
    assert f'value="{data["percent"]}' in response.content.decode()
    assert not Rollout.objects.exists()


def test_another_version_s_rollout_is_named_where_none_can_be_started(client, lead, active, catalog):
    tried, other = make_version(catalog), make_version(catalog)
    post(client, "roll_out", tried, mode="shadow", percent="5")
    shown = text(page(client, other))

    assert "Model 2 is being tried, and only one can be at a time." in shown
    assert "Start" not in shown


def test_a_shadow_s_figures_are_on_the_page(client, pm, active, catalog):
    version = make_version(catalog)
    rollout = Rollout.objects.create(catalog=catalog, version=version, mode="shadow", share=0.5, salt="s")
    end_user = builders.make_end_user(catalog)
    for overlap, correlation in ((0.5, 0.25), (1.0, 0.75)):
        served = Recommendation.objects.create(catalog=catalog, end_user=end_user, source="backbone", items=[])
        ShadowSample.objects.create(
            rollout=rollout, recommendation=served, overlap=overlap, correlation=correlation, active_ms=4, shadow_ms=6
        )
    shown = text(page(client, version))

    assert "Requests compared 2 of 1 user Same items 75 %" in shown
    assert "Same order 0.50" in shown
    assert "A list takes 6.0 ms the active model 4.0 ms" in shown


def test_scores_stand_with_their_intervals_and_a_difference_within_them_is_chance(client, pm, catalog):
    version = make_version(catalog)
    interval = {"estimate": 0.8, "low": 0.79, "high": 0.82}
    version.metrics["intervals"] = {
        "with_knowledge": {"auc": interval},
        "without_knowledge": {"auc": interval},
        "gain": {"auc": {"estimate": 0.0125, "low": -0.003, "high": 0.02}},
    }
    version.save()
    shown = text(page(client, version))

    assert "Test AUC 0.8025 0.7900 to 0.8200" in shown
    assert "+0.0125 may be chance −0.0030 to +0.0200" in shown


def test_the_page_asks_a_fixed_number_of_questions(client, pm, active, catalog, django_assert_max_num_queries):
    synthetic.approve(builders.make_end_user(catalog), "likes it")
    freeze(catalog, encoder="minilm")
    version = make_version(catalog)
    for _ in range(5):
        examined(version)
        Rollout.objects.create(
            catalog=catalog, version=version, mode="canary", share=0.1, salt="s", ended_at=timezone.now()
        )
    make_receipt(version, active)
    with django_assert_max_num_queries(16):
        page(client, version)


def test_whatever_made_a_list_fall_back_has_words_for_the_page() -> None:
    assert set(WHY_FALLEN_BACK) == {code.value for code in DegradedCode}
    assert why_fallen_back("of a later release") == "of a later release"
