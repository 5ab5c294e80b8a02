"""Steering: what people approved moves the next list, only the way it says, and no longer than it stands."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from recommender.knowledge.service import reject
from recommender.models import BackboneVersion, Catalog, EndUser, Statement, Turn, VersionState
from recommender.serving.recommend import preview
from recommender.serving.request import request_for
from recommender.serving.served import Served
from recommender.serving.steering import Move, Steering
from recommender.serving.types import Explanation, StatementReason
from recommender.signals.stated import MOST, moved
from recommender.statements import service
from tests.builders import make_account
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def of_genre(served: Served, catalog: Catalog, genre: str) -> list[int]:
    """The ranks of a genre's films."""
    genres = dict(catalog.items.values_list("external_id", "attributes__genres"))
    return [item.rank for item in served.items if genre in genres[item.item_id]]


def preference(served: Served) -> Explanation:
    assert served.about.text is not None
    return served.about.text


def first_genre(served: Served, catalog: Catalog) -> str:
    """The genre of the film that the list begins with."""
    (genre,) = catalog.items.get(external_id=served.items[0].item_id).attributes["genres"]
    return str(genre)


@pytest.mark.parametrize("words", ["No more {}s, please.", "She can't stand {}s.", "{} films bore them to tears."])
def test_an_approved_dislike_lowers_what_it_names_in_the_next_list(
    ranked: Catalog, reader: EndUser, words: str
) -> None:
    before = preview(reader, limit=100)
    genre = first_genre(before, ranked)
    synthetic.approve(reader, words.format(genre.lower()).capitalize())
    after = preview(reader, limit=100, level="full")

    assert sum(of_genre(after, ranked, genre)) > sum(of_genre(before, ranked, genre))
    assert of_genre(after, ranked, genre)[0] > 1
    assert first_genre(after, ranked) != genre


def test_a_dislike_of_which_the_list_shows_nothing_more_is_named_by_what_it_keeps_away(
    ranked: Catalog, reader: EndUser
) -> None:
    """Else nothing in the answer would tell that the person was heard."""
    before = preview(reader, limit=3)
    genre = first_genre(before, ranked)
    turn = synthetic.approve(reader, f"No more {genre.lower()}s, please.")
    after = preview(reader, limit=3, level="full")

    gone = {item.item_id for item in before.items} - {item.item_id for item in after.items}
    assert gone
    assert not any(item.of(StatementReason) for item in after.items)
    (said,) = preference(after).statements
    assert (said.statement_id, said.kept_away) == (turn.statements.get().pk, len(gone))

    service.strike(list(turn.statements.all()), account=make_account(), now=timezone.now())
    assert preference(preview(reader, limit=3, level="full")).statements == ()


def test_an_approved_like_raises_what_it_names_and_is_cited(ranked: Catalog, reader: EndUser) -> None:
    last = ranked.items.get(external_id=preview(reader, limit=100).items[-1].item_id).attributes["genres"][0]
    before = of_genre(preview(reader, limit=100), ranked, last)
    turn = synthetic.approve(reader, f"They adore {last.lower()}s.")
    after = preview(reader, limit=100, level="full")

    assert sum(of_genre(after, ranked, last)) < sum(before)
    for item in after.items:
        cited = item.of(StatementReason)
        if ranked.items.get(external_id=item.item_id).attributes["genres"] == [last]:
            (reason,) = cited
            assert (reason.aspect, reason.polarity, reason.direction) == (last, "likes", "for")
            assert (reason.statement_id, reason.explanation_id) == (turn.statements.get().pk, turn.pk)
            assert reason.effect > 0
            assert 0 < reason.share < 1
        else:
            assert cited == []
    (said,) = preference(after).statements
    assert (said.aspect, said.statement_id) == (last, turn.statements.get().pk)
    assert said.ratings == reader.interactions.filter(item__attributes__genres=[last]).count()


def test_what_is_listed_against_a_statement_is_shown_as_such(ranked: Catalog, reader: EndUser) -> None:
    genre = first_genre(preview(reader, limit=1), ranked)
    synthetic.approve(reader, f"No more {genre.lower()}s, please.")
    listed = preview(reader, limit=100, level="short").items
    against = [item for item in listed if ranked.items.get(external_id=item.item_id).attributes["genres"] == [genre]]
    assert against
    for item in against:
        (reason,) = item.of(StatementReason)
        assert (reason.direction, reason.polarity) == ("against", "dislikes")


def stays(turn: Turn) -> None:
    """Nothing takes it back."""


def is_rejected(turn: Turn) -> None:
    reject(turn)


def is_struck(turn: Turn) -> None:
    service.strike(list(turn.statements.all()), account=make_account(), now=timezone.now())


def is_gone(turn: Turn) -> None:
    turn.statements.all().delete()


@pytest.mark.parametrize(("end", "moves"), [(stays, True), (is_rejected, False), (is_struck, False), (is_gone, False)])
def test_a_statement_acts_as_long_as_it_stands(
    ranked: Catalog, reader: EndUser, end: Callable[[Turn], None], moves: bool
) -> None:
    before = preview(reader, limit=100)
    turn = synthetic.approve(reader, f"No more {first_genre(before, ranked).lower()}s, please.")
    end(turn)
    assert ([item.item_id for item in preview(reader, limit=100).items] != [i.item_id for i in before.items]) is moves


def test_what_a_person_says_takes_the_place_of_what_the_text_says(ranked: Catalog, reader: EndUser) -> None:
    genre = first_genre(preview(reader, limit=1), ranked)
    turn = synthetic.approve(reader, f"They adore {genre.lower()}s.")
    raised = of_genre(preview(reader, limit=100), ranked, genre)
    service.add(turn, f"Actually, no more {genre.lower()}s.", account=make_account())
    assert sum(of_genre(preview(reader, limit=100), ranked, genre)) > sum(raised)
    assert {move.statement.said_by != "" for move in request_for(reader, limit=1).steering.moves} == {True}


