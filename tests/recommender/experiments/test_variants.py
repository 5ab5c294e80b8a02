"""What a variant serves with a real model: another version, another strength of statements, other reasons."""

import shutil
from collections import Counter
from typing import Any

import pytest

from recommender.artifacts import files, verified
from recommender.experiments import service
from recommender.experiments.service import ExperimentRefusedError, Plan
from recommender.models import BackboneVersion, Catalog, EndUser, Experiment, Recommendation
from recommender.serving import backbone
from recommender.serving.cursor import Cursor
from recommender.serving.log import replay
from recommender.serving.recommend import recommend
from recommender.serving.request import Request
from recommender.serving.types import HistoryReason, Ranking
from recommender.serving.variants import Variant
from tests.recommender.experiments.simulated import running
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.conftest import ranked, reader  # noqa: F401
from tests.recommender.serving.ranked import trained


@pytest.fixture
def twin(ranked: Catalog) -> BackboneVersion:  # noqa: F811
    version = make_version(ranked)
    version.config |= dict.fromkeys(service.OF_TEXTS, False)
    version.save(update_fields=["config"])
    shutil.copytree(trained(), files.folder_of(version), dirs_exist_ok=True)
    return version


def test_a_variant_s_model_its_texts_and_its_reasons(
    ranked: Catalog,  # noqa: F811
    reader: EndUser,  # noqa: F811
    twin: BackboneVersion,
) -> None:
    running(
        ranked,
        variants=(
            Variant("a", version=twin.number, knowledge=False, explain="none"),
            Variant("b", version=twin.number, explain="short"),
        ),
    )
    reader.refresh_from_db()
    reader.catalog.refresh_from_db()
    seen = {}
    for end_user in EndUser.objects.filter(catalog=ranked).select_related("catalog")[:12]:
        served = recommend(end_user, limit=3, level="full")
        assert served.backbone == twin
        assert served.source == "backbone"
        seen[served.variant] = served.explain
        assert recommend(end_user, limit=3, level="none").explain == "none"
    assert seen == {"a": "none", "b": "short"}
    with pytest.raises(ExperimentRefusedError, match="trained without them"):
        service.create(ranked, Plan("x", (Variant("a"), Variant("b", version=1, knowledge=False))), by=None)

    # A variant that cannot answer ends its experiment, and the active model answers.
    experiment = Experiment.objects.get(catalog=ranked)
    verified.LOADED.clear()
    (files.folder_of(twin) / "model.onnx").unlink()
    served = recommend(reader, limit=3)
    assert (served.variant, served.source) == ("", "backbone")
    assert served.backbone is not None
    assert served.backbone.number == 1
    experiment.refresh_from_db()
    assert experiment.state == "stopped"
    assert experiment.stop_reason.startswith("Stopped by itself: model 2")


def test_a_variant_whose_model_is_no_more_ends_its_experiment(
    ranked: Catalog,  # noqa: F811
    reader: EndUser,  # noqa: F811
    twin: BackboneVersion,
) -> None:
    experiment = running(ranked, variants=(Variant("a", version=twin.number), Variant("b", version=twin.number)))
    twin.delete()
    for _ in range(2):
        reader.catalog.refresh_from_db()
        served = recommend(reader, limit=3)
        assert (served.variant, served.source) == ("", "backbone")
    experiment.refresh_from_db()
    assert (experiment.state, experiment.stop_reason) == ("stopped", "Stopped by itself: model 2 is there no more.")


def test_a_mixed_list_of_two_models_has_neither_scores_nor_a_kind_of_them(
    ranked: Catalog,  # noqa: F811
    reader: EndUser,  # noqa: F811
    twin: BackboneVersion,
) -> None:
    running(ranked, kind="interleaved", variants=(Variant("a"), Variant("b", version=twin.number)))
    reader.catalog.refresh_from_db()
    served = recommend(reader, limit=3)
    logged = Recommendation.objects.get(pk=served.recommendation_id)
    assert (served.source, {item.score for item in served.items}) == ("backbone", {None})
    assert (served.score_kind, replay(logged).score_kind) == (None, None)


def test_each_page_of_a_mixed_list_is_explained_by_the_models_that_put_the_items_there(
    ranked: Catalog,  # noqa: F811
    reader: EndUser,  # noqa: F811
    twin: BackboneVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running(ranked, kind="interleaved", variants=(Variant("a"), Variant("b", version=twin.number, knowledge=False)))
    reader.catalog.refresh_from_db()
    asked: list[tuple[int, bool, int]] = []
    really = backbone.attributed

    def attributed(request: Request, version: BackboneVersion, listed: Ranking) -> Any:
        asked.append((version.number, request.unaware, len(listed)))
        return really(request, version, listed)

    first = recommend(reader, limit=3, level="full")
    monkeypatch.setattr(backbone, "attributed", attributed)
    second = recommend(reader, limit=4, level="full", after=Cursor.read(first.next_cursor))
    sides = Counter(item.side for item in second.items)
    assert asked == [(1, False, sides["a"]), (twin.number, True, sides["b"])]
    assert min(sides.values()) > 0
    assert all(item.of(HistoryReason) for item in second.items)
