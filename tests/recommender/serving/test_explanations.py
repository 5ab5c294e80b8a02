"""Reasons: true to their status, linked to where they come from, and honest about their basis."""

from typing import Any

import pytest

from recommender.artifacts import verified
from recommender.knowledge.service import accept, reject
from recommender.models import BackboneVersion, Catalog, EndUser, Item, RoundState
from recommender.serving.history import history_of
from recommender.serving.recommend import preview
from recommender.serving.served import Served
from recommender.serving.types import (
    NOT_ASKED,
    Author,
    Explanation,
    HistoryReason,
    Shown,
    StatisticReason,
    UserTextReason,
)
from tests.builders import make_catalog, make_drafts, make_end_user, make_interaction, make_item, make_round
from tests.recommender.serving.ranked import activate
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PREFERENCE = "Likes quiet dramas of the sixties and slow westerns. Dislikes musicals."


def preference(served: Served) -> Explanation:
    """The text about the end user; the test fails where there is none."""
    assert served.about.text is not None
    return served.about.text


def kinds(served: Served) -> set[str]:
    return {reason.kind for item in served.items for reason in item.reasons}


def test_approved_knowledge_justifies_the_list(reader: EndUser) -> None:
    turn = synthetic.approve(reader, PREFERENCE, as_of=1234)
    accepted = turn.knowledge.get()
    reason = preference(preview(reader, limit=3, level="full"))
    assert (reason.text, reason.review_status, reason.is_in_force) == (PREFERENCE, "approved", True)
    assert reason.reviewed_at == accepted.accepted_at
    assert (reason.round_id, reason.explanation_id, reason.as_of.value) == (turn.round_id, turn.pk, 1234)
    assert reason.written_by == Author("person")


def test_of_texts_of_several_moments_the_latest_justifies(reader: EndUser) -> None:
    synthetic.approve(reader, "Late.", as_of=2000)
    synthetic.approve(reader, "Early.", as_of=10)
    assert preference(preview(reader, limit=2, level="full")).text == "Late."


def test_the_first_kept_draft_justifies_and_the_others_come_in_full(reader: EndUser) -> None:
    round_ = make_drafts(reader, ("Likes rain.", ""), ("Hates rain.", "Contradicted."), ("Likes snow.", ""))
    for status in ("unreviewed", "approved"):
        reason = preference(preview(reader, limit=1, level="full"))
        assert (reason.text, list(reason.further.values())) == ("Likes rain.", ["Likes snow."])
        assert reason.review_status == status
        short = preference(preview(reader, limit=1, level="short"))
        assert (short.text, short.further) == ("Likes rain.", {})
        first, _, third = round_.turns.filter(kind="reason").order_by("index")
        accept(first, further=[third])
    reject(first)
    assert preview(reader, limit=1, level="full").about == Shown("none")


def test_item_knowledge_stands_with_its_own_item(reader: EndUser) -> None:
    first, second = preview(reader, limit=2).items
    for item in (first, second):
        synthetic.approve(Item.objects.get(external_id=item.item_id), f"About {item.title}.")
    served = preview(reader, limit=2, level="full")
    assert [item.about.text and item.about.text.text for item in served.items] == [
        f"About {first.title}.",
        f"About {second.title}.",
    ]


def test_a_rested_round_s_proposal_is_called_unreviewed(reader: EndUser) -> None:
    round_ = make_round(
        reader, ("reason", "Draft."), ("reflect", "Too short."), ("refine", PREFERENCE), ("reflect", "")
    )
    reason = preference(preview(reader, limit=1, level="full"))
    assert (reason.text, reason.review_status) == (PREFERENCE, "unreviewed")
    assert (reason.is_in_force, reason.reviewed_at, reason.in_snapshot) == (False, None, False)
    assert reason.explanation_id == round_.turns.get(index=2).pk


