"""From approved texts through training and the artifact to a list: statements move everything one way only."""

import json
from collections import defaultdict

import numpy as np
import pytest

from recommender.artifacts import files, held_out
from recommender.artifacts.verified import load
from recommender.measures.scores import auc
from recommender.models import EndUser, Statement, VersionState
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.runs.observer import WITH
from recommender.serving.recommend import preview
from recommender.serving.request import request_for, score
from recommender.serving.types import StatementReason
from recommender.signals.stated import AVOIDED, BY_MODEL, CHANCE, Weights
from recommender.statements import service
from tests.builders import make_account
from tests.carried_out import carried_out
from tests.recommender.training import synthetic
from tests.recommender.training.synthetic import GENRES
from tests.recommender.training.test_service import QUICK

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.once]


def tell_tastes(catalog):
    """Put in force about every end user which genres their ratings praise and which they do not; the former by name."""
    loved = {}
    for end_user in EndUser.objects.filter(catalog=catalog).prefetch_related("interactions__item"):
        ratings = defaultdict(list)
        for met in end_user.interactions.all():
            ratings[met.item.attributes["genres"][0]].append(met.rating)
        loved[end_user.external_id] = [genre for genre in GENRES if np.mean(ratings[genre]) > 3]
        said = [
            f"They {'love' if genre in loved[end_user.external_id] else 'avoid'} {genre.lower()} films."
            for genre in GENRES
        ]
        synthetic.approve(end_user, " ".join(said), as_of=0)
    return loved


def trained(catalog, **settings):
    config = QUICK.but(knowledge_field=False, knowledge_signal=False, **settings)
    run = carried_out(runs.request(TRAINING, queue=False, catalog=catalog, config=config.to_json()))
    assert run.error == ""
    return run.version


@pytest.fixture
def var(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def test_statements_are_learned_exported_and_served_with_their_signs(var):
    catalog = synthetic.in_database()
    loved = tell_tastes(catalog)
    version = trained(catalog)
    learned, folder = version.metrics["claims"], files.folder_of(version)
    ranker = load(version)

    assert learned["p"] <= CHANCE
    assert learned["gain"] > 0.01
    assert learned["liked"] > 0
    assert json.loads((folder / "manifest.json").read_text())["statements"] == learned
    assert ranker.statements == Weights(learned["liked"], learned["disliked"])
    with np.load(folder / held_out.FILE) as tested:
        assert auc(tested["liked"], tested[WITH].astype(np.float64)) == pytest.approx(
            version.metrics[WITH]["test"]["auc"], abs=1e-3
        )
    for end_user in EndUser.objects.filter(catalog=catalog).select_related("catalog"):
        request = request_for(end_user, limit=5)
        bare = ranker.score(end_user.external_id, request.history, request.item_ids, attributes=end_user.attributes)
        change = score(request, ranker).scores - bare
        genres = [request.index.external_ids[place] for place in request.candidates.tolist()]
        for item, moved in zip(genres, change.tolist(), strict=True):
            likes = GENRES[int(item[1:]) % len(GENRES)] in loved[end_user.external_id]
            assert moved > 0 if likes else moved < 0


def test_a_reason_tells_the_effect_that_the_version_gave_the_statement(var):
    catalog = synthetic.in_database()
    tell_tastes(catalog)
    version = trained(catalog)
    version.state = VersionState.ACTIVE
    version.save()
    learned = load(version).statements
    end_user = EndUser.objects.select_related("catalog").get(catalog=catalog, external_id="u000")
    Statement.objects.filter(turn__round__end_user=end_user).exclude(key=f"genres={GENRES[0]}").delete()
    statement = Statement.objects.get(turn__round__end_user=end_user)
    likes = statement.polarity == "likes"
    served = preview(end_user, limit=100, level="full")
    cited = {reason.effect for item in served.items for reason in item.of(StatementReason)}
    assert cited == {round(statement.strength * learned.of(likes=likes, by_person=False), 4)}


def test_priors_count_in_the_figures_only_where_the_recipe_has_them(var):
    catalog = synthetic.in_database(end_users=12)
    turn = synthetic.approve(EndUser.objects.get(catalog=catalog, external_id="u000"), "They adore dramas.", as_of=0)
    service.add(turn, "No more westerns, please.", account=make_account())
    with_priors, learned_only, off = (
        trained(catalog),
        trained(catalog, statement_priors=False),
        trained(catalog, statements=False),
    )

    def tested(version):
        with np.load(files.folder_of(version) / held_out.FILE) as stored:
            end_users = stored["end_users"][stored["end_user"]]
            return end_users == "u000", stored["item"] % len(GENRES), stored[WITH].astype(np.float64)

    own, genre, moved = tested(with_priors)
    _, _, bare = tested(off)
    np.testing.assert_array_equal(tested(learned_only)[2], bare)  # one text cannot beat chance
    assert with_priors.metrics["claims"]["p"] == 1.0
    assert off.metrics["claims"] is None
    logit = np.log(moved / (1 - moved)) - np.log(bare / (1 - bare))
    np.testing.assert_allclose(logit[~own], 0, atol=1e-4)
    expected = {GENRES.index("Drama"): BY_MODEL, GENRES.index("Western"): -AVOIDED * 2.0}
    for place in np.flatnonzero(own):
        np.testing.assert_allclose(logit[place], expected.get(genre[place], 0.0), atol=1e-3)
    assert load(learned_only).statements == Weights()  # what is approved acts at once, whatever the figures are of
