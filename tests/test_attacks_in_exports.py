"""What titles say leaves in exports as data: no role, no message, no tag of a training format, no verdict turned."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import management  # not call_command: --only-servers would take all tests here
from django.utils import timezone
from pytest_django import Settings

from recommender.models import Catalog, TeacherCase
from recommender.rounds.core.harmless import harmless
from recommender.tuning import layouts, rows
from recommender.tuning.examples import is_negative
from recommender.tuning.rows import Provenance, Row
from reviews.models import Review, Verdict
from reviews.room.decisions import Seen, decide
from reviews.room.leases import take_next
from tests import attacks, openai_server
from tests.builders import make_account
from tests.openai_server import Reply, says
from tests.test_attacks import CRITIQUE, advanced, attacked, honest, reader_of  # noqa: F401

LIKES = "Likes quiet dramas and rates loud action low"
OURS = re.compile(  # the tags that prompts and judgements have of their own
    r"</?(?:history|item|liker_history|disliker_history|user_preference|item_knowledge|critique|target|target_history|text"
    r"|Final Judgement|Reflection)>"
)
MARKS = re.compile(r"[<>{}]|\[/?(?:INST|SYS|TOOL_CALLS|THINK)\]|[\u202a-\u202e\u2066-\u2069]", re.IGNORECASE)


def words_of(message: dict[str, str]) -> str:
    """What a message says; of statements, which are an object of ours, what stands in it."""
    if message["role"] == "assistant" and message["content"].startswith('{"statements": ['):
        return "\n".join(str(value) for one in json.loads(message["content"])["statements"] for value in one.values())
    return message["content"]


def assert_only_data(row: dict[str, Any]) -> None:
    """A row of TRL's layout: its messages are ours, and nothing in them is a mark of somebody else's."""
    assert [message["role"] for message in row["prompt"]] == ["system", "user"]
    answers = [row[name] for name in ("completion", "chosen", "rejected") if row.get(name)]
    assert [[message["role"] for message in answer] for answer in answers] == [["assistant"]] * len(answers)
    for message in itertools.chain(row["prompt"], *answers):
        assert not MARKS.findall(OURS.sub("", words_of(message))), message["content"]
    user = row["prompt"][1]["content"]
    assert all(user.count(f"</{tag}>") <= 1 for tag in ("history", "item", "user_preference", "critique"))


def taught(title: str) -> Iterator[Row]:
    """All kinds of rows about a person who met this title, by people who quote it."""
    subject, told = reader_of(title), Provenance("human", "attacked", "end_user", 1, 0, "")
    text, other, said = f"{LIKES}, as {title} shows.", f"{LIKES}. {title}", f"{CRITIQUE} {title} shows nothing."
    yield rows.reason(subject, text, told)
    yield rows.reflect(subject, text, "not_reasonable", said, told)
    yield rows.refine(subject, text, said, other, told)
    yield rows.preference(subject, chosen=text, rejected=other, provenance=told)
    yield rows.opinion(subject, text, told, approved=True)


@pytest.mark.parametrize("title", attacks.ALL)
def test_a_row_says_who_speaks(title: str) -> None:
    for row in taught(title):
        assert_only_data(layouts.trl(row))
        for layout in (layouts.sharegpt, layouts.alpaca):
            laid_out = layout(row)
            assert laid_out["system"] == row.prompt[0]["content"]
            speakers = [turn["from"] for turn in laid_out.get("conversations", ())]
            assert speakers in ([], ["human"], ["human", "gpt"])
        if row.set == "reflect":
            assert is_negative("end_user", row.answer)
            assert row.answer.count("<Reflection>") == row.answer.count("</Reflection>") == 1
            assert CRITIQUE in row.answer.split("<Reflection>")[1]
        else:
            assert row.answer.startswith(LIKES)
            assert " ".join(harmless(title).split()) in " ".join(row.answer.split())


def decided() -> None:
    """Everything open is decided by somebody who quotes titles: one verdict after the other."""
    account = make_account("rita")
    titles = itertools.cycle(attacks.ALL)
    for verdict in itertools.cycle((Verdict.EDIT, Verdict.OVERRIDE, Verdict.APPROVE, Verdict.REJECT)):
        slot = take_next(account, now=timezone.now())
        if slot is None:
            return
        review = Review.objects.get(pk=slot.review_id)
        turns = list(review.round.turns.all())
        proposal = next(turn for turn in reversed(turns) if turn.is_rationale)
        quoted = " ".join(next(titles)[:90] for _ in range(8))
        said = {Verdict.EDIT: f"{LIKES}, as these show: {quoted}.", Verdict.OVERRIDE: f"{CRITIQUE} {quoted}"}
        seen = Seen(review.version, len(turns), proposal.text_hash)
        decide(
            review, account=account, verdict=verdict, seen=seen, lease_token=slot.lease_token,
            text=said.get(verdict, ""), reason=f"{CRITIQUE} It is not so.", now=timezone.now(),
        )  # fmt: skip


def teaches(request: dict[str, Any], number: int) -> Reply:
    """A teacher that quotes titles in all it says, and is wrong at first, so that all kinds of rows come of it."""
    user = request["messages"][1]["content"]
    titles = [json.loads(found) for found in re.findall(r'^\d+\. ("(?:[^"\\]|\\.)*")', user, re.MULTILINE)]
    quoted = titles[number % len(titles)][:80]
    if "impartial judge" in request["messages"][0]["content"]:
        said = f"{CRITIQUE} The entry {quoted} says nothing."
        return says(f"<Final Judgement>It is not reasonable</Final Judgement><Reflection>{said}</Reflection>")
    verdict = f"The person will {'not ' if 'critique' in user else ''}like it"
    text = f"{LIKES}, which rests on one entry called {quoted} here. Number {number}."
    return says(f"<User Preference>{text}</User Preference><Final Verdict>{verdict}</Final Verdict>")


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_every_export_of_an_attacked_catalog(attacked: Catalog, settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    with openai_server.running(honest) as server:
        settings.LLM = server.endpoints(structured="tags")
        advanced(attacked, limit=4)
    decided()
    with openai_server.running(teaches) as server:
        settings.LLM = server.endpoints(structured="tags")
        management.call_command("build_training_sets", "attacked", "--limit", "4", "--subjects", "all")
    assert TeacherCase.objects.exclude(outcome="").exists()

    import pyarrow.parquet as pq

    management.call_command("export_training_sets", "attacked", "--out", str(tmp_path / "sets"))
    manifest = json.loads((tmp_path / "sets" / "manifest.json").read_text())
    assert all(manifest["rows"][name] for name in ("reason", "reflect", "refine", "preference", "kto"))
    assert set(manifest["sources"]) == {"human", "teacher"}
    for name, count in manifest["rows"].items():
        if not count:
            continue  # a set without rows has no file
        lines = (tmp_path / "sets" / "jsonl" / f"{name}.jsonl").read_text().split("\n")[:-1]
        stored = pq.read_table(tmp_path / "sets" / "parquet" / f"{name}.parquet").to_pylist()
        assert len(lines) == len(stored) == count
        for row in (*map(json.loads, lines), *stored):
            assert_only_data(row)
            if name == "reflect":
                answer = row["completion"][0]["content"]
                assert is_negative(row["provenance"]["subject_kind"], answer) == (CRITIQUE in answer)
            elif name not in ("extract", "polarity"):
                for text in (row.get("completion"), row.get("chosen"), row.get("rejected")):
                    assert not text or text[0]["content"].startswith(LIKES)

    management.call_command("export_knowledge", "attacked", "--proposals", "--out", str(tmp_path / "texts.jsonl"))
    texts = [json.loads(line) for line in (tmp_path / "texts.jsonl").read_text().split("\n")[:-1]]
    assert texts
    for line in texts:
        assert set(line) <= {"user_id", "item_id", "text", "further", "as_of", "shown"}
        assert line["text"].startswith(LIKES)
