"""The pages of experiments: who may do what, what is said in plain words, and what there is before anything is."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recommender.experiments import results
from recommender.experiments.results import compute
from recommender.models import Account, Experiment, ExperimentState, Recommendation
from tests.architecture.words import expert_words
from tests.recommender.experiments.conftest import nothing_kept  # noqa: F401
from tests.recommender.experiments.simulated import afterwards, lived, running, shop
from tests.reviews.conftest import SignIn

pytestmark = pytest.mark.django_db
FORM = {
    "catalog": "films", "key": "bolder", "kind": "between", "primary": "clicking", "scenario": "", "window_hours": "1",
    "planned": "400", "smallest": "5", "holdout": "10", "holdout_source": "popular",
    "variants-TOTAL_FORMS": "2", "variants-INITIAL_FORMS": "2",
    **{f"variants-{n}-name": name for n, name in enumerate(("a", "b"))},
    **{f"variants-{n}-weight": "1" for n in range(2)}, **{f"variants-{n}-texts": "with" for n in range(2)},
    "variants-1-steering": "2",
}  # fmt: skip


@pytest.fixture
def pm(pam: Account, browser_of: SignIn) -> Client:
    return browser_of(pam)


@pytest.fixture
def lead(lena: Account, browser_of: SignIn) -> Client:
    return browser_of(lena)


def read(client: Client, path: str, *, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    html = str(response.content.decode())
    assert expert_words(html) == []
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_lead_writes_starts_and_stops_one_and_a_pm_reads_it(lead: Client, pm: Client) -> None:
    assert "No experiment yet" in read(pm, "/experiments/")
    assert "No catalog yet" in read(lead, "/experiments/write/")
    shop("films", people=3)
    assert "Write an experiment" in read(lead, "/experiments/write/")
    made: Any = lead.post("/experiments/write/", FORM)
    assert made.status_code == 302
    address = made["Location"]
    shown = read(pm, address)
    assert "It changes nothing until it is started" in shown
    assert "statements at strength 2" in shown
    assert "Start it" not in shown
    assert pm.post(f"{address}start/").status_code == 403
    lead.post(f"{address}start/")
    assert "Nobody has got a list yet" in read(pm, address)
    assert lead.post(f"{address}discard/").status_code == 302  # refused: it stays
    lead.post(f"{address}stop/")
    assert "Stopped by a lead." in read(lead, address)
    assert lead.post(f"{address}start/").status_code == 409
    assert Experiment.objects.get().state == "stopped"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variants-1-name": ""}, "at least 2"),
        ({"key": "a b"}, "valid"),
        ({"holdout": "80"}, "50"),
        ({"variants-1-texts": "without"}, "trained without them"),
        ({"variants-1-weight": "0"}, "1"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(lead: Client, change: dict[str, str], said: str) -> None:
    shop("films", people=0)
    answer = lead.post("/experiments/write/", FORM | change)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Experiment.objects.exists()


def test_of_mixed_lists_it_is_said_that_clicks_decide(pm: Client) -> None:
    experiment = running(shop("films", people=2), kind="interleaved", primary="rating")
    shown = read(pm, f"/experiments/{experiment.pk}/")
    assert "What decides: whose items users click more." in shown
    assert "smallest worth knowing" not in shown


def names_of(html: str) -> list[str]:
    """Of the variants of the form."""
    boxes = re.findall(r'<input [^>]*name="variants-\d-name"[^>]*>', html)
    return [found[1] if (found := re.search(r'value="(.*?)"', box)) else "" for box in boxes]


def test_two_variants_are_asked_for_and_more_where_somebody_wants_them(lead: Client) -> None:
    """What was typed stays, and is not judged before it is sent."""
    shop("films", people=0)
    assert names_of(lead.get("/experiments/write/").content.decode()) == ["a", "b"]
    sent = FORM | {"another": "yes", "key": "not yet right", "variants-1-name": "bold", "smallest": ""}
    answer = lead.post("/experiments/write/", sent)
    html = answer.content.decode()
    assert (answer.status_code, names_of(html)) == (200, ["a", "bold", ""])
    assert 'value="not yet right"' in html
    assert 'class="error"' not in html
    third = {"variants-TOTAL_FORMS": "3", "variants-2-name": "c", "variants-2-weight": "2", "variants-2-texts": "with"}
    html = lead.post("/experiments/write/", FORM | third | {"another": "yes"}).content.decode()
    assert names_of(html) == ["a", "b", "c", ""]
    assert 'name="another"' not in html
    fourth = {"variants-TOTAL_FORMS": "4", "variants-3-name": "", "variants-3-weight": "1", "variants-3-texts": "with"}
    assert lead.post("/experiments/write/", FORM | third | fourth | {"variants-2-steering": "0"}).status_code == 302
    assert [each["name"] for each in Experiment.objects.get().variants] == ["a", "b", "c"]
    assert lead.post("/experiments/write/", FORM | {"another": "yes", "variants-TOTAL_FORMS": "x"}).status_code == 200


def test_what_was_found_is_said_in_plain_words(pm: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = shop("films", people=540)
    experiment = running(catalog, planned=400, window_hours=1)
    lived(catalog, lambda variant, _: 0.8 if variant == "b" else 0.3, seed=5)
    address = f"/experiments/{experiment.pk}/"
    early = read(pm, address)
    assert "Not known yet: at least 100 users of each must have been observed" in early
    assert "540 are still being observed" in early
    later = compute(experiment, now=afterwards(experiment))
    monkeypatch.setattr("reviews.pages.experiments.views.results_of", lambda _: later)
    shown = read(pm, address)
    assert re.search(r"b is better by [\d.]+ to [\d.]+ %: safe to stop\.", shown)
    assert "age young" in shown
    assert re.search(
        r"Users were dealt out as meant, as far as 540 can tell: a \d\d % of 50 %, b \d\d % of 50 %\.", shown
    )
    assert experiment.started_at is not None
    for over, said in ((timedelta(), "Not known: fewer than 100 users of one"), (timedelta(hours=3), "b is better by")):
        stopped_at = experiment.started_at + over
        Experiment.objects.filter(pk=experiment.pk).update(state=ExperimentState.STOPPED, stopped_at=stopped_at)
        experiment.refresh_from_db()
        stopped = compute(experiment, now=afterwards(experiment))
        monkeypatch.setattr("reviews.pages.experiments.views.results_of", lambda _, stopped=stopped: stopped)
        shown = read(pm, address)
        assert said in shown
        assert "safe to stop" not in shown
        assert "Not known yet" not in shown
    Recommendation.objects.filter(variant="b", pk__in=list(
        Recommendation.objects.filter(variant="b").values_list("pk", flat=True)[:120]
    )).delete()  # fmt: skip
    results.KEPT.clear()
    monkeypatch.setattr("reviews.pages.experiments.views.results_of", lambda one: compute(one, now=timezone.now()))
    assert "Do not use these figures" in read(pm, address)
