"""Cases and their teacher: what it is shown, what is kept, and what happens when it fails. Over the real SDK."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from recommender.llm.errors import PermanentLlmError, TransientLlmError
from recommender.models import Catalog, Interaction, TeacherCall, TeacherCase
from recommender.tuning.teacher import cases, service
from recommender.tuning.teacher.questions import Ask
from recommender.tuning.teacher.rows import move, of_catalog
from reviews.lessons import training_sets
from tests import openai_server
from tests.builders import make_catalog, make_end_user, make_item
from tests.openai_server import Reply, ScriptedServer, error, says
from worker.endpoint import demonstration
from worker.teacher import teach

pytestmark = [pytest.mark.django_db, pytest.mark.once]
Serve = Callable[..., ScriptedServer]
TEXT = "They enjoy patient dramas and turn away from loud action; two war films were received coolly."
CRITIQUE = "It passes over the two comedies that were rated low."


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(script: Callable[[dict[str, Any], int], Reply], **endpoint: Any) -> ScriptedServer:
            scripted = stack.enter_context(openai_server.running(script))
            settings.LLM = scripted.endpoints(**endpoint)
            return scripted

        yield start


@pytest.fixture
def catalog() -> Catalog:
    """Four end users who rated the same 30 films, each in an order of their own, likes and dislikes in turn."""
    catalog = make_catalog("films")
    genres = ("Drama", "Comedy", "Western")
    items = [make_item(catalog, f"Film {n:02} (1990)", genres=[genres[n % 3]]) for n in range(30)]
    for number in range(4):
        end_user = make_end_user(catalog)
        order = items[number * 7 :] + items[: number * 7]
        Interaction.objects.bulk_create(
            Interaction(end_user=end_user, item=item, rating=5.0 if (n + number) % 3 else 2.0, moment=1000 * n + number)
            for n, item in enumerate(order)
        )
    return catalog


def teacher(*, likes: bool = True, reasonable: bool = True, mends: bool = True) -> Callable[..., Reply]:
    """A teacher that always says the same; its refinement turns its prediction round if it `mends`."""

    def script(request: dict[str, Any], _: int) -> Reply:
        system = request["messages"][0]["content"]
        if "impartial judge" in system:
            verdict = "reasonable" if reasonable else "not reasonable"
            critique = "" if reasonable else CRITIQUE
            return says(f"<Final Judgement>It is {verdict}</Final Judgement><Reflection>{critique}</Reflection>")
        refines = "critique" in request["messages"][1]["content"]
        liked = likes != (refines and mends)
        verdict = f"The person will {'' if liked else 'not '}like it"
        text = f"{TEXT} Comedies are mixed." if refines else TEXT
        return says(f"<User Preference>{text}</User Preference><Final Verdict>{verdict}</Final Verdict>")

    return script


def opened(catalog: Catalog, *, limit: int = 4, subjects: Any = "end-users") -> list[TeacherCase]:
    return service.unfinished(catalog, subjects=subjects, limit=limit)


def test_a_window_is_ten_interactions_and_its_target_the_next_one_before_the_test_part(catalog: Catalog) -> None:
    for case in opened(catalog):
        history = list(case.end_user.interactions.order_by("moment"))  # type: ignore[union-attr]
        place = next(n for n, met in enumerate(history) if met.pk == case.target_id)
        assert place == 23  # the last of the first 80 %
        shown = [one["interaction_id"] for one in case.triple["subject"]["history"]]
        assert shown == [met.pk for met in history[13:23]]
        assert case.as_of == history[place].moment
        assert case.label == (history[place].rating == 5.0)


def test_further_cases_are_earlier_windows_that_do_not_overlap(catalog: Catalog) -> None:
    assert len(opened(catalog, limit=100)) == 8  # windows that end at places 23 and 13 of four end users
    assert {case.pk for case in opened(catalog, limit=100)} == set(TeacherCase.objects.values_list("pk", flat=True))
    TeacherCase.objects.update(outcome="agreed")
    assert list(cases.of_end_users(catalog)) == []


def test_an_items_target_is_a_third_person_who_met_it_later(catalog: Catalog) -> None:
    found = opened(catalog, subjects="items", limit=100)
    assert found
    for case in found:
        assert case.target.item_id == case.item_id
        assert case.target.moment >= case.as_of
        pair = [case.triple["subject"][side][-1]["interaction_id"] for side in ("liker", "disliker")
                if case.triple["subject"][side]]  # fmt: skip
        met_by = set(Interaction.objects.filter(pk__in=pair).values_list("end_user_id", flat=True))
        assert case.target.end_user_id not in met_by
        assert len(case.triple["target_history"]) >= cases.FEWEST


def test_the_same_case_with_the_other_label_is_asked_about_in_the_same_words(catalog: Catalog) -> None:
    def questions() -> tuple[list[bool], list[str]]:
        found = opened(catalog)
        asked = [move(case, []) for case in found]
        return [case.label for case in found], [
            json.dumps(ask.prompt.messages) for ask in asked if isinstance(ask, Ask)
        ]

    labels, asked = questions()
    targets = {case.target_id: case.label for case in TeacherCase.objects.all()}
    TeacherCase.objects.all().delete()
    for target, label in targets.items():
        Interaction.objects.filter(pk=target).update(rating=1.0 if label else 4.5)
    other_labels, asked_again = questions()
    assert other_labels == [not label for label in labels]
    assert set(labels) == {True, False}
    assert len(asked) == 4
    assert asked_again == asked


@pytest.mark.parametrize(
    ("says_what", "liked", "not_liked"),
    [
        ({"likes": True, "reasonable": True}, "agreed", "unnoticed"),
        ({"likes": True, "reasonable": False}, "judged_down", "mended"),
        ({"likes": False, "reasonable": False}, "mended", "judged_down"),
        ({"likes": True, "reasonable": False, "mends": False}, "judged_down", "not_mended"),
    ],
)
def test_the_four_cells_decide_what_is_kept(
    catalog: Catalog, serve: Serve, says_what: dict[str, bool], liked: str, not_liked: str
) -> None:
    serve(teacher(**says_what))
    report = teach(opened(catalog, limit=8))
    assert report.cases == 8
    for case in TeacherCase.objects.all():
        assert case.outcome == (liked if case.label else not_liked)
    kept = TeacherCase.objects.filter(outcome__in=["agreed", "mended"]).count()
    rows = list(of_catalog(catalog))
    assert len(rows) == 2 * kept
    expected = {"agreed": {"reason", "reflect"}, "mended": {"reflect", "refine"}}
    for case in TeacherCase.objects.filter(outcome__in=expected):
        mine = [row for row in rows if row.provenance.case == case.pk]
        assert {row.set for row in mine} == expected[case.outcome]
        title = case.target.item.title
        assert not any(title in message["content"] for row in mine for message in row.prompt)
        assert all(row.provenance.source == "teacher" and row.provenance.model == "scripted" for row in mine)


def test_a_malformed_answer_goes_back_once_and_then_ends_the_case(catalog: Catalog, serve: Serve) -> None:
    server = serve(lambda *_: says("I would rather not."))
    report = teach(opened(catalog, limit=1))
    assert dict(report.outcomes) == {"malformed": 1}
    first, second = server.requests
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert "verdict is missing" in second["messages"][-1]["content"]


def test_a_text_that_names_its_target_is_discarded(catalog: Catalog, serve: Serve) -> None:
    (case,) = opened(catalog, limit=1)
    title = case.target.item.title
    text = f"<User Preference>{TEXT} They will enjoy {title}.</User Preference>"
    serve(lambda *_: says(f"{text}<Final Verdict>The person will like it</Final Verdict>"))
    assert dict(teach([case]).outcomes) == {"names_target": 1}


def test_what_was_answered_before_an_endpoint_failed_is_not_asked_again(catalog: Catalog, serve: Serve) -> None:
    """The second question of every case is refused: a later run asks only that one."""
    good = teacher()

    def refuses_judging(request: dict[str, Any], number: int) -> Reply:
        judges = "impartial judge" in request["messages"][0]["content"]
        return error(401, "no") if judges else good(request, number)

    serve(refuses_judging)
    with pytest.raises(PermanentLlmError, match="R4_TEACHER_API_KEY"):
        teach(opened(catalog, limit=4))
    assert TeacherCase.objects.filter(outcome="").count() == 4
    server = serve(good)
    report = teach(opened(catalog, limit=4))
    assert (report.cases, report.calls, len(server.requests)) == (4, 4, 4)
    assert TeacherCase.objects.count() == 4
    assert TeacherCall.objects.filter(error_kind="permanent").count() == 4


def test_a_busy_endpoint_is_asked_again_and_given_up_in_the_end(catalog: Catalog, serve: Serve) -> None:
    good = teacher()
    serve(lambda request, number: error(503, "loading") if number < 3 else good(request, number))
    assert teach(opened(catalog, limit=2), wait=0).cases == 2
    serve(lambda *_: error(503, "loading"))
    with pytest.raises(TransientLlmError, match="loading"):
        teach(opened(catalog, limit=4), wait=0)


def test_the_command_reports_outcomes_and_its_rows_are_exported(catalog: Catalog, serve: Serve, tmp_path: Path) -> None:
    serve(teacher())
    out = StringIO()
    call_command("build_training_sets", "films", "--limit", "3", "--subjects", "end-users", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert (report["asked"], report["cases"], report["model"]) == (3, 3, "teacher")
    assert report["calls"] == 6
    assert sum(report["outcomes"].values()) == 3
    manifest = training_sets.export(catalog, tmp_path / "sets", formats=["jsonl"])
    assert manifest["sources"]["teacher"]["reason"] == report["outcomes"]["agreed"]
    with pytest.raises(CommandError, match="known: films"):
        call_command("build_training_sets", "books", "--limit", "3")


def test_where_nothing_is_left_to_ask_the_command_says_so() -> None:
    make_catalog("empty")
    out = StringIO()
    call_command("build_training_sets", "empty", "--limit", "3", stdout=out)
    assert "Nothing to ask about in empty" in out.getvalue()


def test_the_demonstration_teacher_answers_every_step_readably(catalog: Catalog, serve: Serve) -> None:
    serve(lambda request, _: says(demonstration.reply(demonstration.TEACHER, request["messages"]).text))
    report = teach(opened(catalog, subjects="all", limit=100))
    assert "malformed" not in report.outcomes
    assert "names_target" not in report.outcomes
    assert sum(report.outcomes.values()) == report.cases > 8