def test_approved_knowledge_hides_every_proposal(reader: EndUser) -> None:
    synthetic.approve(reader, PREFERENCE, as_of=10)
    make_round(reader, ("reason", "Newer, but nobody has judged it."), ("reflect", ""), as_of=20)
    assert preference(preview(reader, limit=1, level="full")).text == PREFERENCE


def test_the_proposal_of_the_latest_round_is_the_one_shown(reader: EndUser) -> None:
    make_round(reader, ("reason", "Older."), ("reflect", ""), as_of=10)
    make_round(reader, ("reason", "Newer."), ("reflect", ""), as_of=20)
    assert preference(preview(reader, limit=1, level="full")).text == "Newer."


def test_a_rejected_proposal_is_shown_to_nobody_until_there_is_another(reader: EndUser) -> None:
    round_ = make_round(reader, ("reason", "Rejected."), ("reflect", ""))
    reject(round_.turns.get(index=0))
    assert preview(reader, limit=1, level="full").about == Shown("none")


def test_retracted_knowledge_is_shown_to_nobody(reader: EndUser) -> None:
    turn = synthetic.approve(reader, PREFERENCE)
    reject(turn)
    assert preview(reader, limit=1, level="full").about == Shown("none")
    accept(turn)
    assert preview(reader, limit=1, level="full").about.status == "shown"


@pytest.mark.parametrize("state", [RoundState.WAITING, RoundState.ASKING, RoundState.FAILED])
def test_a_round_under_way_explains_nothing(reader: EndUser, state: RoundState) -> None:
    make_round(reader, ("reason", PREFERENCE), state=state)
    assert preview(reader, limit=1, level="full").about == Shown("none")


def test_a_text_says_whether_the_backbone_was_trained_with_it(reader: EndUser) -> None:
    synthetic.approve(reader, PREFERENCE)
    served = preview(reader, limit=1, level="full")
    assert not preference(served).in_snapshot
    BackboneVersion.objects.update(state="retired")
    activate(reader.catalog)
    served = preview(reader, limit=1, level="full")
    assert preference(served).in_snapshot


def test_another_end_user_s_texts_stay_theirs(ranked: Catalog, reader: EndUser) -> None:
    synthetic.approve(ranked.end_users.get(external_id="u001"), "About somebody else.")
    assert preview(reader, limit=3, level="full").about == Shown("none")


def test_no_reasons_are_given_unasked(reader: EndUser) -> None:
    synthetic.approve(reader, PREFERENCE)
    served = preview(reader, limit=3)
    assert (kinds(served), served.about, served.items[0].about) == (set(), NOT_ASKED, NOT_ASKED)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (PREFERENCE, "Likes quiet dramas of the sixties and slow westerns."),
        ("Rated Dr. Strangelove and Mr. Hulot's Holiday 5. More.", "Rated Dr. Strangelove and Mr. Hulot's Holiday 5."),
        (
            "A drama by Samuel L. Someone, J.R.R. Tolkien and others. More.",
            "A drama by Samuel L. Someone, J.R.R. Tolkien and others.",
        ),
        (
            "Likes crime of every kind, old or new; romance leaves them cold. More.",
            "Likes crime of every kind, old or new; romance leaves them cold.",
        ),
        (
            "Known for “Heat” and “Notting Hill (1999).” Released in 1995.",
            "Known for “Heat” and “Notting Hill (1999).”",
        ),
        (
            "Patience. That is the one word for what they like. More.",
            "Patience. That is the one word for what they like.",
        ),
        ("One line\nthat goes on and on\nwithout a stop", "One line that goes on and on without a stop"),
    ],
)
def test_short_is_the_first_sentence(reader: EndUser, text: str, short: str) -> None:
    synthetic.approve(reader, text)
    assert preference(preview(reader, limit=1, level="short")).text == short


