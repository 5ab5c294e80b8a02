"""A shadow answers after the answer: it is compared and kept, and can neither delay a list nor harm it."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from recommender import background
from recommender.artifacts import files
from recommender.models import BackboneVersion, Catalog, EndUser, Rollout, ShadowSample
from recommender.serving import shadow
from recommender.serving.recommend import recommend
from tests.recommender.promotion.made import confused_version
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import ranked_catalog, trained


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The background thread's work is done before the answer returns: it sees the test's transaction."""

    def now(work: Callable[[], Any]) -> bool:
        work()
        return True

    monkeypatch.setattr(background, "offer", now)


def shadowed(version: BackboneVersion, share: float = 1.0) -> Rollout:
    return Rollout.objects.create(catalog=version.catalog, version=version, mode="shadow", share=share, salt="s")


def copy(catalog: Catalog) -> BackboneVersion:
    version = make_version(catalog)
    shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
    return version


@pytest.mark.usefixtures("at_once")
def test_an_equal_shadow_agrees_wholly_and_nobody_sees_it(ranked: Catalog, reader: EndUser) -> None:
    rollout = shadowed(copy(ranked))
    served = recommend(reader, limit=5)
    sample = ShadowSample.objects.get()

    assert served.backbone is not None
    assert served.backbone.number == 1
    assert (sample.rollout, sample.recommendation_id) == (rollout, served.recommendation_id)
    assert (sample.overlap, sample.error) == (1.0, "")
    assert sample.correlation == pytest.approx(1.0)
    assert sample.active_ms > 0
    assert sample.shadow_ms is not None
    assert sample.shadow_ms > 0


@pytest.mark.usefixtures("at_once")
def test_another_order_shows_in_overlap_and_correlation(ranked: Catalog, reader: EndUser) -> None:
    version = confused_version(ranked)
    (files.folder_of(version) / "golden.json").unlink()  # its mixed-up items would be noticed there
    shadowed(version)
    recommend(reader, limit=5)
    sample = ShadowSample.objects.get()

    assert sample.error == ""
    assert sample.overlap is not None
    assert sample.overlap < 1
    assert sample.correlation is not None
    assert sample.correlation < 1


@pytest.mark.usefixtures("at_once")
def test_a_shadow_that_fails_ends_and_costs_nobody_anything(ranked: Catalog, reader: EndUser) -> None:
    version = copy(ranked)
    rollout = shadowed(version)
    (files.folder_of(version) / "model.onnx").unlink()
    served = [recommend(reader, limit=5) for _ in range(2)]
    rollout.refresh_from_db()

    assert [one.source for one in served] == ["backbone", "backbone"]
    assert "model.onnx is missing" in ShadowSample.objects.get().error
    assert rollout.end_reason.startswith("Stopped by itself: ArtifactError")


@pytest.mark.usefixtures("at_once")
def test_lists_without_a_backbone_have_no_shadow(ranked: Catalog) -> None:
    shadowed(copy(ranked))
    recommend(EndUser.objects.create(catalog=ranked, external_id="new"), limit=5)

    assert not ShadowSample.objects.exists()


def test_overlap_and_correlation_are_of_the_shown_list() -> None:
    active = np.array([0.9, 0.8, 0.7, 0.1, 0.2])
    other = np.array([0.1, 0.2, 0.3, 0.9, 0.0])

    assert shadow.overlap(active, other, 3) == pytest.approx(2 / 3)
    assert shadow.correlation(active, other, 3) == pytest.approx(-1)
    assert shadow.correlation(active, active, 5) == pytest.approx(1)
    assert shadow.correlation(active, other, 1) is None


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Holds the background thread until it is set; at the end the thread is free again."""
    event = threading.Event()
    yield event
    event.set()
    wait_until(lambda: background.offer(lambda: None))


def wait_until(holds: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_background_takes_little_and_refuses_the_rest_at_once(released: threading.Event) -> None:
    taken = [background.offer(lambda: released.wait(10)) for _ in range(5)]

    assert taken == [True] * background.MOST_WAITING + [False] * (5 - background.MOST_WAITING)


def test_an_error_in_the_background_is_logged_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    wait_until(lambda: background.offer(lambda: 1 / 0))
    wait_until(lambda: background.offer(done.set))

    assert done.wait(10)
    assert "Work after an answer failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_real_shadow_is_kept_by_the_background_thread() -> None:
    catalog = ranked_catalog()
    shadowed(copy(catalog))
    reader = catalog.end_users.select_related("catalog").get(external_id="u000")
    recommend(reader, limit=5)
    wait_until(lambda: ShadowSample.objects.exists())

    assert ShadowSample.objects.get().overlap == 1.0
