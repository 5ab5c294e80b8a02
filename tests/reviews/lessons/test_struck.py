"""What people struck from a text, changed in it or deny is taught as right in no set."""

import json
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import Catalog, Hearing, Statement, Turn
from recommender.statements import own, service
from recommender.tuning.layouts import alpaca, sharegpt, trl
from recommender.tuning.rows import Row
from reviews.models import Review, Verdict
from reviews.room.opening import open_review
from tests.builders import make_account, make_catalog, make_drafts, make_end_user, make_item, make_review
from tests.reviews.lessons.test_rows import decided, on_drafts, taught

pytestmark = pytest.mark.django_db

CRIME, MUSICAL, WAR = (
    "Likes crime films more than anything else they saw.",
    "Musicals bore this person.",
    "War films delight them whoever made them.",
)
TEXT = f"{CRIME} {MUSICAL} {WAR}"


@pytest.fixture
def catalog() -> Catalog:
    films = make_catalog("films")
    for genre in ("Crime", "Musical", "War"):
        make_item(films, f"Some {genre} (1990)", genres=[genre])
    return films


@pytest.fixture
def review(catalog: Catalog) -> Review:
    return make_review(("reason", TEXT), ("reflect", ""), subject=make_end_user(catalog))


def statement(review: Review, about: str) -> Statement:
    turn = Turn.objects.filter(round=review.round, index=0).get()
    return next(row for row in turn.statements.all() if about in json.dumps(row.aspect).casefold())


def strike(review: Review, about: str) -> None:
    service.strike([statement(review, about)], account=make_account(), now=timezone.now())


def by_set(rows: list[Row]) -> dict[str, Row]:
    return {row.set: row for row in rows}


def whole(row: Row) -> list[str]:
    """Every layout's words that are to be learnt, or that are told to be right."""
    shown = [trl(row), sharegpt(row), alpaca(row)]
    for each in shown:
        for told in ("statements", "struck", "provenance", "rejected"):
            each.pop(told, None)
    return [json.dumps(each) for each in shown]


def test_the_sentence_of_a_struck_point_is_in_no_answer_and_in_no_text_that_is_called_right(
    catalog: Catalog, review: Review
) -> None:
    strike(review, "musical")
    decided(review, Verdict.APPROVE)

    rows = by_set(taught(catalog))
    assert set(rows) == {"reason", "reflect", "kto", "extract", "polarity"}
    assert rows["reason"].answer == rows["kto"].answer == f"{CRIME} {WAR}"
    assert f"{CRIME} {WAR}" in rows["reflect"].prompt[1]["content"]
    for name in ("reason", "reflect", "kto"):
        assert not any(MUSICAL in each for each in whole(rows[name]))
        assert [(one.about, one.polarity, one.verdict) for one in rows[name].struck] == [
            ("Musical", "dislikes", "struck")
        ]
        assert {one.about for one in rows[name].statements} == {"Crime", "War"}
        assert [len(each["struck"]) for each in (trl(rows[name]), sharegpt(rows[name]), alpaca(rows[name]))] == [1] * 3
    # The text is asked about there, not called right, and what it states is without the point.
    assert MUSICAL in rows["extract"].prompt[1]["content"]
    assert MUSICAL not in rows["extract"].answer


def test_what_was_put_back_is_taught_again(catalog: Catalog, review: Review) -> None:
    strike(review, "musical")
    service.restore(statement(review, "musical"))
    decided(review, Verdict.APPROVE)

    rows = by_set(taught(catalog))
    assert rows["reason"].answer == TEXT
    assert rows["reason"].struck == ()


def test_a_point_whose_opinion_was_changed_is_told_as_people_have_it_and_not_as_the_text_does(
    catalog: Catalog, review: Review
) -> None:
    service.change(statement(review, "musical"), polarity="likes", account=make_account(), now=timezone.now())
    decided(review, Verdict.APPROVE)

    row = by_set(taught(catalog))["reason"]
    assert row.answer == f"{CRIME} {WAR}"
    assert [(one.about, one.polarity, one.verdict) for one in row.struck] == [("Musical", "dislikes", "changed")]
    told = {(one.about, one.polarity, one.verdict, bool(one.quote)) for one in row.statements}
    assert ("Musical", "likes", "changed", False) in told  # no quote: the sentence is not there


