"""Texts that say which of four kinds of items somebody loves or avoids, in made-up vectors."""

import dataclasses

import numpy as np
import pytest

from recommender.signals import stances, statement_match
from recommender.signals.folds import FOLDS
from recommender.signals.protocol import Candidates, NewestTexts
from recommender.signals.stances import DIRECTIONS, SCALE, Asked, meet
from recommender.signals.statement_match import StatementMatch
from recommender.signals.statements import Statements

KINDS, END_USERS, ITEMS, WIDTH = 4, 60, 40, 48
LOVES, AVOIDS = 0, 1
source = np.random.default_rng(3)
KIND = source.normal(size=(KINDS, WIDTH))
STANCE = source.normal(size=(2, WIDTH))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@dataclasses.dataclass
class World:
    said: Statements
    items: np.ndarray
    item_texts: np.ndarray
    asked: Asked
    liked: np.ndarray
    likely: np.ndarray
    fold_of_text: np.ndarray

    def match(self, **changed):
        of = dataclasses.replace(self, **changed)
        meeting = meet(of.said, of.items, of.item_texts)
        mean = np.bincount(self.asked.item, weights=self.liked) / END_USERS  # else the match would tell what is popular
        learned = meeting.fit(of.asked, of.liked, mean[of.asked.item][:, None], of.fold_of_text)
        return None if learned is None else StatementMatch.of_learned(learned, meeting)


def world(*, texts_of_items=False, seed=1):
    """End user n's text is n + 1 and has two statements: a kind they love, a kind they avoid. Likes follow it."""
    draw = np.random.default_rng(seed)
    vectors = unit(
        np.vstack([KIND[k] + 1.5 * STANCE[s] + 0.2 * draw.normal(size=WIDTH) for k in range(KINDS) for s in (0, 1)])
    )
    loved = draw.integers(KINDS, size=END_USERS)
    avoided = (loved + 1 + draw.integers(KINDS - 1, size=END_USERS)) % KINDS
    text = np.repeat(np.arange(1, END_USERS + 1), 2)
    statement = np.column_stack([2 * loved + LOVES, 2 * avoided + AVOIDS]).ravel()
    kind = np.arange(ITEMS) % KINDS
    facts = unit(KIND[kind] + 0.3 * draw.normal(size=(ITEMS, WIDTH)))
    texts = 1 + END_USERS + (ITEMS if texts_of_items else 0)
    item_texts = np.zeros((texts, WIDTH), np.float32)
    item_text = np.zeros(ITEMS, np.int64)
    if texts_of_items:
        item_text = 1 + END_USERS + np.arange(ITEMS)
        item_texts[item_text], facts = facts, np.zeros_like(facts)
    end_user, item = (one.ravel() for one in np.meshgrid(np.arange(END_USERS), np.arange(ITEMS), indexing="ij"))
    likely = 0.5 + 0.4 * (kind[item] == loved[end_user]) - 0.4 * (kind[item] == avoided[end_user])
    liked = (draw.random(len(item)) < likely).astype(np.float64)
    return World(
        Statements(vectors, text, statement, np.ones(len(text), np.float32)),
        facts,
        item_texts,
        Asked(end_user + 1, item, item_text[item]),
        liked,
        likely,
        np.r_[0, np.arange(texts - 1) % FOLDS],
    )


def candidates(text, item, item_text):
    nothing = np.empty(0, dtype=np.int64)
    return Candidates("u", nothing, nothing.astype(np.int8), item, end_user_text=text, item_text=item_text)


@pytest.mark.parametrize("texts_of_items", [False, True], ids=["facts", "texts of items"])
def test_the_match_foretells_what_the_texts_say_and_those_of_others_do_not(texts_of_items):
    made = world(texts_of_items=texts_of_items)
    read = made.match().of(made.asked)
    liked, disliked = read[made.liked == 1], read[made.liked == 0]

    assert 0.1 < made.match().gain < 0.9
    assert liked.mean() - disliked.mean() > 0.25 * SCALE * 0.4
    others = np.roll(made.said.statement.reshape(END_USERS, 2), 1, axis=0).ravel()
    assert made.match(said=dataclasses.replace(made.said, statement=others)) is None


