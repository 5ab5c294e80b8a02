"""Texts by themselves, and what is said against them."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.erasure import service as erasure
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.knowledge.service import reject
from recommender.models import Account, Catalog, Dispute, EndUser, Item, Role, SubjectKind, TokenScope, Turn
from recommender.serving import catalog_index
from recommender.statements import own
from reviews.choices import Concern, Verdict
from reviews.models import Review, ReviewState
from reviews.room import disputes, undo
from tests.builders import make_account, make_catalog, make_review, make_round
from tests.recommender.api.test_problems import problem
from tests.recommender.training import synthetic
from tests.reviews.room.test_decisions import decide

USER, ITEM = "/api/v1/catalogs/films/users/u1/explanation", "/api/v1/catalogs/films/items/f5/explanation"


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    catalog_index.KEPT.clear()


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


@pytest.fixture
def reader(films: Catalog) -> EndUser:
    return EndUser.objects.get(external_id="u1")


@pytest.fixture
def turn(reader: EndUser) -> Turn:
    return synthetic.approve(reader, "They adore dramas. They can't stand musicals.")


def said_against(api: APIClient, turn: Turn, reason: str = "I never liked dramas.", **more: Any) -> Dispute:
    answer = api.post(f"/api/v1/explanations/{turn.pk}/disputes", {"reason": reason, **more}, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer["Location"] == f"/api/v1/disputes/{answer.json()['dispute_id']}"
    return Dispute.objects.get(pk=answer.json()["dispute_id"])


def test_a_person_s_text_comes_with_the_statements_that_act(api: APIClient, turn: Turn) -> None:
    answer = api.get(USER)
    told = answer.json()
    assert (told["about"], told["user_id"], told["item_id"], told["catalog"]) == ("user", "u1", None, "films")
    assert (told["explanation_id"], told["text"]) == (turn.pk, turn.text)
    first = told["statements"][0]
    assert (first["aspect"], first["polarity"], first["liked"], first["ratings"]) == ("Drama", "likes", 2, 2)
    assert api.get(f"/api/v1/explanations/{turn.pk}").json() == told
    assert api.get(USER, headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_what_acts_and_what_does_not_is_told_with_its_reason(api: APIClient, turn: Turn, reader: EndUser) -> None:
    told = api.get(USER).json()
    assert ("Drama" in {one["aspect"] for one in told["statements"]}, told["not_acting"]) == (True, [])
    own.say(reader, [Said((Facet("attribute", "genres", "Drama"),), "dislikes")], quotes=[""], now=timezone.now())
    told = api.get(USER).json()
    assert "Drama" not in {one["aspect"] for one in told["statements"]}
    assert [(one["aspect"], one["polarity"], one["why_not"]) for one in told["not_acting"]] == [
        ("Drama", "likes", "overruled")
    ]


def test_where_statements_move_no_list_none_is_said_to_act(api: APIClient, turn: Turn) -> None:
    Catalog.objects.update(steering=0.0)
    for path in (USER, f"/api/v1/explanations/{turn.pk}"):
        told = api.get(path).json()
        assert told["statements"] == []
        assert {one["why_not"] for one in told["not_acting"]} == {"steering_off"}
        assert ("Drama", "likes") in {(one["aspect"], one["polarity"]) for one in told["not_acting"]}


def test_an_item_s_proposal_is_withheld_until_somebody_judges_it(api: APIClient, films: Catalog) -> None:
    problem(api.get(ITEM), status=404, kind="unknown-explanation")
    round_ = make_round(Item.objects.get(external_id="f5"), ("reason", "Slow."), ("reflect", ""))
    address = f"/api/v1/explanations/{round_.turns.get(index=0).pk}"
    for path in (ITEM, address):
        problem(api.get(path), status=404, kind="text-withheld")
        told = api.get(path, {"min_review": "any"}).json()
        assert (told["item_id"], told["text"], told["review_status"]) == ("f5", "Slow.", "unreviewed")
    reject(round_.turns.get(index=0))
    problem(api.get(address, {"min_review": "any"}), status=410, kind="text-withdrawn")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (USER.replace("films", "books"), "unknown-catalog"),
        (USER.replace("u1", "nobody"), "unknown-user"),
        (ITEM.replace("f5", "f99"), "unknown-item"),
        (ITEM.replace("f5", "%00"), "unknown-item"),
        (f"/api/v1/explanations/{10**18}", "unknown-explanation"),
        (f"/api/v1/explanations/{10**30}", "unknown-explanation"),
        ("/api/v1/disputes/2c0f67fc-fa4d-45d7-bcbe-fa81d3c5e7c1", "unknown-dispute"),
    ],
)
def test_what_is_not_there_is_named(api: APIClient, films: Catalog, path: str, kind: str) -> None:
    problem(api.get(path), status=404, kind=kind)


def test_a_reflection_is_no_explanation(api: APIClient, films: Catalog) -> None:
    round_ = make_round(Item.objects.get(external_id="f5"), ("reason", "Slow."), ("reflect", "Too short."))
    problem(api.get(f"/api/v1/explanations/{round_.turns.get(index=1).pk}"), status=404, kind="unknown-explanation")


def test_other_catalogs_texts_and_disputes_are_not_there(api: APIClient, turn: Turn) -> None:
    made = said_against(api, turn)
    own = make_catalog("books")
    _, key = create_token("x", account=make_account(role=Role.LEAD), scopes=list(TokenScope), catalog=own)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    problem(api.get(f"/api/v1/explanations/{turn.pk}"), status=404, kind="unknown-explanation")
    problem(api.get(f"/api/v1/disputes/{made.pk}"), status=404, kind="unknown-dispute")
    against = api.post(f"/api/v1/explanations/{turn.pk}/disputes", {"reason": "No."}, format="json")
    problem(against, status=404, kind="unknown-explanation")


def test_a_text_about_somebody_is_disputed_by_nobody_else(api: APIClient, turn: Turn) -> None:
    path = f"/api/v1/explanations/{turn.pk}/disputes"
    answer = api.post(path, {"reason": "No.", "user_id": "other-1-0"}, format="json")
    problem(answer, status=422, kind="not-their-text")
    assert not Dispute.objects.exists()
    assert said_against(api, turn, user_id="u1").end_user == turn.round.end_user
    of_item = synthetic.approve(Item.objects.get(external_id="f5"), "A slow drama.")
    assert said_against(api, of_item, user_id="other-1-0").end_user is not None


def test_an_erased_person_s_text_is_gone(api: APIClient, films: Catalog, turn: Turn) -> None:
    said_against(api, turn)
    erasure.erase(films, SubjectKind.END_USER, "u1")
    assert not Dispute.objects.exists()
    for path in (USER, f"/api/v1/explanations/{turn.pk}"):
        problem(api.get(path), status=410, kind="erased")


def test_what_an_erased_person_said_against_an_item_s_text_is_gone_too(api: APIClient, films: Catalog) -> None:
    turn = synthetic.approve(Item.objects.get(external_id="f5"), "Slow.")
    said_against(api, turn, user_id="u1")
    said_against(api, turn)
    erasure.erase(films, SubjectKind.END_USER, "u1")
    assert Dispute.objects.get().end_user is None


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": ""}, {"reason": 5}, {"reason": "x" * 2_001}, {"reason": "x", "statement_id": 10**12}, {"why": "x"}],
)
def test_an_objection_says_what_is_wrong(api: APIClient, turn: Turn, body: dict[str, Any]) -> None:
    answer = api.post(f"/api/v1/explanations/{turn.pk}/disputes", body, format="json")
    problem(answer, status=400, kind="invalid-parameter")
    assert not Dispute.objects.exists()


def test_an_objection_takes_its_own_scope(api: APIClient, turn: Turn) -> None:
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token('x', account=make_account(role=Role.LEAD))[1]}")
    answer = api.post(f"/api/v1/explanations/{turn.pk}/disputes", {"reason": "No."}, format="json")
    problem(answer, status=403, kind="scope-missing")


@pytest.fixture
def approved(films: Catalog) -> Review:
    rita = make_account("rita", role=Role.ANNOTATOR)
    for name in ("other-1-0", "other-2-0"):
        make_review(subject=EndUser.objects.get(external_id=name), rest_reason="budget")
    review = make_review(subject=EndUser.objects.get(external_id="u1"))
    decide(review, rita, Verdict.APPROVE)
    return Review.objects.get(pk=review.pk)


def test_a_disputed_text_comes_before_all_others_until_somebody_decides(api: APIClient, approved: Review) -> None:
    rita = Account.objects.get(username="rita")
    proposal = approved.decisions.get().turn
    made = said_against(api, proposal, "It is my sister who likes war films.")
    assert api.get(f"/api/v1/explanations/{proposal.pk}").json()["review_status"] == "reviewed"
    assert disputes.open_disputed() == 1
    assert disputes.open_disputed() == 0  # it is there already
    review = Review.objects.order_by("place").filter(state=ReviewState.OPEN).first()
    assert review is not None
    assert (review.pk, review.concern) == (approved.pk, Concern.DISPUTED)
    assert "my sister" in disputes.words(review.round)
    assert api.get(f"/api/v1/disputes/{made.pk}").json()["state"] == "open"

    decided = decide(review, rita, Verdict.APPROVE)

    settled = api.get(f"/api/v1/disputes/{str(made.pk).upper()}").json()
    assert (settled["state"], settled["verdict"]) == ("settled", "approve")
    assert api.get(f"/api/v1/explanations/{proposal.pk}").json()["review_status"] == "approved"
    assert disputes.open_disputed() == 0
    assert decided.decision.review.concern == Concern.NONE


def test_taking_the_decision_back_leaves_the_objection_open(api: APIClient, approved: Review) -> None:
    rita = Account.objects.get(username="rita")
    made = said_against(api, approved.decisions.get().turn)
    disputes.open_disputed()
    decided = decide(Review.objects.get(pk=approved.pk), rita, Verdict.REJECT)
    undo.undo(decided.decision.pk, account=rita, now=timezone.now())
    made.refresh_from_db()
    assert (made.settled_at, made.verdict) == (None, "")
    assert disputes.open_disputed() == 1


def test_a_text_that_somebody_reads_moves_and_stays_in_their_hands(api: APIClient, films: Catalog) -> None:
    review = make_review(subject=EndUser.objects.get(external_id="u1"))
    said_against(api, review.round.turns.get(index=2))
    disputes.open_disputed()
    moved = Review.objects.get(pk=review.pk)
    assert (moved.version, moved.concern, moved.place < 0) == (review.version, Concern.DISPUTED, True)


def test_a_text_without_a_review_gets_one(api: APIClient, turn: Turn) -> None:
    said_against(api, turn)
    assert disputes.open_disputed() == 1
    assert Review.objects.get().concern == Concern.DISPUTED


def test_who_decides_reads_which_statement_is_disputed(api: APIClient, turn: Turn) -> None:
    drama = next(one for one in api.get(USER).json()["statements"] if one["aspect"] == "Drama")
    said_against(api, turn, statement_id=drama["statement_id"])
    said_against(api, turn, "All of it is wrong.")
    assert disputes.words(turn.round).endswith("“I never liked dramas.” (about Drama), “All of it is wrong.”")


def test_nothing_is_said_by_blanks(api: APIClient, turn: Turn) -> None:
    answer = api.post(f"/api/v1/explanations/{turn.pk}/disputes", {"reason": " \n\t "}, format="json")
    problem(answer, status=400, kind="invalid-parameter")
    assert not Dispute.objects.exists()
