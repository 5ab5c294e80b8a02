"""Texts are read again by a newer reader: where people left them as they were, once, and wherever it was stopped."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import blake2b
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from r4web import reading_metrics
from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.grounding.tagger.tags import NETWORK
from recommender.knowledge.disputes import dispute
from recommender.models import Account, Catalog, EndUser, Knowledge, Role, Round, Statement, Turn
from recommender.rounds.service import add_edit
from recommender.serving import said as told_of_them
from recommender.statements import again, releases, service
from recommender.statements.again import Waiting
from recommender.tuning import told
from reviews.choices import Concern, Verdict
from reviews.models import Review
from reviews.room import leases, reading
from reviews.room.card import card
from reviews.room.concern import Concerns
from reviews.room.opening import open_review
from tests.builders import make_account, make_catalog, make_drafts, make_end_user, make_item, make_round
from tests.conftest import ROOT
from tests.reviews.room.test_decisions import decide
from worker import tasks

pytestmark = pytest.mark.django_db
TEXT = "They love westerns. Musicals bore them. They adore drama."
EARLIER = releases.TAGGER - 1


def thinks(genre: str, polarity: Any) -> Said:
    start, end = {"Western": (0, 18), "Musical": (20, 38), "Drama": (40, 56)}[genre]
    return Said((Facet("attribute", "genres", genre),), polarity, 1.0, start, end)


BEFORE = [thinks("Western", "likes"), thinks("Musical", "likes"), thinks("Drama", "dislikes")]
NOW = [thinks("Western", "likes"), thinks("Musical", "dislikes")]


@pytest.fixture
def catalog() -> Catalog:
    made = make_catalog("films")
    for number, genre in enumerate(("Western", "Musical", "Drama")):
        make_item(made, f"Film {number} (1959)", external_id=f"f{number}", genres=[genre])
    return made


@pytest.fixture
def ann() -> Account:
    return make_account("ann", role=Role.ANNOTATOR)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> Callable[..., Review]:
    """An open review of a text that the earlier release read, by which the newer one finds something else."""

    def made(name: str = "u1", *, drafts: int = 1) -> Review:
        monkeypatch.setattr(service, "stated", lambda *_: BEFORE)
        subject = make_end_user(catalog, name)
        if drafts > 1:
            round_ = make_drafts(subject, *[(TEXT, "")] * drafts)
        else:
            round_ = make_round(subject, ("reason", TEXT), ("reflect", ""), rest_reason="reasonable")
        review = open_review(round_)
        Turn.objects.filter(round=round_, reader__isnull=False).update(reader=EARLIER)
        monkeypatch.setattr(service, "stated", lambda *_: NOW)
        return review

    return made


def read_again(**options: Any) -> int:
    return reading.read_stale(reading.stale(**options))


def says(review: Review) -> list[tuple[str, str]]:
    rows = Statement.objects.filter(turn__round=review.round, ended_at=None).order_by("start", "place")
    return [(row.key, row.polarity) for row in rows]


def everything() -> tuple[list[Any], list[Any]]:
    return list(Statement.objects.order_by("pk").values()), list(Turn.objects.order_by("pk").values())


def test_what_both_find_stays_what_it_was_and_the_rest_ends_by_nobody_or_is_added(
    read: Callable[..., Review], ann: Account
) -> None:
    review = read()
    western = Statement.objects.get(key="genres=Western")
    assert read_again() == 1

    assert says(review) == [("genres=Western", "likes"), ("genres=Musical", "dislikes")]
    assert Statement.objects.get(key="genres=Western") == western
    ended = Statement.objects.exclude(ended_at=None)
    assert {(row.key, row.polarity, row.ended_by) for row in ended} == {
        ("genres=Musical", "likes", None),
        ("genres=Drama", "dislikes", None),
    }
    turn = Turn.objects.get(kind="reason")
    assert turn.reader == service.release()
    on_card = card(review.pk, viewer=ann, now=timezone.now())
    assert [(one.says, one.aspect, one.is_struck) for one in on_card.statements] == [
        ("Likes", "Western", False),
        ("Dislikes", "Musical", False),
    ]
    assert [one.polarity for one in told.as_read(turn, {})] == ["likes", "dislikes"]
    assert not service.restore(ended[0])

    stored = everything()
    assert read_again() == 0
    assert everything() == stored


def test_what_is_read_as_before_is_only_said_to_be_read_by_the_newer(
    read: Callable[..., Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    review, rows = read(), list(Statement.objects.values())
    monkeypatch.setattr(service, "stated", lambda *_: BEFORE)
    assert read_again() == 1
    assert list(Statement.objects.values()) == rows
    assert Turn.objects.get(kind="reason").reader == service.release()
    assert Review.objects.get().version == review.version


def struck(review: Review, ann: Account) -> None:
    service.strike(list(Statement.objects.filter(key="genres=Drama")), account=ann, now=timezone.now())


def changed(review: Review, ann: Account) -> None:
    service.change(Statement.objects.get(key="genres=Drama"), polarity="likes", account=ann, now=timezone.now())


def added(review: Review, ann: Account) -> None:
    service.add(review.round.turns.get(kind="reason"), "No more musicals.", account=ann)


def disputed(review: Review, ann: Account) -> None:
    dispute(review.round.turns.get(kind="reason"), reason="I never said so.")


def approved(review: Review, ann: Account) -> None:
    decide(review, ann, Verdict.APPROVE)


def rejected(review: Review, ann: Account) -> None:
    decide(review, ann, Verdict.REJECT)


def sent_back(review: Review, ann: Account) -> None:
    decide(review, ann, Verdict.OVERRIDE, text="Too vague.")


def held(review: Review, ann: Account) -> None:
    leases.take(review, account=ann, now=timezone.now())


def approved_by_the_first_of_two(review: Review, ann: Account) -> None:
    approved(review, ann)
    Knowledge.objects.all().delete()


BY_HAND = (struck, changed, added, disputed, held)
DECIDED = (approved, rejected, sent_back, approved_by_the_first_of_two)


@pytest.mark.parametrize("done", [*BY_HAND, *DECIDED])
def test_what_people_did_something_about_keeps_the_reading_that_they_saw(
    read: Callable[..., Review], ann: Account, done: Callable[[Review, Account], None]
) -> None:
    done(read(), ann)
    stored = everything()
    assert read_again() == 0
    assert everything() == stored
    assert again.waiting(reading.stale()) == Waiting(new=0, again=0, kept=1)


@pytest.mark.parametrize("done", [*BY_HAND, *DECIDED])
def test_if_asked_so_decided_texts_are_read_again_but_none_whose_statements_people_touched(
    read: Callable[..., Review], ann: Account, done: Callable[[Review, Account], None]
) -> None:
    done(read(), ann)
    assert read_again(decided=True) == (done in DECIDED)


def test_an_edit_keeps_the_reading_that_its_author_saw(read: Callable[..., Review], ann: Account) -> None:
    review = read()
    about = review.round.turns.get(kind="reason")
    turn = add_edit(review.round, about=about, text="They love westerns.", account=ann)
    service.read([turn])
    Turn.objects.update(reader=EARLIER)
    assert read_again() == 0
    assert again.waiting(reading.stale()).kept == 2


def test_each_kept_draft_of_an_approved_round_keeps_its_reading(read: Callable[..., Review], ann: Account) -> None:
    decide(read(drafts=2), ann, Verdict.APPROVE)
    Turn.objects.filter(kind="reason").update(reader=EARLIER)
    stored = everything()
    assert read_again() == 0
    assert everything() == stored


@pytest.mark.parametrize("done", [struck, approved, held])
def test_what_is_done_while_a_text_is_being_read_again_counts(
    read: Callable[..., Review], ann: Account, monkeypatch: pytest.MonkeyPatch, done: Callable[[Review, Account], None]
) -> None:
    review, rows_of = read(), service.rows_of

    def meanwhile(turn: Turn) -> list[Statement]:
        done(review, ann)
        return rows_of(turn)

    monkeypatch.setattr(service, "rows_of", meanwhile)
    assert read_again() == 0
    assert Turn.objects.get(kind="reason").reader == EARLIER
    assert not Statement.objects.filter(ended_by=None).exclude(ended_at=None).exists()


def test_an_open_review_comes_with_what_the_evidence_says_of_the_new_reading(
    read: Callable[..., Review], ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was on a screen is stale; whom a person's word had put first stays first."""
    first, other = read("u1"), read("u2")
    Review.objects.filter(pk=other.pk).update(concern=Concern.SAID)
    wrong = [{"turn": 1, "words": "says otherwise"}]
    monkeypatch.setattr(reading, "concerns_of", lambda _: Concerns(Concern.CONTRADICTED, "It says otherwise.", wrong))
    assert read_again() == 2
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.version, first.concern, first.findings) == (2, Concern.CONTRADICTED, wrong)
    assert first.place == first.place_now()
    assert (other.version, other.concern, other.findings) == (2, Concern.SAID, wrong)


