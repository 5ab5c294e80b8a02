"""What rounds are shown, and as of when: nothing from after the cut-off, whatever the ties and the clock."""

from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from recommender.dataset.interactions import read_interactions
from recommender.dataset.texts import read_texts as read_knowledge
from recommender.knowledge import service
from recommender.knowledge.snapshots import freeze
from recommender.models import Catalog, Clock, EndUser, Interaction, Item, SubjectKind, Turn
from recommender.rounds import evidence, queries
from recommender.rounds.config import OpenConfig
from recommender.rounds.evidence import Evidence, WindowName, Windows
from recommender.rounds.service import open_rounds
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round

pytestmark = pytest.mark.django_db


def history(moments: list[int], *, catalog: Catalog | None = None) -> EndUser:
    """An end user who met one item at each of these moments."""
    end_user = make_end_user(catalog or make_catalog())
    for moment in moments:
        make_interaction(end_user, make_item(end_user.catalog), moment=moment)
    return end_user


def of_end_user(end_user: EndUser, window: WindowName = "prefix") -> Evidence:
    (found,) = evidence.of_end_users(end_user.catalog, [end_user.pk], windows=Windows(window))
    return found


def moments_of(found: Evidence) -> list[int]:
    ids = [encounter.interaction_id for encounter in found.subject.history]
    moment = dict(Interaction.objects.filter(pk__in=ids).values_list("pk", "moment"))
    return [moment[id_] for id_ in ids if id_]


def test_the_prefix_is_the_first_half_as_of_the_next_interaction() -> None:
    found = of_end_user(history([10, 20, 30, 40, 50]))
    assert (moments_of(found), found.as_of) == ([10, 20, 30], 40)


def test_the_prefix_has_at_most_thirty_interactions() -> None:
    found = of_end_user(history(list(range(1, 101))))
    assert (moments_of(found), found.as_of) == (list(range(1, 31)), 31)


def test_interactions_of_one_moment_are_never_torn_apart() -> None:
    found = of_end_user(history([10, 20, 30, 30, 30, 40]))
    assert (moments_of(found), found.as_of) == ([10, 20], 30)


def test_a_history_of_one_moment_is_cut_after_it() -> None:
    found = of_end_user(history([10, 10, 10]))
    assert (moments_of(found), found.as_of) == ([10, 10, 10], 11)


def test_a_single_interaction_is_evidence() -> None:
    found = of_end_user(history([10]))
    assert (moments_of(found), found.as_of) == ([10], 11)


def test_the_latest_window_ends_after_the_last_interaction() -> None:
    found = of_end_user(history(list(range(1, 41))), "latest")
    assert (moments_of(found), found.as_of) == (list(range(11, 41)), 41)


def sliding(end_user: EndUser, **options: int) -> list[tuple[list[int], int]]:
    windows = Windows("sliding", **options)
    found = evidence.of_end_users(end_user.catalog, [end_user.pk], windows=windows)
    return [(moments_of(each), each.as_of) for each in found]


def test_sliding_windows_are_ten_in_a_row_the_latest_ones_each_as_of_just_after_its_last() -> None:
    end_user = history(list(range(1, 46)))
    assert sliding(end_user) == [
        (list(range(16, 26)), 26),
        (list(range(26, 36)), 36),
        (list(range(36, 46)), 46),
    ]
    assert sliding(end_user, stride=3, most=2) == [(list(range(33, 43)), 43), (list(range(36, 46)), 46)]
    assert [as_of for _, as_of in sliding(end_user, most=9)] == [16, 26, 36, 46]


def test_fewer_than_ten_interactions_make_no_window() -> None:
    assert sliding(history(list(range(1, 10)))) == []
    assert sliding(history(list(range(1, 11)))) == [(list(range(1, 11)), 11)]


def test_a_window_that_ends_amid_one_moment_serves_nothing_of_that_moment() -> None:
    end_user = history([*range(1, 10), 10, 10, 10])
    assert sliding(end_user, stride=1, most=3) == [([3, 4, 5, 6, 7, 8, 9, 10, 10, 10], 11)]  # of three that end at 10


def test_windows_are_positive_and_of_items_there_is_one() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Windows("sliding", stride=0)
    item = make_item(make_catalog())
    prefix, windowed = (evidence.of_items(item.catalog, [item.pk], window=name) for name in ("prefix", "sliding"))
    assert prefix == windowed


@pytest.mark.parametrize("clock", [Clock.SECONDS, Clock.ORDER])
def test_a_text_of_a_window_serves_only_what_came_after_it(clock: str) -> None:
    """From opened rounds to training rows: each interaction gets the text of the latest window that ended before it."""
    catalog = make_catalog(clock=clock)
    end_user = history(list(range(1, 36)), catalog=catalog)
    batch = open_rounds(catalog, OpenConfig(subjects="end-users", window="sliding", windows=9))
    for round_ in batch.rounds.all():
        service.accept(Turn.objects.create(round=round_, index=0, kind="reason", text="t", text_hash=str(round_.as_of)))
    data = read_interactions(catalog)
    known = read_knowledge(freeze(catalog, encoder="minilm"), data)
    texts, _ = known.assign(data)

    as_of = [0, *(text.as_of for text in known.texts)]
    assert [as_of[row] for row in texts] == [0] * 15 + [16] * 10 + [26] * 10
    shown = {moment: row for row, moment in zip(texts.tolist(), data.moment.tolist(), strict=True) if row}
    for moment, row in shown.items():
        assert max(moments_of_keys(known.texts[row - 1].shown)) < moment
    assert known.texts[known.latest(SubjectKind.END_USER)[data.end_user_keys[end_user.pk]] - 1].as_of == 36