def test_a_change_ends_the_old_statement_and_keeps_it(ranked: Catalog, reader: EndUser) -> None:
    turn = synthetic.approve(reader, "They adore westerns.")
    old = turn.statements.get()
    new = service.change(old, polarity="dislikes", account=make_account("ann"), now=timezone.now())
    old.refresh_from_db()

    assert (old.ended_at is not None, str(old.ended_by), old.polarity) == (True, "ann", "likes")
    assert (new.replaces, new.polarity, new.key) == (old, "dislikes", old.key)
    assert [move.effect < 0 for move in request_for(reader, limit=1).steering.moves] == [True]


def test_what_is_not_understood_is_said_and_nothing_is_stored(reader: EndUser) -> None:
    turn = synthetic.approve(reader, "They adore westerns.")
    with pytest.raises(service.NotUnderstoodError, match="Nothing was understood"):
        service.add(turn, "Hm.", account=make_account())
    assert turn.statements.count() == 1


def test_texts_are_read_once_and_those_of_earlier_releases_when_they_are_found(reader: EndUser) -> None:
    turn = synthetic.approve(reader, "They adore westerns. Musicals bore them.")
    read = list(Statement.objects.values_list("pk", flat=True))
    assert service.read([turn]) == 0
    Statement.objects.all().delete()
    Turn.objects.update(reader=None)
    call_command("read_statements", reader.catalog.name, verbosity=0)
    assert Statement.objects.count() == len(read)
    assert service.read_missing() == 0


def test_nobody_else_s_list_moves(ranked: Catalog, reader: EndUser) -> None:
    other = ranked.end_users.select_related("catalog").get(external_id="u001")
    before = preview(other, limit=100).items
    synthetic.approve(reader, "No more dramas, please. They adore westerns and horror.")
    assert preview(other, limit=100).items == before


def test_without_a_backbone_the_list_is_of_what_people_approved(ranked: Catalog, reader: EndUser) -> None:
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    genre = first_genre(preview(reader, limit=100), ranked)
    synthetic.approve(reader, f"No more {genre.lower()}s, please.")
    after = preview(reader, limit=100)
    assert (after.source, after.degraded_code) == ("knowledge", "no_backbone")
    assert after.items
    assert not of_genre(after, ranked, genre)
    scores = [item.score or 0 for item in after.items]
    assert scores == sorted(scores, reverse=True)


def test_the_knob_is_the_catalog_s_or_the_setting_s(
    ranked: Catalog, reader: EndUser, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic.approve(reader, "No more dramas, please.")
    settings.STEERING = 0.0
    assert not request_for(reader, limit=1).steering.moves
    call_command("steer_lists", ranked.name, "--strength", "2")
    assert "strength 2, its own setting" in capsys.readouterr().out
    (move,) = request_for(ranked.end_users.select_related("catalog").get(external_id="u000"), limit=1).steering.moves
    call_command("steer_lists", ranked.name, "--strength", "1")
    (half,) = request_for(ranked.end_users.select_related("catalog").get(external_id="u000"), limit=1).steering.moves
    assert move.effect == pytest.approx(2 * half.effect)
    with pytest.raises(CommandError, match="must be from 0 to 5"):
        call_command("steer_lists", ranked.name, "--strength", "9")


def test_steering_costs_two_queries(reader: EndUser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    synthetic.approve(reader, "No more dramas, please.")
    request = request_for(reader, limit=1)
    request.steering  # noqa: B018 - the catalog's items are read once for all
    request = request_for(reader, limit=1)
    with django_assert_num_queries(2):
        assert request.steering.moves


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 19), min_size=1, unique=True), st.floats(-3, 3).filter(bool)), max_size=8
    ),
    st.integers(0, 7),
)
def test_a_like_never_lowers_and_a_dislike_never_raises(moves: list[tuple[list[int], float]], which: int) -> None:
    made = [Move(None, np.array(places), effect, abs(effect)) for places, effect in moves]  # type: ignore[arg-type]
    scores, everywhere = np.linspace(0.01, 0.99, 20), np.arange(20)
    steered = Steering(made, 20).steered(scores, everywhere)
    assert np.isfinite(steered).all()
    assert np.abs(Steering(made, 20).offsets).max() <= MOST
    if which < len(made):
        without = Steering(made[:which] + made[which + 1 :], 20).steered(scores, everywhere)
        difference = steered - without
        assert (difference * np.sign(made[which].effect) >= -1e-12).all()
        assert np.allclose(np.delete(difference, made[which].places), 0)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 19), min_size=1, unique=True), st.floats(-3, 3).filter(bool)), max_size=8
    ),
    st.lists(st.integers(0, 19), unique=True),
)
def test_what_moves_many_items_is_what_moves_each(moves: list[tuple[list[int], float]], asked: list[int]) -> None:
    made = [Move(None, np.array(places), effect, abs(effect)) for places, effect in moves]  # type: ignore[arg-type]
    steering = Steering(made, 20)
    for place, own in zip(asked, steering.of(asked), strict=True):
        expected = [move for move in made if place in move.places]
        assert list(map(id, own)) == list(map(id, sorted(expected, key=lambda move: -abs(move.effect))))
    scores, places = np.linspace(0.01, 0.99, len(asked)), np.array(asked, dtype=np.int64)
    assert steering.steered(scores, places).tolist() == moved(scores, steering.offsets[places]).tolist()
