"""What each decision teaches."""

import json
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import Account, Catalog, EndUser, Item, Judgement, LlmCall, Role, Turn
from recommender.rounds.core.parsing import parse_reflection
from recommender.rounds.queries import proposed
from recommender.statements import service
from recommender.tuning.rows import Row
from reviews.lessons.rows import of_catalog
from reviews.models import Decision, Review, Verdict
from reviews.room.decisions import Seen, decide, reopen
from reviews.room.leases import take_next
from reviews.room.opening import open_review
from tests.builders import make_account, make_catalog, make_drafts, make_end_user, make_item, make_review

pytestmark = pytest.mark.django_db

DRAFT, CRITIQUE, REFINED = "Likes films.", "That is too vague.", "Likes war films."


@pytest.fixture
def catalog() -> Catalog:
    return make_catalog("films")


def refined_review(subject: EndUser | Item) -> Review:
    """A review of a draft that was criticised, refined, and judged reasonable."""
    turns = (("reason", DRAFT), ("reflect", CRITIQUE), ("refine", REFINED), ("reflect", ""))
    return make_review(*turns, subject=subject)


def decided(review: Review, verdict: Verdict, *, text: str = "", reason: str = "") -> Decision:
    now, account = timezone.now(), make_account()
    slot = take_next(account, now=now)
    assert slot is not None
    assert slot.review == review
    turns = list(review.round.turns.all())
    proposal = next(turn for turn in reversed(turns) if turn.is_rationale)
    seen = Seen(Review.objects.get(pk=review.pk).version, len(turns), proposal.text_hash)
    return decide(
        review, account=account, verdict=verdict, seen=seen, lease_token=slot.lease_token, text=text, reason=reason,
        now=now,
    ).decision  # fmt: skip


def taught(catalog: Catalog) -> list[Row]:
    return list(of_catalog(catalog))


