import hashlib

import numpy as np
import pytest

from recommender.dataset.interactions import read_interactions
from recommender.dataset.split import split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import Item, SubjectKind
from recommender.signals import controls
from tests.recommender.training import synthetic

WIDTH = 64


def encode(texts):
    """Different vectors for different texts, the same for the same."""
    return {
        name: np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)).normal(size=WIDTH)
        for name, text in texts.items()
    }


def known_of(*subjects):
    """One text for each (kind, number, as_of)."""
    return KnowledgeRows(
        [
            Text(kind, number, as_of, hashlib.sha256(f"{kind}{number}{as_of}".encode()).hexdigest())
            for kind, number, as_of in sorted(subjects)
        ]
    )


def made(source, known, interactions=None):
    interactions = interactions or synthetic.in_memory(synthetic.rows())
    codes = split("r4ec", interactions.end_user, interactions.liked)
    vectors = known.matrix(encode({text.text_hash: text.text_hash for text in known.texts}))
    return vectors, controls.control_vectors(source, known, vectors, interactions, codes, encode)


def everybody():
    people = [(SubjectKind.END_USER, number, as_of) for number in range(12) for as_of in (1000, 1100)]
    return known_of(*people, *((SubjectKind.ITEM, number, 900) for number in range(20)))


@pytest.mark.parametrize("source", ["knowledge", "shuffled", "numeric", "random"])
def test_control_vectors_have_the_shape_of_knowledge_and_nothing_for_no_text(source):
    vectors, other = made(source, everybody())

    assert (other.shape, other.dtype) == (vectors.shape, np.float32)
    assert not other[0].any()
    assert np.isfinite(other).all()
    if source != "knowledge":
        assert not np.allclose(other, vectors)


def test_knowledge_itself_and_no_texts_are_left_alone():
    vectors, same = made("knowledge", everybody())
    nothing, still = made("random", KnowledgeRows([]))

    assert same is vectors
    assert still is nothing


def test_shuffling_gives_everybody_the_text_of_another_subject_of_their_kind():
    known = everybody()
    vectors, other = made("shuffled", known)
    place_of = {row.tobytes(): place for place, row in enumerate(vectors)}
    from_whom = [place_of[row.tobytes()] for row in other]
    of_items = []
    for row, text in enumerate(known.texts, start=1):
        giver = known.texts[from_whom[row] - 1]
        assert giver.kind == text.kind
        assert giver.subject != text.subject
        assert giver.as_of == text.as_of  # both of each end user's texts, in their order
        if text.kind == SubjectKind.ITEM:
            of_items.append(giver.subject)

    assert sorted(of_items) == list(range(20))  # each text is used once


def test_random_vectors_are_the_same_in_every_study():
    _, first = made("random", everybody())
    _, again = made("random", everybody())

    assert (first == again).all()


def test_the_summary_of_an_end_user_counts_what_the_prompts_showed_and_nothing_later():
    interactions = synthetic.in_memory(synthetic.rows(end_users=3))
    (first,) = np.flatnonzero(interactions.end_user == 0)[:1]
    own = np.flatnonzero(interactions.end_user == 0)
    shown = frozenset(interactions.keys[own[:8]].tolist())
    one = Text(SubjectKind.END_USER, 0, 10**9, "a", shown=shown)
    before = Text(SubjectKind.END_USER, 0, int(interactions.moment[own[8]]), "b")
    _, summary = made("numeric", KnowledgeRows([one]), interactions)
    _, same = made("numeric", KnowledgeRows([before]), interactions)

    assert np.allclose(summary, same)
    later = interactions.liked.copy()
    later[own[8:]] = 1 - later[own[8:]]
    interactions.liked[:] = later
    _, still = made("numeric", KnowledgeRows([before]), interactions)
    assert np.allclose(still, same)
    interactions.liked[first] = 1 - interactions.liked[first]
    _, other = made("numeric", KnowledgeRows([before]), interactions)
    assert not np.allclose(other, same)


def test_the_summary_of_an_item_is_of_interactions_that_are_never_scored_or_trained_on():
    interactions = synthetic.in_memory(synthetic.rows())
    codes = split("r4ec", interactions.end_user, interactions.liked)
    known = known_of(*((SubjectKind.ITEM, number, 900) for number in range(40)))
    _, before = made("numeric", known, interactions)
    scored = codes > 0
    interactions.liked[scored] = 1 - interactions.liked[scored]
    _, after = made("numeric", known, interactions)

    assert np.allclose(before, after)


def test_sentences_say_title_and_attributes_in_plain_words():
    said = controls.sentence("Heat", {"year": 1995, "genres": ["Crime", "Drama"], "link": "", "rating": None})

    assert said == "Heat. genres: Crime, Drama. year: 1995."
    assert controls.sentence("", {}) == ""


@pytest.mark.django_db
def test_metadata_encodes_what_is_known_without_any_llm():
    catalog = synthetic.in_database(end_users=16)
    interactions = read_interactions(catalog)
    known = known_of((SubjectKind.ITEM, 3, 900), (SubjectKind.END_USER, 2, 1000))
    _, found = made("metadata", known, interactions)
    item = Item.objects.get(catalog=catalog, external_id="i003")
    (expected,) = encode({"it": controls.sentence(item.title, item.attributes)}).values()
    rows = {text.kind: row for row, text in enumerate(known.texts, start=1)}

    assert np.allclose(found[rows[SubjectKind.ITEM]], expected)
    assert not found[rows[SubjectKind.END_USER]].any()  # nothing is known of this person
    space = controls.metadata_space(interactions, encode)
    assert space.shape == (40, WIDTH)
    assert np.allclose(np.linalg.norm(space, axis=1), 1)
