"""What is popular among end users with the same attributes: honest counts, nobody told from them."""

import threading
from typing import Any

import pytest

from recommender.models import Catalog, EndUser
from recommender.serving import catalog_index, segments
from recommender.serving.recommend import recommend
from recommender.serving.request import request_for
from recommender.serving.segments import LEAST_MET, LEAST_PEOPLE, segment_of
from recommender.serving.served import Served
from recommender.serving.session import session_of
from recommender.serving.types import StatisticReason
from recommender.serving.whom import Visitor
from tests.builders import make_catalog, make_end_user, make_interaction, make_item


@pytest.fixture
def town(db: None) -> Catalog:
    """24 young ones like what is quiet, 30 old ones what is loud; two of the young are called Ada."""
    for kept in (catalog_index.KEPT, segments.KEPT, segments.COMMON):
        kept.clear()
    catalog = make_catalog("town")
    quiet = [make_item(catalog, external_id=f"quiet{number}") for number in range(3)]
    loud = [make_item(catalog, external_id=f"loud{number}") for number in range(3)]
    rare = make_item(catalog, external_id="rare")
    for number in range(54):
        is_young = number < 24
        name = {"name": "Ada"} if number < 2 else {}
        person = make_end_user(catalog, f"p{number}", attributes={"age": "young" if is_young else "old", **name})
        for item in quiet if is_young else loud:
            make_interaction(person, item)
        if number < LEAST_MET - 1:
            make_interaction(person, rare)
    return catalog


def listed(catalog: Catalog, limit: int = 3, **attributes: object) -> Served:
    session = session_of(catalog, attributes=attributes)
    return recommend(Visitor(catalog), limit=limit, level="full", keep=False, session=session)


def ids(served: Served) -> set[str]:
    return {item.item_id for item in served.items}


def test_people_with_the_same_attributes_say_what_is_listed(town: Catalog) -> None:
    assert ids(listed(town)) == {"loud0", "loud1", "loud2"}
    served = listed(town, age="young")
    assert (served.source, served.score_kind, served.degraded_code) == ("segment", "expected_likes", "no_backbone")
    assert ids(served) == {"quiet0", "quiet1", "quiet2"}
    (reason,) = served.items[0].of(StatisticReason)
    assert (reason.kind, reason.text) == (
        "segment",
        "Among the 24 end users with age young: Liked by 24 of the 24 who judged it.",
    )


def test_an_end_user_without_history_is_in_a_segment_too(town: Catalog) -> None:
    person = make_end_user(town, "new", attributes={"age": "young"})
    assert recommend(person, limit=3, keep=False).source == "segment"


def test_what_a_request_tells_of_an_end_user_counts_in_that_list_alone(town: Catalog) -> None:
    person = make_end_user(town, "moved", attributes={"age": "old", "city": "Ulm"})
    told = session_of(town, attributes={"age": "young"})
    assert request_for(person, limit=3, session=told).attributes == {"age": "young", "city": "Ulm"}
    assert ids(recommend(person, limit=3, keep=False, session=told)) == {"quiet0", "quiet1", "quiet2"}
    assert ids(recommend(person, limit=3, keep=False)) == {"loud0", "loud1", "loud2"}
    person.refresh_from_db()
    assert person.attributes == {"age": "old", "city": "Ulm"}


def test_what_few_share_is_left_aside(town: Catalog) -> None:
    found = segment_of(town, {"age": "young", "name": "Ada"})
    assert found is not None
    assert (found.named, found.people) == ((("age", "young"),), 24)
    assert segment_of(town, {"name": "Ada"}) is None
    assert listed(town, name="Ada").source == "popular"


def test_the_rarest_attribute_goes_first_where_all_together_are_too_few(town: Catalog) -> None:
    EndUser.objects.filter(external_id__in=[f"p{number}" for number in range(10, 54)]).update(attributes={"age": "old"})
    for number in range(LEAST_PEOPLE):
        make_end_user(town, f"q{number}", attributes={"age": "old" if number < 3 else "none", "city": "Ulm"})
    found = segment_of(town, {"age": "old", "city": "Ulm"})
    assert found is not None
    assert found.named == (("age", "old"),)


def test_an_item_that_too_few_of_them_met_is_not_listed(town: Catalog) -> None:
    found = segment_of(town, {"age": "young"})
    assert found is not None
    assert min(found.met) >= LEAST_MET
    assert town.items.get(external_id="rare").pk not in found.pks


def test_a_segment_that_cannot_fill_the_list_leaves_it_to_what_is_popular(town: Catalog) -> None:
    assert listed(town, limit=4, age="young").source == "popular"


@pytest.mark.parametrize("odd", [None, [], ["young"], {"a": 1}, "", 1.5, True, "x" * 500, "\u0000", float("inf")])
def test_odd_values_are_nobody_s(town: Catalog, odd: object) -> None:
    assert segment_of(town, {"age": odd}) is None


@pytest.mark.parametrize("name", ["a__contains", "", "x' OR 1=1", "pk", "$.age", "ünï"])
def test_an_attribute_may_have_any_name(town: Catalog, name: str) -> None:
    for number in range(LEAST_PEOPLE):
        make_end_user(town, f"odd{number}", attributes={name: 7})
    found = segment_of(town, {name: 7})
    assert found is not None
    assert found.people == LEAST_PEOPLE


def test_values_of_other_types_are_other_values(town: Catalog) -> None:
    for number in range(LEAST_PEOPLE):
        make_end_user(town, f"n{number}", attributes={"zip": 7})
    assert segment_of(town, {"zip": "7"}) is None


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_for_a_segment_that_is_being_counted(town: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "PATIENCE", 0.01)
    segments.shared_values(town)
    go_on, narrowest = threading.Event(), segments._narrowest

    def slowly(*given: Any) -> segments.Segment | None:
        go_on.wait(10)
        return narrowest(*given)

    monkeypatch.setattr(segments, "_narrowest", slowly)
    assert [listed(town, age="young").source for _ in range(2)] == ["popular", "popular"]
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)
    assert listed(town, age="young").source == "segment"
