"""A version whose items' means go on: what others like since the training moves scores before the next one."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.artifacts import files, golden_choice, verified, writing
from recommender.dataset.interactions import fitted_on
from recommender.dataset.split import TEST
from recommender.models import BackboneVersion, Catalog, EndUser, Interaction, VersionState
from recommender.promotion.measure import measure
from recommender.promotion.streaming import Streaming
from recommender.promotion.test_bed import histories_of, make_test_bed
from recommender.serving.backbone import attributed
from recommender.serving.recommend import preview
from recommender.serving.request import Scored, best, request_for, score
from recommender.signals.protocol import Counted
from recommender.training.prepare import read
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import ranked_catalog
from tests.recommender.training import synthetic
from tests.recommender.training.fitting import SMALL, fitted

GOES_ON = SMALL.but(newer_likes=True)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = fitted(GOES_ON)
    folder = tmp_path_factory.mktemp("trained") / "artifact"
    demographics, facts = made.examples.demographics, {"data": "d"}
    writing.write(
        folder,
        made.backbone,
        GOES_ON,
        made.interactions,
        made.knowledge,
        signals=made.signals,
        demographics=demographics,
        facts=facts,
    )
    golden_choice.write(folder, made.backbone, made.interactions, made.knowledge)
    return folder


@pytest.fixture
def version(db: None, artifact: Path) -> BackboneVersion:
    catalog = synthetic.in_database()
    version = make_version(catalog, state=VersionState.ACTIVE)
    version.config = GOES_ON.to_json()
    version.save()
    shutil.copytree(artifact, files.folder_of(version), dirs_exist_ok=True)
    return version


def reader_of(catalog: Catalog) -> EndUser:
    """Read anew, with the catalog's changes as they are now."""
    return EndUser.objects.select_related("catalog").get(catalog=catalog, external_id="u000")


def scored(version: BackboneVersion) -> tuple[list[str], Scored]:
    request = request_for(reader_of(version.catalog), limit=3)
    return request.item_ids, score(request, verified.load(version))


def rate(catalog: Catalog, item_id: str, rating: float) -> None:
    """Everybody else who has not met it yet."""
    item = catalog.items.get(external_id=item_id)
    others = catalog.end_users.exclude(external_id="u000").exclude(interactions__item=item)
    Interaction.objects.bulk_create(
        Interaction(end_user=other, item=item, moment=9_000, rating=rating) for other in others
    )
    Catalog.objects.filter(pk=catalog.pk).update(changes=catalog.changes + 1)


@pytest.mark.parametrize(("rating", "sign"), [(5.0, 1), (1.0, -1)])
def test_what_others_like_or_not_moves_that_item_and_hardly_another(
    version: BackboneVersion, rating: float, sign: int
) -> None:
    names, before = scored(version)
    rate(version.catalog, names[0], rating)
    moved = scored(version)[1].scores - before.scores

    assert sign * moved[0] > 0.001
    assert sign * moved[0] > 3 * np.abs(moved[1:]).max()


def test_why_a_list_is_as_it_is_goes_by_the_same_means(version: BackboneVersion) -> None:
    names, _ = scored(version)
    ranker, request = verified.load(version), request_for(reader_of(version.catalog), limit=len(names))

    def of_history() -> np.ndarray:
        again = request_for(reader_of(version.catalog), limit=len(names))
        listed = best(again, score(again, ranker).scores)
        effects = attributed(again, version, listed)[1]
        return effects[int(request.index.pks[request.candidates[0]])].history

    before = of_history()
    rate(version.catalog, names[0], 5.0)

    assert not np.array_equal(of_history(), before)


def expected(version: BackboneVersion, row: int, items: Sequence[str], **asked: Any) -> np.ndarray:
    """Scores as if asked just before this row, what others had liked by then counted one by one."""
    data, codes = read(version.catalog, GOES_ON)
    ranker, until = verified.load(version), fitted_on(data, codes) | (data.moment < data.moment[row])

    def count(there: np.ndarray) -> np.ndarray:
        judged = [np.count_nonzero(there & (data.item == n) & (data.liked >= 0)) for n in range(len(data.items))]
        likes = [np.count_nonzero(there & (data.item == n) & (data.liked == 1)) for n in range(len(data.items))]
        return np.stack([judged, likes], axis=1)

    theirs = until & ((data.end_user != data.end_user[row]) | fitted_on(data, codes))
    more = ranker.surplus(ranker.numbers(data.items), count(until))
    places = [data.items.index(item) for item in items]
    counted = Counted(count(theirs)[places], more)
    return ranker.score(data.end_users[data.end_user[row]], items=items, counted=counted, **asked)


def test_gates_score_what_would_have_been_served(version: BackboneVersion) -> None:
    bed, (data, codes) = make_test_bed(version, version, most=3), read(version.catalog, GOES_ON)
    ranker = verified.load(version)
    found = measure(bed, ranker, hidden=frozenset()).probability
    kept, stayed = [], []
    for one in bed.tested:
        row = int(np.flatnonzero((data.end_user == one.number) & (codes == TEST))[0])
        asked = {"history": one.history, "attributes": one.attributes}
        kept.append(expected(version, row, bed.items, **asked)[one.items])
        stayed.append(ranker.score(one.name, items=bed.items, **asked)[one.items])

    np.testing.assert_allclose(found, np.concatenate(kept), atol=1e-6)
    assert (np.abs(found - np.concatenate(stayed)) > 1e-4).mean() > 0.3


def test_ratings_one_by_one_are_scored_as_they_would_have_been_served(version: BackboneVersion) -> None:
    data, codes = read(version.catalog, GOES_ON)
    rows = np.flatnonzero(codes == TEST)[:4]
    reader = EndUser.objects.get(catalog=version.catalog, external_id=data.end_users[data.end_user[rows[0]]])
    found = Streaming(version, data, codes, rows).probability(reader, rows.tolist())
    known = histories_of([reader.pk])[reader.pk]

    for row, probability in zip(rows.tolist(), found, strict=True):
        past = [entry for moment, entry in known if moment < data.moment[row]]
        item = [data.items[data.item[row]]]
        wanted = expected(version, row, item, history=past, attributes=reader.attributes)
        assert probability == pytest.approx(wanted[0], abs=1e-6)


def test_a_list_of_such_a_version_lasts_until_somebody_meets_something(version: BackboneVersion) -> None:
    counting = preview(reader_of(version.catalog), limit=3).lasting
    others = preview(reader_of(ranked_catalog("other")), limit=3).lasting

    assert counting is not None
    assert others is not None
    assert (counting.counted, others.counted) == (True, False)