def moments_of_keys(keys: frozenset[int]) -> list[int]:
    return list(Interaction.objects.filter(pk__in=keys).values_list("moment", flat=True))


def test_low_activity_end_users_are_counted_and_left_out() -> None:
    catalog = make_catalog()
    active, quiet = history([1, 2, 3, 4, 5], catalog=catalog), history([1, 2], catalog=catalog)
    make_end_user(catalog)  # without any history
    assert queries.end_users_for_rounds(catalog, at_least=3) == [active.pk]
    assert queries.end_users_for_rounds(catalog) == [active.pk, quiet.pk]
    assert (queries.low_activity_count(catalog, below=3), queries.low_activity_count(catalog, below=2)) == (1, 0)


def test_an_end_user_without_interactions_has_no_evidence() -> None:
    end_user = make_end_user(make_catalog())
    assert evidence.of_end_users(end_user.catalog, [end_user.pk]) == []


def test_a_history_says_what_was_liked_and_only_the_attributes_of_the_catalog() -> None:
    end_user = make_end_user(make_catalog(prompt_attributes=["genres", "director"]))
    item = make_item(end_user.catalog, "Heat (1995)", genres=["Crime"], secret="x")
    make_interaction(end_user, item, rating=3.0, moment=5)
    (encounter,) = of_end_user(end_user).subject.history
    assert (encounter.title, encounter.rating, encounter.liked) == ("Heat (1995)", 3.0, False)
    assert encounter.attributes == {"genres": ["Crime"]}


def test_descriptions_are_shown_of_the_item_that_a_text_is_about_and_not_of_a_history() -> None:
    told = "Two brothers rob a bank and flee across the border."
    end_user = make_end_user(make_catalog(prompt_attributes=["genres", "synopsis"]))
    item = make_item(
        end_user.catalog, genres=["Crime"], synopsis=told, other="Nobody chose to show this one, although it is long."
    )
    make_interaction(end_user, item)
    (met,) = of_end_user(end_user).subject.history
    assert met.attributes == {"genres": ["Crime"]}
    assert [met.attributes for met in evidence.known_now(end_user)] == [{"genres": ["Crime"]}]
    subject = of_item(item).subject
    assert subject.attributes == {"genres": ["Crime"], "synopsis": told}
    assert [met.attributes for met in subject.liker] == [{"genres": ["Crime"]}]


def test_a_label_without_rating_says_what_was_liked() -> None:
    end_user = make_end_user(make_catalog())
    for moment, label in enumerate([1, 0, None], start=1):
        Interaction.objects.create(end_user=end_user, item=make_item(end_user.catalog), label=label, moment=moment)
    assert [one.liked for one in of_end_user(end_user, "latest").subject.history] == [True, False, None]


class TestLeaks(TestCase):
    @given(st.lists(st.integers(1, 60), min_size=1, max_size=70), st.sampled_from(["prefix", "latest"]))
    @settings(max_examples=25, deadline=None)
    def test_no_end_users_evidence_is_from_its_cut_off_or_later(self, moments: list[int], window: WindowName) -> None:
        end_user = make_end_user(make_catalog())
        items = Item.objects.bulk_create(
            Item(catalog=end_user.catalog, external_id=str(n), title=f"Film {n}") for n in range(len(moments))
        )
        Interaction.objects.bulk_create(
            Interaction(end_user=end_user, item=item, rating=4.0, moment=moment)
            for item, moment in zip(items, moments, strict=True)
        )
        found = of_end_user(end_user, window)
        shown = moments_of(found)
        assert shown
        assert len(shown) <= evidence.MOST_EVIDENCE
        assert shown == sorted(shown)
        assert max(shown) < found.as_of


def liked_by(item: Item, *, at: int, rating: float = 5.0, earlier: int = 0) -> EndUser:
    """An end user who met `item` at this moment, after so many other items."""
    end_user = make_end_user(item.catalog)
    for n in range(earlier):
        make_interaction(end_user, make_item(item.catalog), moment=at - earlier + n)
    make_interaction(end_user, item, rating=rating, moment=at)
    return end_user


def of_item(item: Item, window: WindowName = "prefix") -> Evidence:
    (found,) = evidence.of_items(item.catalog, [item.pk], window=window)
    return found