def test_a_text_is_one_vector_whatever_it_says():
    made = world(texts_of_items=True)
    both = dataclasses.replace(made, items=unit(np.random.default_rng(5).normal(size=(ITEMS, WIDTH))))
    match = both.match()
    asked = Asked(np.array([1, 2, 0]), np.array([3, 3, 3]), np.array([0, 1 + END_USERS, 1 + END_USERS]))
    facts = [np.r_[match.items[3], match.item_texts[text]] for text in asked.item_text]
    expected = [match.wants[text] @ fact for text, fact in zip(asked.end_user_text, facts, strict=True)]

    assert match.wants.shape == (1 + END_USERS + ITEMS, 2 * min(DIRECTIONS, WIDTH))
    np.testing.assert_allclose(match.of(asked), expected, rtol=1e-5)
    assert match.of(asked)[2] == 0


def test_nobodys_own_likes_are_in_the_stances_of_their_text(monkeypatch):
    monkeypatch.setattr(stances, "PENALTIES", (100.0,))  # that choice is everybody's
    made = world()
    some = (made.fold_of_text[made.asked.end_user_text] == 0) & (made.asked.item % 7 == 0)
    liked = np.where(some, 1 - made.liked, made.liked)
    before, after = made.match(), made.match(liked=liked)
    text_of_fold = made.fold_of_text == 0

    np.testing.assert_allclose(after.wants[text_of_fold], before.wants[text_of_fold], rtol=1e-4, atol=1e-5)
    assert not np.allclose(after.wants[~text_of_fold], before.wants[~text_of_fold], rtol=1e-4, atol=1e-5)


def test_what_other_signals_say_already_is_not_said_again():
    made = world()
    meeting = meet(made.said, made.items, made.item_texts)

    assert meeting.fit(made.asked, made.liked, made.likely[:, None], made.fold_of_text) is None


def test_drafts_share_the_weight_of_one_text():
    made = world()
    halves = dataclasses.replace(
        made.said,
        text=np.repeat(made.said.text, 2),
        statement=np.repeat(made.said.statement, 2),
        weight=np.full(4 * END_USERS, 0.5, np.float32),
    )

    np.testing.assert_allclose(made.match(said=halves).wants, made.match().wants, rtol=1e-4, atol=1e-5)


def test_serving_holds_the_same_match(tmp_path):
    made = world(texts_of_items=True)
    match = made.match()
    newest = 1 + END_USERS + np.arange(ITEMS)
    match.save(tmp_path / "signal.npz", NewestTexts([5, 9, 10_000], newest))
    served = statement_match.load(tmp_path / "signal.npz")
    items = np.array([7, 0, -1])

    for row, text in enumerate([0, 5, 9, 0]):  # 10,000: a set of items' texts, which says nothing
        asked = Asked(np.full(2, text), items[:2], newest[items[:2]])
        read = served.read(candidates(row, items, items))[:, 0]
        np.testing.assert_allclose(read[:2], match.of(asked), rtol=1e-5, atol=1e-6)
        assert read[2] == 0  # an item nobody knows
        np.testing.assert_allclose(
            match.read(candidates(text, items[:2], asked.item_text))[:, 0], match.of(asked), rtol=1e-5, atol=1e-6
        )
    assert isinstance(served.wants, np.memmap)
    assert served.gain == match.gain
    assert (match.of(Asked(np.array([10_000]), np.array([0]), np.array([0]))) == 0).all()


def test_one_statement_for_everybody_says_nothing():
    made = world()
    same = dataclasses.replace(made.said, statement=np.zeros_like(made.said.statement))

    assert meet(same, made.items, made.item_texts) is None


def test_without_facts_there_is_no_match():
    made = world()

    assert made.match(items=np.zeros_like(made.items)) is None
