import pytest

from recommender.knowledge.proposals import as_proposed, in_force
from recommender.knowledge.service import accept, reject
from recommender.models import Round, RoundState, Turn
from recommender.rounds.service import add_edit
from tests import builders

pytestmark = pytest.mark.django_db

TWICE = (
    ("reason", "first"),
    ("reflect", "Too vague."),
    ("refine", "second"),
    ("reflect", "Too strong."),
    ("refine", "third"),
    ("reflect", ""),
)


@pytest.fixture
def catalog():
    return builders.make_catalog()


def texts(catalog, **how):
    return sorted(one.texts for one in as_proposed(catalog, **how))


@pytest.mark.parametrize(("refinements", "text"), [(0, "first"), (1, "second"), (2, "third"), (9, "third")])
def test_the_proposal_is_what_so_many_refinements_had_made_of_it(catalog, refinements, text):
    builders.make_round(builders.make_item(catalog), *TWICE)

    assert texts(catalog, refinements=refinements) == [(text,)]
    assert texts(catalog) == [("third",)]


def test_rounds_under_way_and_those_of_other_catalogs_propose_nothing(catalog):
    builders.make_round(builders.make_item(catalog), *TWICE, state=RoundState.ASKING)
    builders.make_round(builders.make_item(catalog))
    builders.make_round(builders.make_item(builders.make_catalog()), *TWICE)

    assert as_proposed(catalog) == as_proposed(catalog, refinements=0) == []


def test_what_people_did_counts_unless_only_the_models_are_asked_about(catalog):
    round_ = builders.make_round(builders.make_end_user(catalog), *TWICE)
    about = round_.turns.get(index=4)
    edit = add_edit(round_, about=about, text="by hand", account=builders.make_account())
    accept(edit)

    assert [one.texts for one in in_force(catalog)] == texts(catalog) == [("by hand",)]
    assert as_proposed(catalog)[0].in_force
    assert texts(catalog, refinements=2) == [("third",)]
    assert not as_proposed(catalog, refinements=2)[0].in_force


def test_a_rejected_proposal_stays_out(catalog):
    round_ = builders.make_round(builders.make_item(catalog), *TWICE)
    reject(round_.turns.get(index=4))

    assert texts(catalog) == []
    assert texts(catalog, refinements=0) == [("first",)]


def test_what_is_in_force_stays_unless_an_undecided_proposal_of_the_same_moment_replaces_it(catalog):
    item = builders.make_item(catalog)
    refined = builders.make_round(item, *TWICE, as_of=7)
    accept(refined.turns.get(index=4))
    builders.make_drafts(item, ("one", ""), ("two", ""), ("bad", "No."), as_of=7)
    builders.make_round(item, ("reason", "of another moment"), as_of=8)

    assert texts(catalog) == [("of another moment",), ("one", "two")]
    accept(Turn.objects.get(text="one"), further=[Turn.objects.get(text="two")])
    assert texts(catalog) == [("of another moment",), ("one", "two")]
    accept(refined.turns.get(index=4))  # people changed their minds: the drafts were decided before
    assert texts(catalog) == [("of another moment",), ("third",)]


def test_it_says_what_the_prompts_showed_and_about_whom(catalog):
    end_user = builders.make_end_user(catalog)
    round_ = builders.make_round(end_user, *TWICE, as_of=77)
    (one,) = as_proposed(catalog, refinements=1)

    assert (one.end_user_id, one.item_id, one.as_of) == (end_user.pk, None, 77)
    assert one.evidence == Round.objects.get(pk=round_.pk).evidence
    assert one.hashes == (round_.turns.get(text="second").text_hash,)