def test_an_item_shows_its_first_liker_and_disliker_with_enough_history() -> None:
    item = make_item(make_catalog(), "Heat (1995)")
    liked_by(item, at=50, earlier=2)
    liker = liked_by(item, at=100, earlier=12)
    liked_by(item, at=200, earlier=12)
    disliker = liked_by(item, at=150, rating=1.0, earlier=15)
    found = of_item(item)
    assert found.as_of == 151
    for pair, end_user in ((found.subject.liker, liker), (found.subject.disliker, disliker)):
        assert len(pair) == evidence.PAIR_HISTORY + 1
        assert pair[-1].title == "Heat (1995)"
        ids = [encounter.interaction_id for encounter in pair]
        assert set(Interaction.objects.filter(pk__in=ids).values_list("end_user", flat=True)) == {end_user.pk}
        assert list(end_user.interactions.oldest_first().values_list("pk", flat=True))[-11:] == ids
    assert (found.subject.title, found.subject.attributes) == ("Heat (1995)", {"genres": ["Drama"]})
    assert found.subject.history == ()


def test_without_anybody_with_enough_history_the_longest_is_shown() -> None:
    item = make_item(make_catalog())
    liked_by(item, at=50)
    longest = liked_by(item, at=60, earlier=5)
    found = of_item(item)
    assert len(found.subject.liker) == 6
    assert Interaction.objects.get(pk=found.subject.liker[0].interaction_id).end_user == longest
    assert (found.subject.disliker, found.as_of) == ((), 61)


def test_the_latest_window_shows_the_last_pair() -> None:
    item = make_item(make_catalog())
    liked_by(item, at=100, earlier=12)
    liked_by(item, at=200, earlier=12)
    assert of_item(item, "latest").as_of == 201


def test_a_pairs_later_interactions_are_not_shown() -> None:
    item = make_item(make_catalog())
    liker = liked_by(item, at=100, earlier=3)
    later = make_interaction(liker, make_item(item.catalog), moment=100)
    assert later.pk not in {encounter.interaction_id for encounter in of_item(item).subject.liker}


def test_on_an_order_clock_an_items_evidence_says_what_training_must_leave_out() -> None:
    item = make_item(make_catalog(clock=Clock.ORDER))
    liker, disliker = liked_by(item, at=7, earlier=3), liked_by(item, at=9, rating=1.0)
    found = of_item(item)
    assert found.as_of == 0
    pair = {found.subject.liker[-1].interaction_id, found.subject.disliker[-1].interaction_id}
    assert pair == set(Interaction.objects.filter(item=item).values_list("pk", flat=True))
    assert {liker.pk, disliker.pk} == set(Interaction.objects.filter(pk__in=pair).values_list("end_user", flat=True))


def test_an_item_that_nobody_met_shows_its_facts() -> None:
    found = of_item(make_item(make_catalog(), "Heat (1995)"))
    assert (found.as_of, found.subject.liker, found.subject.disliker) == (0, (), ())
    assert found.subject.title == "Heat (1995)"


def test_an_unknown_opinion_is_neither_a_liker_nor_a_disliker() -> None:
    item = make_item(make_catalog())
    make_interaction(make_end_user(item.catalog), item, rating=None, moment=5)
    assert of_item(item).subject.liker == of_item(item).subject.disliker == ()


def test_another_catalogs_subjects_are_not_read() -> None:
    end_user, other = history([1, 2]), make_catalog()
    item = Item.objects.filter(catalog=end_user.catalog).first()
    assert item is not None
    assert evidence.of_end_users(other, [end_user.pk]) == []
    assert evidence.of_items(other, [item.pk]) == []


def test_a_chunk_costs_as_many_queries_as_one_subject(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    catalog = make_catalog()
    for _ in range(8):
        history([1, 2, 3], catalog=catalog)
    end_users, items = queries.end_users_for_rounds(catalog), queries.items_for_rounds(catalog)
    with django_assert_max_num_queries(2):
        assert len(evidence.of_end_users(catalog, end_users)) == 8
    with django_assert_max_num_queries(4):
        assert len(evidence.of_items(catalog, items)) == 24


def test_the_most_useful_subjects_have_no_round_yet_and_the_longest_history() -> None:
    catalog = make_catalog()
    short, long, known = (history(list(range(1, n)), catalog=catalog) for n in (3, 6, 9))
    make_end_user(catalog)  # without a history
    make_round(known)
    assert queries.end_users_for_rounds(catalog) == [long.pk, short.pk, known.pk]


@pytest.mark.data
def test_evidence_of_movielens_is_before_its_cut_off(research_data: Path) -> None:
    call_command("import_catalog", "ml", str(research_data / "ml-100k"), "--format", "movielens-100k", "--json")
    catalog = Catalog.objects.get()
    users = evidence.of_end_users(catalog, queries.end_users_for_rounds(catalog)[:300])
    items = evidence.of_items(catalog, queries.items_for_rounds(catalog)[:300])
    moment = dict(Interaction.objects.values_list("pk", "moment"))
    for found in [*users, *items]:
        shown = [*found.subject.history, *found.subject.liker, *found.subject.disliker]
        assert max(moment[one.interaction_id] for one in shown if one.interaction_id) < found.as_of
    assert sum(len(found.subject.liker) == len(found.subject.disliker) == 11 for found in items) > 280
