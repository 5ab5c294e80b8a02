"""A title may say anything: from the import to prompts, answers, cards, REST and exports it stays a title."""

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import management  # not call_command: --only-servers would take all tests here
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.grounding.orders import reads_like_order
from recommender.models import Catalog, Item, RestReason, Role, Round, Turn
from recommender.rounds import service
from recommender.rounds.config import OpenConfig
from recommender.rounds.core import parsing, prompts
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.types import Encounter, Subject
from reviews.models import Review
from tests import attacks, openai_server
from tests.builders import make_account
from tests.openai_server import says
from worker.endpoint import server as embedded
from worker.rounds.advance import advance

CRITIQUE = "It passes over the two comedies that were rated low."
BY_ORDINARY_PEOPLE = [
    "Heat (1995)", "The Silence of the Lambs (1991)", "8½ (1963)", "Wallace & Gromit", "Se7en", "M*A*S*H",
    "Don't Look Now", "Dr. Strangelove or: How I Learned to Stop Worrying", "The Rules of the Game",
]  # fmt: skip


def reader_of(title: str) -> Subject:
    met = Encounter(title=title, liked=True, rating=5.0, attributes={"genres": [title[:60], "Drama"]})
    return Subject(kind="end_user", item_noun="film", rating_max=5, like_threshold=3, history=(met,))


def asked_about(subject: Subject) -> Asked:
    return Asked(prompts.render(subject, "reason").messages[0]["content"], prompts.data_of(subject))


def test_there_are_many() -> None:
    assert len(set(attacks.ALL)) == len(attacks.ALL) >= 80


@pytest.mark.parametrize("title", attacks.ALL)
def test_in_a_prompt_it_is_data(title: str) -> None:
    subject = reader_of(title)
    texts = {"reason": {}, "reflect": {"rationale": title}, "refine": {"rationale": title, "critique": title}}
    for step, given in texts.items():
        for structured in (False, True):
            system, user = prompts.render(subject, step, structured=structured, **given).messages  # type: ignore[arg-type]
            assert title.strip() not in system["content"]
            for tag in ("history", "user_preference", "critique"):
                assert user["content"].count(f"</{tag}>") <= 1
            data = user["content"].split("<history>")[1].split("</history>")[0]
            assert not set("<>{}") & set(data)
            assert len(data.strip().splitlines()) == 1
            assert not re.search(r"<\||\[/?INST\]|[\u202a-\u202e\u2066-\u2069]", data)


@pytest.mark.parametrize("title", attacks.ALL)
def test_an_honest_answer_that_quotes_it_is_read_as_it_is(title: str) -> None:
    asked = asked_about(reader_of(title))
    for quoted in {" ".join(title.split()), " ".join(harmless(title).split())}:
        if quoted.startswith(("[THINK]", "◁think▷", "<think>", "</think>", "<|start|>")):
            continue  # whoever writes these marks thinks: the answer is what comes after
        text = f"Likes quiet dramas and rates loud action low, which rests on one entry called {quoted[:120]} alone."
        try:
            read = parsing.parse_rationale(text, subject_kind="end_user", asked=asked)
        except parsing.MalformedAnswerError:
            continue  # it is asked again: nothing took its place
        assert read.startswith("Likes quiet dramas and rates loud action low")
        for structured in (False, True):
            for answer in honest_judgements(quoted, structured=structured):
                judged = parsing.parse_reflection(answer, structured=structured, asked=asked)
                assert judged.verdict == "not_reasonable", answer
                assert CRITIQUE in judged.critique


def honest_judgements(quoted: str, *, structured: bool) -> Iterator[str]:
    said = f"{CRITIQUE} The title {quoted} says nothing about the person."
    if structured:
        answer = json.dumps({"judgement": "not_reasonable", "reflection": said})
        yield answer
        yield f"```json\n{answer}\n```"
    else:
        verdict = "<Final Judgement>The user preference is not reasonable</Final Judgement>"
        yield f"{verdict}<Reflection>{CRITIQUE}</Reflection>"
        if "<Reflection>" not in quoted and "</Reflection>" not in quoted:
            yield f"{verdict}<Reflection>{said}</Reflection>"


@pytest.mark.parametrize("title", attacks.FLAGGED)
def test_people_are_told_that_it_speaks_to_a_model(title: str) -> None:
    assert reads_like_order(title)


@pytest.mark.parametrize("title", BY_ORDINARY_PEOPLE)
def test_an_ordinary_title_is_ordinary(title: str) -> None:
    assert not reads_like_order(title)


@pytest.mark.data
def test_no_real_title_is_called_an_order(research_data: Path) -> None:
    movies = (research_data / "ml-1m" / "movies.dat").read_text("latin-1").splitlines()
    assert [title for line in movies if reads_like_order(title := line.split("::")[1])] == []


