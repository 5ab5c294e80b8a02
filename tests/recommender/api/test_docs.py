"""The examples of README.md and docs/: curl sends each to a server of the sample catalog, which answers as they say."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.models import Catalog, EndUser, Interaction, Role, TokenScope
from recommender.serving.attribution import NAMED
from recommender.serving.catalog_index import WHOLE_CATALOG
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.training import synthetic

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
POLITE = "--silent --show-error --max-time 60 --fail-with-body"
OURS = "http://127.0.0.1:8000"  # what other programs listen on is not tried


def _blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block, also of those inside a list."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [(kind, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)) for indent, kind, text in found]


BLOCKS = [(page.name, kind, text) for page in PAGES for kind, text in _blocks(page)]
CURLS = [(name, text) for name, _, text in BLOCKS if text.startswith("curl ") and OURS in text]
LINES = next(text for _, _, text in BLOCKS if text.startswith('{"type": "item"'))
ANSWER = next(json.loads(text) for name, kind, text in BLOCKS if (name, kind) == ("api.md", "json"))
RULES = re.search(r"/rules` with `(\{.+?\]\})`", (ROOT / "docs" / "api.md").read_text())


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


@pytest.fixture
def sample(transactional_db: None) -> Catalog:
    """The very catalog of the first start. Of one user people have approved a text, as the page tells."""
    call_command("import_catalog", "sample", "--format", "sample", "--json")
    catalog = Catalog.objects.get(name="sample")
    synthetic.approve(EndUser.objects.get(catalog=catalog, external_id="u001"), "They adore dramas.")
    return catalog


@pytest.mark.once
def test_curl_sends_the_examples(sample: Catalog, key: str, live_server: Any) -> None:
    """Each runs as it stands on its page, but for the port. One that is added asks for its line here."""
    answers = []
    first_start = create_token("demo", account=make_account("lead", role=Role.LEAD))[1]  # as worker/demo makes README's
    environment = os.environ | {"KEY": key, "TOKEN": first_start, "USER_ID": "u001"}
    for name, text in CURLS:
        for command in re.split(r"\n(?=curl )", text):
            sent = subprocess.run(
                ["bash", "-euc", command.replace(OURS, live_server.url).replace("curl ", f"curl {POLITE} ", 1)],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert sent.returncode == 0, (name, command, sent.stdout, sent.stderr)
            answers.append((name, json.loads(sent.stdout)))
    pages = [name for name, _ in answers]
    assert pages == ["README.md"] + ["api-statements.md"] * 2 + ["api-writing.md"] + ["api.md"] * 3 + ["webhooks.md"]
    first, said, read, told, listed, logged, visitor, webhook = (answer for _, answer in answers)
    titles = set(sample.items.values_list("title", flat=True))
    for answer, logs in ((first, False), (listed, False), (logged, True), (visitor, True)):
        assert answer["catalog"] == "sample"
        assert titles.issuperset(item["title"] for item in answer["items"])
        assert (answer["recommendation_id"] is not None) == logs
    assert [len(answer["items"]) for answer in (first, listed, logged, visitor)] == [5, 5, 1, 5]
    assert first["user_explanation"]["text"] == "They adore dramas."
    assert [one["aspect"] for one in visitor["understood"]] == ["Horror"]
    assert [(one["about"], one["polarity"], one["acts"]) for one in said["statements"]] == [
        ("Horror", "dislikes", True)
    ]
    assert said["not_understood"] == ["The weather is nice today."]
    assert [(one["about"], one["said_by"]) for one in read["statements"]] == [
        ("Horror", "end_user"),
        ("Drama", "model"),
    ]
    assert told == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert webhook["secret"].startswith("whsec_")


@pytest.mark.django_db
def test_the_answer_of_the_page_has_the_members_of_an_answer(shop: Catalog, api: APIClient) -> None:
    address = "/api/v1/catalogs/sample/users/u001/recommendations"
    answer = api.post(address, {"limit": 1, "explain": "full"}, format="json").json()
    assert list(answer) == list(ANSWER)
    assert list(answer["items"][0]) == list(ANSWER["items"][0])
    assert list(answer["user_explanation"]) == list(ANSWER["user_explanation"])


def test_the_pages_say_what_is_ranked_and_named_as_the_code_does() -> None:
    for name, said in (
        ("api.md", f"Up to {WHOLE_CATALOG:,} items, all are ranked"),
        ("api.md", f"all of them up to {WHOLE_CATALOG:,} items, else"),
        ("api-writing.md", f"in catalogs above {WHOLE_CATALOG:,} items, shared"),
        ("operations.md", f"the candidates, above {WHOLE_CATALOG:,} items"),
        ("scaling.md", f"Up to {WHOLE_CATALOG:,} items every list ranks"),
    ):
        assert said in (ROOT / "docs" / name).read_text(), said
    (short, against), (full, also) = NAMED["short"], NAMED["full"]
    named = f"at most {short} items that speak for an item and {against} against it), "
    named += f"`full` (whole texts; {full} and {also})"
    assert named in (ROOT / "docs" / "api.md").read_text()
    assert f"`R4_CANDIDATES` ({settings.CANDIDATES})" in (ROOT / "docs" / "api.md").read_text()


@pytest.mark.django_db
def test_the_lines_and_the_rule_of_the_page_are_taken(shop: Catalog, api: APIClient) -> None:
    answer = api.post("/api/v1/catalogs/sample/import", LINES, content_type="application/x-ndjson").json()
    assert (answer["lines"], answer["rejected"]) == (3, 0), answer
    assert Interaction.objects.filter(item__external_id="i042", rating=4.5).exists()
    assert RULES
    answer = api.post("/api/v1/catalogs/sample/rules", RULES[1], content_type="application/json").json()
    assert (len(answer["rules"]), answer["rejected"]) == (1, []), answer
