"""An experiment lived through by the real serving and events: what is planted is found, and only that."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.erasure import service as erasure
from recommender.events import service as events
from recommender.experiments import service, words
from recommender.experiments.results import compute
from recommender.experiments.service import ExperimentRefusedError, Plan
from recommender.models import AuditEntry, AuditEvent, Catalog, EndUser, Recommendation, SubjectKind
from recommender.serving.cursor import Cursor
from recommender.serving.recommend import recommend
from recommender.serving.served import Served
from recommender.serving.variants import Variant, treatment_of
from tests.recommender.experiments.simulated import AB, afterwards, lived, running, shop

pytestmark = pytest.mark.django_db
CHANCE = {"a": 0.3, "b": 0.75}


def test_a_planted_effect_is_recovered_and_an_erased_user_vanishes() -> None:
    catalog = shop(people=420)
    experiment = running(catalog, holdout=0.1, planned=400)
    lived(catalog, lambda variant, _: CHANCE.get(variant, 0.1), seed=4)

    early = compute(experiment, now=timezone.now())
    assert (early.primary[0].lift, early.waiting) == (None, 420)
    assert words.verdicts(early)[0].code == "too_few"

    found = compute(experiment, now=afterwards(experiment))
    lift = found.primary[0].lift
    assert lift is not None
    assert lift.low is not None
    assert lift.high is not None
    assert 0 < lift.low < 0.75 / 0.3 - 1 < lift.high
    said = words.verdicts(found)[0]
    assert said.code == "better"
    assert said.words.startswith("b is better by ")
    assert said.safe_to_stop
    assert [each.name for each in found.exposed] == ["a", "b", "holdout"]
    assert sum(each.over for each in found.exposed) == found.lists == 420
    assert not found.shares.wrong

    gone = EndUser.objects.filter(catalog=catalog)[0]
    erasure.erase(catalog, SubjectKind.END_USER, gone.external_id, by=None)
    assert sum(each.over for each in compute(experiment, now=afterwards(experiment)).exposed) == 419


def test_what_happened_after_a_user_s_time_or_about_another_list_does_not_count() -> None:
    catalog = shop(people=40)
    experiment = running(catalog, window_hours=1)
    lived(catalog, lambda *_: 1.0, seed=1, lists=2)
    assert {each.value for each in compute(experiment, now=afterwards(experiment)).exposed} == {1.0}
    # Seen as if every list had been served two hours before its click.
    Recommendation.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert {each.value for each in compute(experiment, now=timezone.now()).exposed} == {0.0}


def test_reasons_that_users_call_helpful_may_decide() -> None:
    catalog = shop(people=260)
    variants = (Variant("brief", explain="short"), Variant("long", explain="full"))
    experiment = running(catalog, variants=variants, primary="helpful", planned=200, window_hours=1)
    said = []
    for number, person in enumerate(catalog.end_users.order_by("pk")):
        person.catalog = catalog
        served = recommend(person, limit=2, level="short")
        helped = number % 10 < (9 if served.variant == "long" else 3)
        for place, item in enumerate(served.items):
            said.append(
                {
                    "event_id": f"{number}-{place}",
                    "type": "explanation_helpful",
                    "user_id": person.external_id,
                    "item_id": item.item_id,
                    "recommendation_id": str(served.recommendation_id),
                }
                | ({} if helped else {"value": False})
            )
    assert not events.take(catalog, said).rejected
    found = compute(experiment, now=afterwards(experiment))
    (against,) = found.primary
    assert against.values == (pytest.approx(0.3, abs=0.1), pytest.approx(0.9, abs=0.1))
    assert [one.code for one in words.verdicts(found)] == ["better"]
    early = compute(experiment, now=timezone.now())
    assert words.verdicts(early)[0].words.endswith("10 of each have said that reasons helped.")


def test_lists_that_one_variant_loses_are_told_before_anything_else() -> None:
    catalog = shop(people=300)
    experiment = running(catalog)
    lived(catalog, lambda *_: 0.5, seed=2)
    lost = Recommendation.objects.filter(variant="b").values_list("pk", flat=True)[:90]
    Recommendation.objects.filter(pk__in=list(lost)).delete()
    said = words.verdicts(compute(experiment, now=afterwards(experiment)))
    assert [each.code for each in said] == ["not_valid"]
    assert "dealt out" in said[0].words


def test_segments_have_intervals_of_their_own_that_are_wider() -> None:
    catalog = shop(people=560)
    experiment = running(catalog, planned=500)
    lived(catalog, lambda variant, one: 0.8 if variant == "b" and one.attributes["age"] == "young" else 0.3, seed=6)
    found = compute(experiment, now=afterwards(experiment))
    by_age = {one.value: one.against for one in found.segments}
    assert set(by_age) == {"young", "old"}
    assert by_age["young"].found == "better"
    assert by_age["old"].found == "unknown"
    whole, part = found.primary[0].difference, by_age["young"].difference
    assert whole
    assert part
    assert whole.high
    assert part.high
    assert part.high - part.estimate > whole.high - whole.estimate


def test_mixed_lists_credit_the_side_that_put_the_item_there() -> None:
    catalog = shop(people=60, items=8)
    experiment = running(catalog, kind="interleaved", variants=(Variant("a"), Variant("b", steering=0.0)))
    end_user = catalog.end_users.first()
    assert end_user is not None
    end_user.catalog = catalog
    served = recommend(end_user, limit=8)
    assert served.variant == "interleaved"
    assert len({item.item_id for item in served.items}) == 8
    kept = Recommendation.objects.get(pk=served.recommendation_id).items
    assert {one["side"] for one in kept} == {"a", "b"}
    assert [item.score for item in served.items] == [None] * 8
    lived(catalog, lambda *_: 1.0, seed=3, limit=4)
    found = compute(experiment, now=afterwards(experiment)).preference
    assert found is not None
    assert found.wins + found.losses + found.ties == 60
    assert min(found.wins, found.losses) > 10  # who is first is told by chance, and the first item is clicked


def test_a_list_as_of_an_earlier_moment_was_shown_to_nobody() -> None:
    catalog = shop(people=1)
    experiment = running(catalog)
    end_user = EndUser.objects.select_related("catalog").get(catalog=catalog)
    assert recommend(end_user, limit=2, as_of=5).variant
    found = compute(experiment, now=afterwards(experiment))
    assert (found.lists, [each.shown for each in found.exposed]) == (0, [0, 0])
    recommend(end_user, limit=2)
    found = compute(experiment, now=afterwards(experiment))
    assert (found.lists, sum(each.over for each in found.exposed)) == (1, 1)


def test_later_pages_of_a_mixed_list_credit_the_side_too() -> None:
    """The pages are one list: who put what is told at its first item, and a click counts wherever the item stands."""
    catalog = shop(people=1, items=9)
    experiment = running(catalog, kind="interleaved", variants=AB)
    end_user = EndUser.objects.select_related("catalog").get(catalog=catalog)
    whole = _sides_of(recommend(end_user, limit=9))
    first = recommend(end_user, limit=4)
    second = recommend(end_user, limit=3, after=Cursor.read(first.next_cursor))
    third = recommend(end_user, limit=3, after=Cursor.read(second.next_cursor))
    pages = [_sides_of(page) for page in (first, second, third)]
    assert [len(page) for page in pages] == [4, 3, 2]
    assert [*pages[0].items(), *pages[1].items(), *pages[2].items()] == list(whole.items())
    assert Counter(whole.values()) in (Counter(a=5, b=4), Counter(a=4, b=5))

    liked = [item for item, side in pages[1].items() if side == "b"]
    clicks = [(second, liked[0]), (second, liked[0])]
    clicks += [(third, item) for item, side in pages[2].items() if side == "b"][:1]
    sent = [
        {
            "event_id": f"c{n}", "type": "click", "user_id": end_user.external_id, "item_id": item,
            "recommendation_id": str(page.recommendation_id),
        }
        for n, (page, item) in enumerate(clicks)
    ]  # fmt: skip
    assert not events.take(catalog, sent).rejected
    found = compute(experiment, now=afterwards(experiment)).preference
    assert found is not None
    assert (found.wins, found.losses, found.ties) == (1, 0, 0)

    service.stop(experiment, by=None)
    catalog.refresh_from_db()
    end_user.catalog = catalog
    after_it = recommend(end_user, limit=3, after=Cursor.read(first.next_cursor))
    assert (after_it.experiment, _sides_of(after_it)) == ("", dict.fromkeys(pages[1], ""))


def _sides_of(page: Served) -> dict[str, str]:
    return {item.item_id: item.side for item in page.items}


def test_an_experiment_runs_once_alone_and_everything_is_told_in_the_log() -> None:
    catalog = shop(people=4)
    experiment = running(catalog)
    other = service.create(catalog, Plan("other", AB, scenario="backbone"), by=None)
    with pytest.raises(ExperimentRefusedError, match="“try” is running on the same lists"):
        service.start(other, by=None)
    assert not service.discard(experiment, by=None)
    assert service.stop(experiment, by=None, reason="Enough.")
    assert not service.stop(experiment, by=None)
    end_user = EndUser.objects.filter(catalog=catalog).select_related("catalog")[0]
    assert treatment_of(end_user, "backbone") is None
    with pytest.raises(ExperimentRefusedError, match="runs once"):
        service.start(experiment, by=None)
    service.start(other, by=None)
    events = list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))
    made, started, stopped = (AuditEvent[f"EXPERIMENT_{name}"] for name in ("MADE", "STARTED", "STOPPED"))
    assert events == [made, started, made, stopped, started]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan("", AB), "Name it"),
        (Plan("x", AB[:1]), "at least 2"),
        (Plan("x", (Variant("a"), Variant("A"))), "name of its own"),
        (Plan("x", (Variant("a"), Variant("holdout"))), "none of holdout"),
        (Plan("x", (Variant("a"), Variant("b", weight=0))), "weight"),
        (Plan("x", (Variant("a"), Variant("b", version=7))), "no model 7"),
        (Plan("x", (Variant("a"), Variant("b", knowledge=False))), "trained without them"),
        (Plan("x", (Variant("a"), Variant("b", steering=99.0))), "Steering is from"),
        (Plan("x", (*AB, Variant("c")), kind="interleaved"), "exactly 2"),
        (Plan("x", AB, holdout=0.9), "half of the users"),
        (Plan("x", AB, scenario="nowhere"), "Scenarios are"),
        (Plan("x", AB, smallest_lift=0.0), "smallest difference"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_to_do(plan: Plan, said: str) -> None:
    catalog = Catalog.objects.create(name="films")
    with pytest.raises(ExperimentRefusedError, match=said):
        service.create(catalog, plan, by=None)
    assert not catalog.experiments.exists()