def short(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Without what texts state, which has tests of its own."""
    return [
        (row.set, *(part for part in (row.rejected, row.label) if part not in ("", None)), shown(row))
        for row in rows
        if row.set != "extract"
    ]


def shown(row: Row) -> str:
    if row.set != "reflect":
        return row.answer
    reflection = parse_reflection(row.answer)  # the form is the one our own parser reads
    return f"{reflection.verdict} {reflection.critique}".strip()


def test_an_approved_refinement_teaches_the_answer_the_critique_and_the_way_there(catalog: Catalog) -> None:
    decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    assert short(taught(catalog)) == [
        ("reason", REFINED),
        ("reflect", "reasonable"),
        ("kto", True, REFINED),
        ("reflect", f"not_reasonable {CRITIQUE}"),
        ("refine", REFINED),
        ("preference", DRAFT, REFINED),
    ]


def test_a_critique_too_short_for_the_rounds_parser_is_not_taught(catalog: Catalog) -> None:
    decided(make_review(subject=make_end_user(catalog)), Verdict.OVERRIDE, text="Too vague.")
    assert taught(catalog) == []


def test_an_approved_first_draft_teaches_no_critique_and_no_preference(catalog: Catalog) -> None:
    decided(make_review(("reason", DRAFT), ("reflect", ""), subject=make_item(catalog)), Verdict.APPROVE)
    assert short(taught(catalog)) == [("reason", DRAFT), ("reflect", "reasonable"), ("kto", True, DRAFT)]


def test_an_edit_is_preferred_to_what_it_replaced(catalog: Catalog) -> None:
    decided(refined_review(make_end_user(catalog)), Verdict.EDIT, text="Likes some war films.")
    assert short(taught(catalog)) == [
        ("reason", "Likes some war films."),
        ("preference", REFINED, "Likes some war films."),
    ]


def test_an_edit_with_a_reason_also_teaches_the_reason_as_a_critique(catalog: Catalog) -> None:
    review = refined_review(make_end_user(catalog))
    decided(review, Verdict.EDIT, text="Likes some war films.", reason="It claims more than is shown.")
    assert short(taught(catalog))[1:3] == [
        ("reflect", "not_reasonable It claims more than is shown."),
        ("refine", "Likes some war films."),
    ]
    refine = next(row for row in taught(catalog) if row.set == "refine")
    assert REFINED in refine.prompt[1]["content"]
    assert "It claims more than is shown." in refine.prompt[1]["content"]


def test_an_override_teaches_the_persons_critique_of_the_proposal(catalog: Catalog) -> None:
    decided(refined_review(make_end_user(catalog)), Verdict.OVERRIDE, text="Two entries are no taste.")
    (row,) = taught(catalog)
    assert shown(row) == "not_reasonable Two entries are no taste."
    assert REFINED in row.prompt[1]["content"]
    assert row.provenance.model == ""


def test_a_rejection_teaches_that_the_text_is_not_liked_and_why(catalog: Catalog) -> None:
    decided(refined_review(make_end_user(catalog)), Verdict.REJECT, reason="Nothing of it is supported.")
    assert short(taught(catalog)) == [
        ("kto", False, REFINED),
        ("reflect", "not_reasonable Nothing of it is supported."),
    ]


def test_a_decision_that_was_taken_again_counts_no_more(catalog: Catalog) -> None:
    review = refined_review(make_end_user(catalog))
    decided(review, Verdict.APPROVE)
    lead, now = make_account(role=Role.LEAD), timezone.now()
    assert reopen(review, account=lead, now=now)
    slot = review.slots.get()
    seen = Seen(Review.objects.get(pk=review.pk).version, 4, review.round.turns.get(index=2).text_hash)
    decide(
        review, account=lead, verdict=Verdict.REJECT, seen=seen, lease_token=slot.lease_token, text="",
        reason="", now=now,
    )  # fmt: skip
    assert short(taught(catalog)) == [("kto", False, REFINED)]


def test_a_row_says_where_it_came_from_and_names_no_person(catalog: Catalog) -> None:
    end_user = make_end_user(catalog)
    review = refined_review(end_user)
    draft, critique, refined, _ = review.round.turns.all()
    refined.call = LlmCall.objects.create(
        round=review.round, role="actor", step="refine", turn_index=2, model="seven-billion", messages=[], parameters={}
    )
    refined.save()
    decision = decided(review, Verdict.APPROVE)
    row = next(row for row in of_catalog(catalog, guideline="3") if row.set == "refine")
    found = row.provenance
    assert (found.source, found.catalog, found.subject_kind, found.subject) == (
        "human",
        "films",
        "end_user",
        end_user.pk,
    )
    assert (found.round, found.turns) == (review.round.pk, (refined.pk, critique.pk, draft.pk))
    assert (found.decisions, found.verdicts, found.roles) == ((decision.pk,), ("approve",), ("annotator",))
    assert (found.model, found.calls, found.as_of) == ("seven-billion", (refined.call.pk,), 1000)
    assert (found.prompt_name, len(found.prompt_hash)) == ("end_user/refine/v1", 64)
    assert (found.guideline_version, found.created) == ("3", decision.created_at.isoformat())
    assert decision.account.username not in str(found)


def test_the_same_decisions_give_the_same_rows_in_a_fixed_number_of_queries(
    catalog: Catalog, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    refined_review(make_end_user(catalog))  # undecided: teaches nothing
    decided_elsewhere = refined_review(make_end_user(make_catalog()))
    assert decided_elsewhere.state == "open"
    service.read_missing(catalog)
    with django_assert_num_queries(8):  # seven of a chunk, and one that finds no further chunk
        first = taught(catalog)
    assert [row.id for row in first] == [row.id for row in taught(catalog)]
    assert len(short(first)) == 3 * 6


def test_approving_filtered_drafts_teaches_the_kept_and_against_the_dropped(catalog: Catalog) -> None:
    review = open_review(make_drafts(make_end_user(catalog), ("A one.", ""), ("B two.", "B is not true."), ("C.", "")))
    on_drafts(review, Verdict.APPROVE)

    assert short(taught(catalog)) == [
        ("reason", "A one."),
        ("reflect", "reasonable"),
        ("kto", True, "A one."),
        ("reason", "C."),
        ("reflect", "reasonable"),
        ("kto", True, "C."),
        ("reflect", "not_reasonable B is not true."),
        ("preference", "B two.", "A one."),
    ]


def test_of_judgements_about_a_draft_the_last_counts_and_an_edit_once_it_is_approved(catalog: Catalog) -> None:
    review = open_review(make_drafts(make_end_user(catalog), ("A one.", ""), ("B two.", "B is not true.")))
    on_drafts(review, Verdict.OVERRIDE, draft=0, text="A is not true either.")
    on_drafts(review, Verdict.OVERRIDE, draft=1, judgement=Judgement.REASONABLE)
    on_drafts(review, Verdict.OVERRIDE, draft=1, text="B is wrong after all.")
    on_drafts(review, Verdict.EDIT, draft=1, text="B, but true.")
    judged = [
        ("reflect", "not_reasonable A is not true either."),
        ("kto", False, "A one."),
        ("reflect", "not_reasonable B is wrong after all."),
        ("kto", False, "B two."),
    ]
    assert short(taught(catalog)) == judged

    on_drafts(review, Verdict.APPROVE)
    assert short(taught(catalog)) == [
        *judged,
        ("reason", "B, but true."),
        ("reflect", "reasonable"),
        ("kto", True, "B, but true."),
        ("preference", "B two.", "B, but true."),
        ("preference", "A one.", "B, but true."),
    ]


def test_rejecting_all_drafts_teaches_against_each(catalog: Catalog) -> None:
    review = open_review(make_drafts(make_end_user(catalog), ("A one.", ""), ("B two.", "B is not true.")))
    on_drafts(review, Verdict.REJECT, reason="Far too vague for use.")

    assert short(taught(catalog)) == [
        ("kto", False, "A one."),
        ("reflect", "not_reasonable Far too vague for use."),
    ]


def on_drafts(review: Review, verdict: Verdict, **fields: Any) -> None:
    now, account = timezone.now(), Account.objects.filter(username="ann").first() or make_account("ann")
    slot = take_next(account, now=now)
    assert slot is not None
    fresh = Review.objects.get(pk=review.pk)
    kept = proposed(fresh.round)
    seen = Seen(fresh.version, fresh.round.turns.count(), kept[0].text_hash if kept else "")
    decide(review, account=account, verdict=verdict, seen=seen, lease_token=slot.lease_token, now=now, **fields)


def test_rows_carry_the_statements_of_their_text_and_teach_extraction(catalog: Catalog) -> None:
    make_item(catalog, "Heat (1995)", genres=["Crime"])
    text = "Likes crime films a lot. Musicals bore this person whatever anybody says of them."
    make_item(catalog, "Cats (2019)", genres=["Musical"])
    review = make_review(("reason", text), ("reflect", ""), subject=make_end_user(catalog))
    likes, _ = review.round.turns.first().statements.order_by("place")  # type: ignore[union-attr]
    service.change(likes, polarity="dislikes", account=make_account("ann"), now=timezone.now())
    service.add(Turn.objects.get(pk=likes.turn_id), "No more crime films from before 1970.", account=make_account())
    decided(review, Verdict.APPROVE)

    rows = {row.set: row for row in taught(catalog)}
    said = {(one.about, one.polarity, one.verdict) for one in rows["reason"].statements}
    assert said == {
        ("Crime", "dislikes", "changed"),
        ("Musical", "dislikes", "approved"),
        ("Crime, up to 1969", "dislikes", "said"),
    }
    assert all(row.statements == rows["reason"].statements for row in rows.values() if row.set in ("reflect", "kto"))
    stands, read = (json.loads(answer)["statements"] for answer in (rows["polarity"].answer, rows["polarity"].rejected))
    assert rows["extract"].answer == rows["polarity"].answer
    assert [(one["about"], one["polarity"]) for one in stands] == [("Crime", "dislikes"), ("Musical", "dislikes")]
    assert [(one["about"], one["polarity"]) for one in read] == [("Crime", "likes"), ("Musical", "dislikes")]
    assert all(one["quote"] in text for one in stands)
    assert text in rows["extract"].prompt[1]["content"]


def test_an_edit_that_nobody_has_read_is_read_before_it_teaches(catalog: Catalog) -> None:
    """It is stored unread: right after the decision an export would say that it states nothing."""
    make_item(catalog, "Heat (1995)", genres=["Crime"])
    make_item(catalog, "Cats (2019)", genres=["Musical"])
    review = make_review(("reason", "Likes crime films."), ("reflect", ""), subject=make_end_user(catalog))
    edit = decided(review, Verdict.EDIT, text="Likes crime films. Musicals bore this person.").made_turn
    assert edit is not None
    assert edit.reader is None

    rows = {row.set: row for row in taught(catalog)}
    stated = [("Crime", "likes", "approved"), ("Musical", "dislikes", "said")]
    assert [(one.about, one.polarity, one.verdict) for one in rows["reason"].statements] == stated
    extracted = json.loads(rows["extract"].answer)["statements"]
    assert [(one["about"], one["polarity"]) for one in extracted] == [("Crime", "likes"), ("Musical", "dislikes")]
    assert "polarity" not in rows  # as read, and nobody changed anything


def test_what_people_said_of_the_points_is_in_the_rows_of_their_edit(catalog: Catalog) -> None:
    """Struck, changed and added before they mended a word of the text: no misreading is learnt after all."""
    for genre in ("Crime", "Musical", "War"):
        make_item(catalog, f"Some {genre} (1990)", genres=[genre])
    text = "Likes crime films. Musicals bore this person. War films delight them, whoever may have made them."
    review, ann = make_review(("reason", text), ("reflect", ""), subject=make_end_user(catalog)), make_account("ann")
    turn = review.round.turns.get(index=0)
    crime, musical, _ = turn.statements.order_by("place")
    service.change(crime, polarity="dislikes", account=ann, now=timezone.now())
    service.strike([musical], account=ann, now=timezone.now())
    service.add(turn, "No more crime films from before 1970.", account=ann)
    decided(review, Verdict.EDIT, text=text.replace("delight", "please"))

    rows = {row.set: row for row in taught(catalog)}
    stands, read = (json.loads(answer)["statements"] for answer in (rows["polarity"].answer, rows["polarity"].rejected))
    assert rows["extract"].answer == rows["polarity"].answer
    assert [(one["about"], one["polarity"]) for one in stands] == [("Crime", "dislikes"), ("War", "likes")]
    assert [(one["about"], one["polarity"]) for one in read] == [
        ("Crime", "likes"),
        ("Musical", "dislikes"),
        ("War", "likes"),
    ]
    assert {(one.about, one.polarity, one.verdict) for one in rows["reason"].statements} == {
        ("Crime", "dislikes", "changed"),
        ("War", "likes", "approved"),
        ("Crime, up to 1969", "dislikes", "said"),
    }
