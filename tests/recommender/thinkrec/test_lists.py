"""What each expert changes in a list, worked out by hand."""

import numpy as np

from recommender.thinkrec.experts import lists
from recommender.thinkrec.experts.gate import by_weights
from recommender.thinkrec.experts.grouped import Grouped
from recommender.thinkrec.experts.lists import Placed

ITEMS = [11, 12, 13, 14]
EAST, NORTH, BETWEEN = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]


def grouped(*people: list[float]) -> Grouped:
    return Grouped(
        end_users=np.arange(1, len(people) + 1),
        vectors=np.array(people, dtype=np.float32),
        of=np.zeros(len(people), dtype=np.int64),
        items=np.array(ITEMS),
        item_vectors=np.array([[4, 0], [3, 1], [1, 3], [0, 4]], dtype=np.float32),
        experts=np.array([EAST, NORTH], dtype=np.float32),
    )


def test_an_expert_lists_what_its_group_would_like_and_says_where_it_was() -> None:
    made = lists.of_end_user(grouped(EAST), 1, met=[], length=2)

    assert made is not None
    assert made.own == [Placed(11, 1, 1), Placed(12, 2, 2)]
    assert made.by_expert[1] == [Placed(14, 1, 4), Placed(13, 2, 3)]
    assert (made.choice.kind, made.weighed) == ("single", made.by_expert[0])


def test_what_they_have_met_is_in_no_list() -> None:
    made = lists.of_end_user(grouped(EAST), 1, met=[11, 14])

    assert made is not None
    assert [[one.item for one in each] for each in (made.own, *made.by_expert)] == [[12, 13], [12, 13], [13, 12]]


def test_where_no_group_stands_out_the_weighed_list_is_their_own() -> None:
    made = lists.of_end_user(grouped(BETWEEN), 1, met=[12, 13])

    assert made is not None
    assert made.choice.kind == "global"
    assert made.weighed == made.own


def test_several_groups_are_weighed_together() -> None:
    """cos 1/√1.64 · (1, .8): weights .83 and .17 would be one alone; nearer to the middle they are fused."""
    made = lists.of_end_user(grouped([1.0, 0.9]), 1, met=[])

    assert made is not None
    assert made.choice.kind == "fused"
    assert [one.item for one in made.weighed] == ITEMS


def test_nobody_and_nothing_give_no_lists() -> None:
    assert lists.of_end_user(grouped(EAST), 2, met=[]) is None
    made = lists.of_end_user(grouped(EAST), 1, met=ITEMS)
    assert made is not None
    assert (made.own, made.by_expert) == ([], [[], []])


def test_scores_of_adapters_give_the_shared_order_the_served_one_and_each_experts() -> None:
    choice = by_weights([0.6, 0.4])
    scores = [[0.1, 0.3, None], [0.5, 0.2, 0.0], [0.3, 0.1, 1.0]]  # of three items, by the global one and two experts
    made = lists.of_scores(choice, 1, ITEMS[:3], scores, length=2)

    assert made.own == [Placed(12, 1, 1), Placed(13, 2, 2)]
    assert made.weighed == [Placed(11, 1, 3), Placed(12, 2, 1)]
    assert made.by_expert == [[Placed(11, 1, 3), Placed(12, 2, 1)], [Placed(13, 1, 2), Placed(12, 2, 1)]]
    assert (made.choice, made.group) == (choice, 1)