def test_a_text_that_is_in_force_without_anybody_s_decision_tells_its_user_what_became_of_a_point(
    read: Callable[..., Review], ann: Account
) -> None:
    approved(read(), ann)
    assert read_again(decided=True) == 1
    found = told_of_them.all_of(EndUser.objects.select_related("catalog").get())
    assert {(one.row.key, one.row.polarity): one.status for one in found} == {
        ("genres=Western", "likes"): "standing",
        ("genres=Musical", "dislikes"): "standing",
        ("genres=Musical", "likes"): "replaced",
        ("genres=Drama", "dislikes"): "replaced",
    }


def test_a_worker_reads_what_nobody_has_read_first_and_so_many_in_all(
    read: Callable[..., Review], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("u1", "u2", "u3"):
        read(name)
    new = Turn.objects.filter(kind="reason").first()
    assert new is not None
    Statement.objects.filter(turn=new).delete()
    Turn.objects.filter(pk=new.pk).update(reader=None)
    monkeypatch.setattr(again, "A_MINUTE", 2)
    with caplog.at_level("INFO", logger=tasks.__name__):
        tasks.read_statements()
    assert "1 texts were read again; 1 wait, about 1 min" in caplog.text
    new.refresh_from_db()
    assert new.reader == service.release()
    tasks.read_statements()
    assert again.waiting(reading.stale()) == Waiting(0, 0, 0)


def test_the_command_says_what_is_left_and_how_far_it_is(read: Callable[..., Review], ann: Account) -> None:
    read("u1")
    read("u2")
    approved(read("u3"), ann)

    def told_by(*arguments: str) -> str:
        out = StringIO()
        call_command("read_statements", "films", *arguments, stdout=out)
        return out.getvalue()

    assert json.loads(told_by("--left", "--json")) == {"new": 0, "again": 2, "kept": 1, "minutes": 1}
    assert told_by("--left") == (
        "0 texts to be read, 2 to be read again: about 1 min by a worker. 1 text of an earlier reader kept as people "
        "left them.\n"
    )
    assert told_by("--most", "5").splitlines()[-1] == "0 texts read."
    assert told_by("--again", "--most", "1").splitlines()[-1] == "1 text read again."
    assert "1 text read again." in told_by("--again")
    assert json.loads(told_by("--left", "--json", "--decided"))["again"] == 1
    assert "1 text read again." in told_by("--again", "--decided")
    for wrong in (["--decided"], ["--json"]):
        with pytest.raises(CommandError):
            told_by(*wrong)


def test_prometheus_is_told_how_many_wait(read: Callable[..., Review], ann: Account) -> None:
    read("u1")
    approved(read("u2"), ann)
    reading_metrics.KEPT.clear()
    (family,) = reading_metrics.TEXTS.collect()
    assert {one.labels["state"]: one.value for one in family.samples} == {"new": 0, "again": 1, "kept": 1}


def test_where_the_learned_reader_does_not_load_nothing_is_read_again_by_rules(
    read: Callable[..., Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    monkeypatch.setattr(releases, "here", lambda: releases.TAGGER)
    monkeypatch.setattr(service, "tagger", lambda: None)
    stored = everything()
    assert read_again() == 0
    assert everything() == stored


KILLED = """
import sys
import django
django.setup()
from recommender.grounding.statements import Facet, Statement
from recommender.statements import service
from reviews.room import reading

def stated(text, round_):
    return [Statement((Facet("attribute", "genres", "Musical"),), "dislikes", 1.0, 20, 35)]

def bulk_create(rows, **_):
    global done
    done += 1
    if done == 3:
        print("in the midst", flush=True)
        sys.stdin.read()
    return created(rows)

done = 0
service.stated = stated
objects = service.Statement.objects
created, objects.bulk_create = objects.bulk_create, bulk_create
reading.read_stale(reading.stale())
"""


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_midst_of_a_text_it_goes_on_and_reads_none_twice(
    read: Callable[..., Review], child_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        read(f"u{number}")
    command = [sys.executable, "-c", KILLED]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=child_environment, **pipes) as job:  # type: ignore[call-overload]
        assert job.stdout.readline() == "in the midst\n"
        job.send_signal(signal.SIGKILL)
    assert Turn.objects.filter(reader=releases.TAGGER).count() == 2
    assert not Turn.objects.filter(statements__ended_at__isnull=False, reader=EARLIER).exists()  # none by halves

    only = [thinks("Musical", "dislikes")]
    monkeypatch.setattr(service, "stated", lambda *_: only)
    assert again.waiting(reading.stale()).again == 3
    assert read_again() == 3
    assert read_again() == 0
    for round_ in Round.objects.all():
        rows = Statement.objects.filter(turn__round=round_)
        assert [(one.key, one.polarity) for one in rows.filter(ended_at=None)] == [("genres=Musical", "dislikes")]
        assert rows.count() == len(BEFORE) + 1


def test_who_puts_other_weights_in_the_tagger_s_place_gives_the_reader_its_next_number() -> None:
    """Else texts that the earlier ones read would never be read again."""
    digest = blake2b(NETWORK.read_bytes(), digest_size=16).hexdigest()
    assert digest == releases.WEIGHTS, "The weights are others: raise TAGGER in recommender/statements/releases.py."


def test_a_card_says_that_an_earlier_release_read_its_text(read: Callable[..., Review], ann: Account) -> None:
    shown = card(read().pk, viewer=ann, now=timezone.now() + timedelta(seconds=1))
    assert shown.read_by == "Read by the learned reader, an earlier release of it"
    assert releases.in_words(releases.TABLES) == "rules"
    assert releases.in_words(releases.TAGGER) == releases.LEARNED
