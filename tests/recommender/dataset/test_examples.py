import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.dataset.examples import build
from recommender.dataset.numbering import FIRST_ITEM, PADDING_ITEM
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import SubjectKind
from tests.recommender.training.synthetic import in_memory

ITEMS = 6
# Few moments on purpose: most end users have several interactions at once.
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, ITEMS - 1), st.integers(0, 9), st.sampled_from([1.0, 3.0, 4.0, 5.0])),
    min_size=1,
    max_size=40,
)
TEXTS = st.lists(
    st.tuples(
        st.sampled_from(list(SubjectKind)),
        st.integers(0, 3),
        st.integers(-1, 11),
        st.frozensets(st.integers(1, 40), max_size=3),
    ),
    max_size=12,
    unique_by=lambda text: text[:3],
)


def nothing():
    return KnowledgeRows([])


@given(ROWS, st.integers(1, 12))
def test_a_history_is_the_last_n_interactions_strictly_before_the_example(rows, length):
    data = in_memory(rows, items=ITEMS)
    examples = build(data, nothing(), history=length)
    found, exists = examples.histories(np.arange(len(data)))

    for row in range(len(data)):
        earlier = [
            other
            for other in range(len(data))
            if data.end_user[other] == data.end_user[row] and data.moment[other] < data.moment[row]
        ]
        assert found[row][exists[row]].tolist() == earlier[-length:]
        assert exists[row].tolist() == sorted(exists[row].tolist())  # padded at the left


@given(ROWS, st.integers(0, 9))
def test_nothing_from_an_examples_moment_on_changes_what_it_sees(rows, moment):
    """Rewrite the future: examples up to a moment must be the same arrays."""
    rewritten = [(u, (i + 1) % ITEMS if t >= moment else i, t, 6.0 - r if t >= moment else r) for u, i, t, r in rows]
    before, after = in_memory(rows, items=ITEMS), in_memory(rewritten, items=ITEMS)
    seen = np.flatnonzero(before.moment <= moment)
    one = build(before, nothing(), history=4).batch(seen)
    other = build(after, nothing(), history=4).batch(seen)

    assert (one.history_item == other.history_item).all()
    assert (one.history_feedback == other.history_feedback).all()


@settings(max_examples=200)
@given(ROWS, TEXTS)
def test_no_example_sees_knowledge_from_after_its_moment_or_made_from_itself(rows, texts):
    data = in_memory(rows, items=ITEMS)
    known = KnowledgeRows(
        [Text(kind, subject, as_of, f"{n}", shown=shown) for n, (kind, subject, as_of, shown) in enumerate(texts)]
    )
    end_user_text, item_text = known.assign(data)
    owner = dict(zip(data.keys.tolist(), data.end_user.tolist(), strict=True))

    for row in range(len(data)):
        for number, kind, subject in (
            (end_user_text[row], SubjectKind.END_USER, data.end_user[row]),
            (item_text[row], SubjectKind.ITEM, data.item[row]),
        ):
            of_subject = [
                t for t in known.texts if (t.kind, t.subject) == (kind, subject) and t.as_of <= data.moment[row]
            ]
            latest = max(of_subject, key=lambda text: text.as_of, default=None)
            if number == 0:
                shown = latest.shown if latest else frozenset()
                witnesses = {owner[key] for key in shown if key in owner}
                assert latest is None or data.keys[row] in shown or data.end_user[row] in witnesses
            else:
                text = known.texts[number - 1]
                assert text == latest
                assert data.keys[row] not in text.shown


def test_an_item_text_is_kept_from_the_end_users_it_was_written_from_even_on_an_order_clock():
    data = in_memory([(0, 2, 1, 5.0), (0, 3, 2, 5.0), (1, 2, 1, 1.0), (2, 2, 1, 5.0)], items=ITEMS)
    known = KnowledgeRows([Text(SubjectKind.ITEM, 2, 0, "a", shown=frozenset({2, 3}))])  # end users 0 and 1

    _, item_text = known.assign(data)

    assert item_text[data.item == 2].tolist() == [0, 0, 1]


def test_serving_uses_each_subjects_newest_text():
    known = KnowledgeRows(
        [Text(SubjectKind.ITEM, 4, 10, "a"), Text(SubjectKind.ITEM, 4, 99, "b"), Text(SubjectKind.ITEM, 5, 1, "c")]
    )

    assert known.latest(SubjectKind.ITEM) == {4: 2, 5: 3}
    assert known.latest(SubjectKind.END_USER) == {}


def test_a_batch_numbers_items_and_pads_histories_at_the_left():
    data = in_memory([(0, 2, 1, 5.0), (0, 3, 2, 1.0), (0, 4, 3, 5.0)], items=ITEMS)
    batch = build(data, nothing(), history=4).batch(np.array([2]))

    assert batch.item.tolist() == [[FIRST_ITEM + 4]]
    assert batch.history_item.tolist() == [[PADDING_ITEM, PADDING_ITEM, FIRST_ITEM + 2, FIRST_ITEM + 3]]
    assert (batch.history_feedback[0] > 0).tolist() == [False, False, True, True]


def test_coverage_is_the_share_of_rows_with_knowledge():
    data = in_memory([(0, 2, 1, 5.0), (0, 3, 2, 1.0), (1, 2, 1, 5.0)], items=ITEMS)
    examples = build(data, KnowledgeRows([Text(SubjectKind.END_USER, 0, 2, "a")]), history=4)

    assert examples.coverage(np.arange(3)) == {"end_user": 0.3333, "item": 0.0}