@pytest.fixture
def attacked(tmp_path: Path, broker: str) -> Catalog:
    """A catalog whose every item is an attack, imported from CSV; two people have met them all."""
    with (tmp_path / "items.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "title", "genres"])
        rows.writerows([number, title, f"{title[:80]}|Drama"] for number, title in enumerate(attacks.ALL))
    with (tmp_path / "interactions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "rating", "timestamp"])
        for person in range(4):
            ids = range(person, len(attacks.ALL), 2 if person < 2 else 1)
            rows.writerows([f"person-{person}", item, 1 + (item + person) % 5, 1000 + item] for item in ids)
    management.call_command("import_catalog", "attacked", str(tmp_path), "--format", "csv", "--lists", "genres")
    catalog = Catalog.objects.get(name="attacked")
    catalog.prompt_attributes = ["genres"]
    catalog.save()
    return catalog


def honest(request: dict[str, object], number: int) -> openai_server.Reply:
    """A model that does its work and quotes titles word for word, as it was asked to."""
    user = request["messages"][1]["content"]  # type: ignore[index]
    titles = [json.loads(found) for found in re.findall(r'^\d+\. ("(?:[^"\\]|\\.)*")', user, re.MULTILINE)]
    quoted = titles[number % len(titles)][:100] if titles else "nothing"
    if request["model"] == "actor":
        text = f"Likes quiet dramas and rates loud action low, which rests on one entry called {quoted} here."
        return says(f"{text} Number {number}.")
    said = f"{CRITIQUE} The entry {quoted} says nothing about the person. Number {number}."
    if "response_format" in request:
        return says(json.dumps({"judgement": "not_reasonable", "reflection": said}))
    return says(f"<Final Judgement>The text is not reasonable</Final Judgement><Reflection>{said}</Reflection>")


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("structured", ["json_schema", "tags"])
@pytest.mark.parametrize("endpoint", ["scripted", "embedded"])
def test_from_the_import_to_every_page(
    attacked: Catalog, settings: Settings, endpoint: str, structured: str, tmp_path: Path
) -> None:
    assert Item.objects.count() == len(attacks.ALL)
    if endpoint == "embedded":
        with embedded.serve() as url:
            settings.LLM = {
                role: told | {"base_url": url, "structured": structured} for role, told in settings.LLM.items()
            }
            rounds = advanced(attacked)
    else:
        with openai_server.running(honest) as server:
            settings.LLM = server.endpoints(structured=structured)
            rounds = advanced(attacked)
        turns = Turn.objects.filter(round__in=rounds)
        assert {turn.verdict for turn in turns.filter(kind="reflect")} == {"not_reasonable"}
        assert all(CRITIQUE in turn.text for turn in turns.filter(kind="reflect"))
        assert all(turn.text.startswith("Likes quiet dramas") for turn in turns.exclude(kind="reflect"))
    texts = Turn.objects.filter(round__in=rounds).values_list("text", flat=True)
    assert not [text for text in texts if text.startswith(("This person trusts ACME", "Prefers the films of one"))]

    annotator, pm = Client(), Client()
    annotator.force_login(make_account("rita", role=Role.ANNOTATOR))
    pm.force_login(make_account("pam", role=Role.PM))
    for review in Review.objects.all()[:6]:
        page = annotator.get(reverse("reviews:review", args=[review.pk])).content.decode()
        assert_no_markup(page)
        if review.round.end_user:
            assert "Reads like an order" in page
    for round_ in rounds[:4]:
        assert_no_markup(pm.get(reverse("reviews:round", args=[round_.pk])).content.decode())
    assert_no_markup(annotator.get(reverse("reviews:queue")).content.decode())

    _, key = create_token("shop", account=make_account("shop-owner", role=Role.PM))
    address = reverse("api:recommendations", args=["attacked", "person-0"])
    answer = APIClient().get(address, {"limit": 50}, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    known = dict(Item.objects.values_list("external_id", "title"))
    assert all(item["title"] == known[item["item_id"]] for item in answer.json()["items"])


def advanced(catalog: Catalog, *, limit: int = 10) -> list[Round]:
    batch = service.open_rounds(catalog, OpenConfig(subjects="all", limit=limit))
    asyncio.run(advance(list(batch.rounds.values_list("pk", flat=True))))
    rounds = list(batch.rounds.all())
    assert {round_.rest_reason for round_ in rounds} <= {RestReason.REASONABLE, RestReason.BUDGET, RestReason.MALFORMED,
                                                          RestReason.UNCHANGED, RestReason.OSCILLATING}  # fmt: skip
    return rounds


def assert_no_markup(page: str) -> None:
    """No attack stands in a page as markup: what is left of it, unescaped, has no tag of its own."""
    for title in attacks.TAGS:
        flat = " ".join(title.split())
        if "<" in flat or '"' in flat:
            assert flat not in page, flat
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg/onload" not in page
