"""The examples of docs/api.md and the pages beside it: curl sends each to a server, and the answer is as they say."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.models import Catalog, Interaction, Role, TokenScope
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.training import synthetic

PAGES = ("api.md", "api-writing.md", "api-statements.md")
PAGE = "".join((Path(__file__).parents[3] / "docs" / name).read_text() for name in PAGES)
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
CURLS = [text for _, text in BLOCKS if text.startswith("curl ")]
LINES = next(text for _, text in BLOCKS if text.startswith('{"type": "item"'))
ANSWER = next(json.loads(text) for kind, text in BLOCKS if kind == "json")
RULES = re.search(r"/rules` with `(\{.+?\]\})`", PAGE)


@pytest.fixture
def shop() -> Catalog:
    """Its name and ids are the sample catalog's, as the examples have them."""
    catalog = make_catalog("sample")
    items = [
        make_item(catalog, f"Film {n}", external_id=f"f{n:03}", genres=["Drama" if n % 5 else "Horror"])
        for n in range(1, 51)
    ]
    reader = make_end_user(catalog, "u001")
    make_interaction(reader, items[0], moment=1)
    synthetic.approve(reader, "They adore dramas.")
    return catalog


@pytest.fixture
def key() -> str:
    return create_token("docs", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_curl_sends_the_examples_of_the_page(shop: Catalog, key: str, live_server: Any) -> None:
    answers = []
    for text in CURLS:
        command = text.replace("http://127.0.0.1:8000", live_server.url).removeprefix("curl ")
        sent = subprocess.run(
            ["bash", "-c", f"curl --silent --show-error --max-time 60 --fail-with-body {command}"],
            env=os.environ | {"KEY": key},
            capture_output=True,
            text=True,
            check=False,
        )
        assert sent.returncode == 0, (text, sent.stdout, sent.stderr)
        answers.append(json.loads(sent.stdout))
    listed, logged, visitor, told, said, read = answers
    assert len(listed["items"]) == 5
    assert logged["recommendation_id"]
    assert [said["aspect"] for said in visitor["understood"]] == ["Horror"]
    assert [(one["about"], one["polarity"], one["acts"]) for one in said["statements"]] == [
        ("Horror", "dislikes", True)
    ]
    assert said["not_understood"] == ["The weather is nice today."]
    assert [(one["about"], one["said_by"]) for one in read["statements"]] == [
        ("Horror", "end_user"),
        ("Drama", "model"),
    ]
    assert told == {"accepted": 1, "duplicates": 0, "rejected": []}


@pytest.mark.django_db
def test_the_answer_of_the_page_has_the_members_of_an_answer(shop: Catalog, api: APIClient) -> None:
    address = "/api/v1/catalogs/sample/users/u001/recommendations"
    answer = api.post(address, {"limit": 1, "explain": "full"}, format="json").json()
    assert list(answer) == list(ANSWER)
    assert list(answer["items"][0]) == list(ANSWER["items"][0])
    assert list(answer["user_explanation"]) == list(ANSWER["user_explanation"])


@pytest.mark.django_db
def test_the_lines_and_the_rule_of_the_page_are_taken(shop: Catalog, api: APIClient) -> None:
    answer = api.post("/api/v1/catalogs/sample/import", LINES, content_type="application/x-ndjson").json()
    assert (answer["lines"], answer["rejected"]) == (3, 0), answer
    assert Interaction.objects.filter(item__external_id="i042", rating=4.5).exists()
    assert RULES
    answer = api.post("/api/v1/catalogs/sample/rules", RULES[1], content_type="application/json").json()
    assert (len(answer["rules"]), answer["rejected"]) == (1, []), answer