def test_another_strength_of_a_point_leaves_its_sentence(catalog: Catalog, review: Review) -> None:
    row = statement(review, "musical")
    service.change(row, polarity=row.polarity, strength=0.4, account=make_account(), now=timezone.now())
    decided(review, Verdict.APPROVE)
    assert by_set(taught(catalog))["reason"].answer == TEXT


def test_what_a_text_says_twice_goes_twice(catalog: Catalog) -> None:
    text = f"{TEXT} This person dislikes musicals."
    review = make_review(("reason", text), ("reflect", ""), subject=make_end_user(catalog))
    strike(review, "musical")
    decided(review, Verdict.APPROVE)
    assert by_set(taught(catalog))["reason"].answer == f"{CRIME} {WAR}"


def test_a_text_of_which_next_to_nothing_is_left_is_no_answer(catalog: Catalog) -> None:
    review = make_review(("reason", f"{CRIME} {MUSICAL}"), ("reflect", ""), subject=make_end_user(catalog))
    strike(review, "crime")
    decided(review, Verdict.APPROVE)
    assert set(by_set(taught(catalog))) == {"extract", "polarity"}


def test_a_refinement_is_learnt_and_preferred_without_it(catalog: Catalog) -> None:
    turns = (("reason", MUSICAL), ("reflect", "That is far too short."), ("refine", TEXT), ("reflect", ""))
    review = make_review(*turns, subject=make_end_user(catalog))
    refined = review.round.turns.get(index=2)
    row = next(row for row in refined.statements.all() if "crime" in json.dumps(row.aspect).casefold())
    service.strike([row], account=make_account(), now=timezone.now())
    decided(review, Verdict.APPROVE)

    rows = [row for row in taught(catalog) if row.set in ("refine", "preference")]
    assert [(row.set, row.answer) for row in rows] == [
        ("refine", f"{MUSICAL} {WAR}"),
        ("preference", f"{MUSICAL} {WAR}"),
    ]
    assert all(row.struck for row in rows)


def test_an_edit_that_left_a_struck_sentence_is_learnt_without_it(catalog: Catalog, review: Review) -> None:
    strike(review, "musical")
    decided(review, Verdict.EDIT, text=TEXT.replace("delight", "please"), reason="It is more of a liking.")
    rows = by_set(taught(catalog))
    expected = f"{CRIME} {WAR.replace('delight', 'please')}"
    assert [rows[name].answer for name in ("reason", "refine", "preference")] == [expected] * 3


def test_of_drafts_the_kept_one_is_judged_and_preferred_without_it(catalog: Catalog) -> None:
    review = open_review(make_drafts(make_end_user(catalog), (TEXT, ""), ("B two.", "B is not true.")))
    strike(review, "musical")
    on_drafts(review, Verdict.APPROVE)
    rows = [row for row in taught(catalog) if row.set in ("reason", "kto", "preference")]
    assert [row.answer for row in rows] == [f"{CRIME} {WAR}"] * 3


def test_a_rejected_text_is_told_whole(catalog: Catalog, review: Review) -> None:
    """Nobody is to learn it, and the critique may be about any of it."""
    strike(review, "musical")
    decided(review, Verdict.REJECT, reason="Nothing of this is shown.")
    assert [(row.set, row.label, TEXT in str(row.prompt) + row.answer) for row in taught(catalog)] == [
        ("kto", False, True),
        ("reflect", None, True),
    ]


@pytest.mark.parametrize(("hearing", "expected"), [(Hearing.AT_ONCE, f"{CRIME} {WAR}"), (Hearing.AFTER_REVIEW, TEXT)])
def test_what_the_end_user_denies_is_not_taught_once_that_counts(
    catalog: Catalog, review: Review, hearing: Hearing, expected: str
) -> None:
    catalog.hearing = hearing
    catalog.save()
    decided(review, Verdict.APPROVE)
    end_user: Any = review.round.end_user
    end_user.catalog = catalog
    own.strike(end_user, statement(review, "musical"), now=timezone.now())

    row = by_set(taught(catalog))["reason"]
    assert row.answer == expected
    assert [one.verdict for one in row.struck] == (["objected"] if expected != TEXT else [])


def test_a_point_about_an_item_goes_too(catalog: Catalog) -> None:
    item = make_item(catalog, "Heat (1995)", genres=["Crime"])
    text = "It is a crime film with two famous men in it. People who like it love war films."
    review = make_review(("reason", text), ("reflect", ""), subject=item)
    strike(review, "war")
    decided(review, Verdict.APPROVE)
    assert by_set(taught(catalog))["reason"].answer == "It is a crime film with two famous men in it."
