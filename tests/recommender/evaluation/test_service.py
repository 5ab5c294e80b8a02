from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.artifacts import files
from recommender.evaluation.arms import Study
from recommender.evaluation.report import report
from recommender.models import Evaluation, Item, RunState
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from tests.carried_out import carried_out
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SMALL = {"epochs": 1, "embedding": 4, "history": 5, "head": [8], "adapter_hidden": 8, "adapter_width": 4}
STUDY = Study(arms=("base", "knowledge", "random"), seeds=2, settings=SMALL)


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


@pytest.fixture
def catalog():
    catalog = synthetic.in_database(end_users=16)
    for number in range(0, 40, 2):
        synthetic.approve(Item.objects.get(catalog=catalog, external_id=f"i{number:03}"), f"about {number}", as_of=999)
    return catalog


def ask(catalog, study=STUDY):
    return runs.request(EVALUATION, queue=False, catalog=catalog, config=study.to_json())


class Interrupting(synthetic.Silent):
    """Ends the computation like a worker that dies, once so many fits are done."""

    def __init__(self, evaluation, after):
        self.evaluation, self.after = evaluation, after

    def epoch(self, epoch):
        if self.evaluation.fits.count() >= self.after:
            raise KeyboardInterrupt


def done(evaluation):
    return [(fit.arm, fit.seed) for fit in evaluation.fits.order_by("pk")]


ALL = [(arm, seed) for arm in ("base", "knowledge", "random") for seed in (1, 2)]


def test_an_evaluation_stores_every_fit_and_a_report(catalog):
    evaluation = carried_out(ask(catalog))
    (finding,) = report(evaluation.figures)
    fit = evaluation.fits.first()

    assert (evaluation.state, evaluation.error) == (RunState.DONE, "")
    assert done(evaluation) == ALL
    assert set(fit.scores) == {"streaming", "frozen"}
    assert {"auc", "gauc", "uauc", "logloss", "ece", "thinkrec_uauc"} <= set(fit.scores["frozen"])
    assert fit.epochs[0]["valid"]["samples"]
    assert evaluation.facts["texts"] == 20
    assert not finding.claim
    assert len(list(files.folder_of_evaluation(evaluation).iterdir())) == len(ALL) + 1
    assert (evaluation.progress["fits"], evaluation.progress["of_fits"]) == (6, 6)
    assert carried_out(evaluation).fits.count() == len(ALL)  # a message that arrives twice changes nothing


def test_an_interrupted_evaluation_goes_on_with_the_next_fit(catalog):
    evaluation = ask(catalog)
    with pytest.raises(KeyboardInterrupt):
        carried_out(evaluation, observer=Interrupting(evaluation, after=3))
    first = done(evaluation)
    evaluation.refresh_from_db()
    partial = evaluation.figures

    assert first == ALL[:3]
    assert evaluation.state == RunState.RUNNING  # as a killed process leaves it
    assert {row["arm"] for row in partial["arms"]} == {"base", "knowledge"}
    Evaluation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert runs.sweep(timezone.now()) == [evaluation]
    again = carried_out(evaluation)
    assert again.state == RunState.DONE
    assert done(again) == ALL
    assert done(carried_out(ask(catalog))) == ALL
    whole = Evaluation.objects.latest("pk")
    assert [fit.scores for fit in whole.fits.order_by("pk")] == [fit.scores for fit in again.fits.order_by("pk")]
    assert whole.figures == again.figures


def test_each_finished_fit_starts_the_count_of_attempts_anew(catalog):
    evaluation = ask(catalog)
    for after in range(leases.MOST_ATTEMPTS + 1):
        Evaluation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(KeyboardInterrupt):
            carried_out(evaluation, observer=Interrupting(evaluation, after=after + 1))
    evaluation.refresh_from_db()

    assert evaluation.state == RunState.RUNNING
    assert evaluation.fits.count() == leases.MOST_ATTEMPTS + 1


def test_a_cancelled_evaluation_keeps_its_fits_and_can_be_resumed(catalog):
    evaluation = ask(catalog)

    class Cancelling(Interrupting):
        def epoch(self, epoch):
            if self.evaluation.fits.count() >= self.after:
                assert runs.cancel(self.evaluation)

    assert carried_out(evaluation, observer=Cancelling(evaluation, 2)).state == RunState.CANCELLED
    assert done(evaluation) == ALL[:2]
    runs.resume(evaluation, queue=False)
    assert carried_out(evaluation).state == RunState.DONE
    assert done(evaluation) == ALL


@pytest.mark.once
def test_a_fit_whose_files_are_gone_is_fitted_again(catalog):
    evaluation = carried_out(ask(catalog))
    (files.folder_of_evaluation(evaluation) / "din-base-2.npz").unlink()
    runs.resume(evaluation, queue=False)
    carried_out(evaluation)

    assert sorted(done(evaluation)) == sorted(ALL)
    assert (files.folder_of_evaluation(evaluation) / "din-base-2.npz").exists()


def test_fits_of_a_catalog_that_changed_are_never_mixed(catalog):
    evaluation = carried_out(ask(catalog))
    catalog.end_users.order_by("pk").first().interactions.first().delete()
    runs.resume(evaluation, queue=False)
    again = carried_out(evaluation)

    assert again.state == RunState.FAILED
    assert "changed since this evaluation began" in again.error
    assert again.fits.count() == len(ALL)


@pytest.mark.once
def test_an_encoder_that_changed_is_refused(catalog, settings):
    evaluation = carried_out(ask(catalog))
    settings.ENCODER = "minilm"
    runs.resume(evaluation, queue=False)

    assert "Start a new evaluation" in carried_out(evaluation).error


def test_a_catalog_that_is_too_small_fails_in_words(tmp_path):
    catalog = synthetic.in_database(end_users=4, each=8)
    evaluation = carried_out(ask(catalog))

    assert evaluation.state == RunState.FAILED
    assert "longest history has 8" in evaluation.error


def test_texts_of_a_file_take_the_place_of_the_catalogs(catalog, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"item_id": "i001", "text": "one"}\n{"item_id": "i002", "text": "two"}\n')
    study = Study(arms=("knowledge",), seeds=1, settings=SMALL, knowledge_file=str(path))
    evaluation = carried_out(ask(catalog, study))

    assert (evaluation.state, evaluation.facts["texts"]) == (RunState.DONE, 2)
    path.unlink()
    runs.resume(evaluation, queue=False)
    assert "cannot be read" in carried_out(evaluation).error