def test_a_very_long_sentence_is_cut_at_a_word(reader: EndUser) -> None:
    synthetic.approve(reader, "word " * 100)
    short = preference(preview(reader, limit=1, level="short")).text
    assert len(short) <= 200
    assert short.endswith("word…")


def test_the_history_that_raised_a_score_is_named_by_the_backbone_itself(ranked: Catalog) -> None:
    loaded = verified.load(BackboneVersion.objects.get())
    named = 0
    for end_user in ranked.end_users.select_related("catalog")[:5]:
        served = preview(end_user, limit=5, level="full")
        history = history_of(end_user)
        ids = [item.item_id for item in served.items]
        effects = loaded.effects(end_user.external_id, history, ids, attributes=end_user.attributes)[0]
        for item, row in zip(served.items, effects, strict=True):
            reasons = item.of(HistoryReason)
            if not row.any():  # then the liked items it has something in common with, if any
                assert all(reason.basis == "shared_attributes" for reason in reasons)
                continue
            named += 1
            total = abs(row).sum() + sum(abs(reason.effect) for reason in item.of(UserTextReason))
            for direction, sign, most in (("for", 1, 5), ("against", -1, 2)):
                of_it = [reason for reason in reasons if reason.direction == direction]
                strongest = (sign * row).argsort(kind="stable")[::-1][: len(of_it)]
                assert [reason.item_id for reason in of_it] == [history[place].item_id for place in strongest]
                assert [reason.effect for reason in of_it] == pytest.approx(row[strongest], abs=1e-4)
                shares = abs(row[strongest]) / total
                assert [reason.share for reason in of_it] == pytest.approx(shares, abs=0.011)  # less may go unnamed
                assert len(of_it) <= most
    assert named


def test_fewer_of_the_history_are_named_in_short(ranked: Catalog) -> None:
    cut = 0
    for end_user in ranked.end_users.select_related("catalog"):
        short, full = (preview(end_user, limit=5, level=level) for level in ("short", "full"))
        for less, more in zip(short.items, full.items, strict=True):
            raised = [[one for one in each.of(HistoryReason) if one.direction == "for"] for each in (less, more)]
            assert raised[0] == raised[1][:3]
            cut += len(raised[1]) > 3
    assert cut


def test_without_a_backbone_shared_attributes_are_shown_and_called_that(db: None) -> None:
    catalog = make_catalog(prompt_attributes=["genres", "director"])
    reader = make_end_user(catalog)
    past: dict[str, Any] = {
        "Twice": {"genres": ["War", "Drama"], "director": "Ray"},
        "Once": {"genres": ["War"], "director": "Lean"},
        "Other": {"genres": ["Comedy"], "director": "Tati"},
        "Hated": {"genres": ["War", "Drama"], "director": "Ray"},
    }
    for title, attributes in past.items():
        rating = 1.0 if title == "Hated" else 5.0
        make_interaction(reader, make_item(catalog, title, **attributes), rating=rating)
    wanted = make_item(catalog, "Wanted", genres=["War", "Drama"], director="Ray", country="India")
    make_interaction(make_end_user(catalog), wanted)
    served = preview(reader, limit=1, level="full")
    reasons = served.items[0].of(HistoryReason)
    assert {(one.basis, one.effect, one.share, one.direction) for one in reasons} == {
        ("shared_attributes", None, None, None)
    }
    assert [(past.title, past.shared) for past in reasons] == [
        ("Twice", ("War", "Drama", "Ray")),
        ("Once", ("War",)),
    ]
    assert [each.text for each in served.items[0].of(StatisticReason)] == ["Liked by 1 of the 1 who judged it."]
    first, *alike = served.items[0].reasons
    assert (first.kind, {one.basis for one in alike}) == ("popularity", {"shared_attributes"})


def test_the_newest_items_are_explained_as_new(db: None) -> None:
    catalog = make_catalog()
    make_item(catalog)
    assert kinds(preview(make_end_user(catalog), limit=1, level="short")) == {"newness"}
