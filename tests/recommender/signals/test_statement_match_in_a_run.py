from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from recommender.artifacts import files, golden, ranker
from recommender.artifacts.golden import Entry
from recommender.dataset.split import split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import EndUser, Item, SubjectKind
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.signals import statement_match
from recommender.signals.protocol import Candidates
from recommender.signals.sources import Sources
from tests.carried_out import carried_out
from tests.recommender.training import synthetic
from tests.recommender.training.synthetic import GENRES
from tests.recommender.training.test_service import QUICK

LEARNS = {"knowledge_field": False, "epochs": 12, "learning_rate": 0.01}


def tell_tastes(catalog):
    """Put in force about every end user which genres their ratings praise and which they do not; the latter by name."""
    disliked = {}
    for end_user in EndUser.objects.filter(catalog=catalog).prefetch_related("interactions__item"):
        ratings = defaultdict(list)
        for met in end_user.interactions.all():
            ratings[met.item.attributes["genres"][0]].append(met.rating)
        liked = [genre for genre in GENRES if np.mean(ratings[genre]) > 3]
        disliked[end_user.external_id] = [genre for genre in GENRES if genre not in liked]
        said = [f"They love {genre} films." for genre in liked]
        said += [f"They cannot stand {genre} films." for genre in disliked[end_user.external_id]]
        synthetic.approve(end_user, " ".join(said), as_of=0)
    return disliked


@pytest.mark.slow
@pytest.mark.django_db
def test_a_version_holds_what_people_are_said_to_like_against_items(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    catalog = synthetic.in_database()
    disliked = tell_tastes(catalog)
    config = QUICK.but(**LEARNS)
    run = carried_out(runs.request(TRAINING, queue=False, catalog=catalog, config=config.to_json()))
    assert run.error == ""
    assert run.version.metrics["claims"]["gain"] > 0.001
    folder = files.folder_of(run.version)
    served = ranker.read(folder)
    genre = {item.external_id: item.attributes["genres"][0] for item in Item.objects.filter(catalog=catalog)}
    rows = np.arange(len(served.items))
    histories = {
        one.external_id: [Entry(met.item.external_id, met.rating, met.label) for met in one.interactions.oldest_first()]
        for one in EndUser.objects.filter(catalog=catalog)
    }
    loved = {True: [], False: []}
    nothing = np.empty(0, dtype=np.int64)
    for name, bad in disliked.items():
        asked = Candidates(name, nothing, nothing.astype(np.int8), rows, served.end_users[name], rows)
        for item, match in zip(served.items, served.signals.fitted["statement_match"].read(asked)[:, 0], strict=True):
            loved[genre[item] not in bad].append(match)

    assert np.mean(loved[True]) - np.mean(loved[False]) > 1  # an eighth of a like: signals.stances.SCALE
    unread = replace(served, end_users={})
    gained = []
    for name, bad in disliked.items():
        history = histories[name]
        by_text = served.score(name, history, list(genre)) - unread.score(name, history, list(genre))
        right = np.array([genre[item] not in bad for item in genre])
        gained.append(by_text[right].mean() - by_text[~right].mean())
    assert np.mean(gained) > 0.01
    found = golden.compare(served, golden.read(folder))
    assert found.are_small

    assert served.contributions(name, history, ["i001"]).shape == (1, len(history))


def test_the_match_can_be_switched_off_and_need_texts_of_end_users():
    interactions = synthetic.in_memory(synthetic.rows())
    codes = split("r4ec", interactions.end_user, interactions.liked)
    of_item = Text(SubjectKind.ITEM, 0, 0, "a", "A western.")
    of_end_user = Text(SubjectKind.END_USER, 0, 0, "b", "Loves westerns.")
    for config, texts in (
        (QUICK.but(statement_match=False), [of_end_user, of_item]),
        (QUICK, [of_item]),
        (QUICK, []),
    ):
        vectors = np.zeros((1 + len(texts), 4), dtype=np.float32)
        sources = Sources(config, interactions, codes, known=KnowledgeRows(texts), vectors=vectors)
        assert statement_match.prepare(sources) is None
