"""Web processes stay light: a recommendation with its reasons is served without torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.accounts.tokens import create_token
from tests.builders import make_account
from tests.recommender.serving.ranked import ranked_catalog

SCRIPT = """
import json, sys
import django
django.setup()
from django.urls import get_resolver
from rest_framework.test import APIClient
get_resolver().url_patterns
path, key = sys.argv[1:]
client = APIClient(SERVER_NAME="localhost", HTTP_AUTHORIZATION=f"Bearer {key}")
client.get(path + "&scenario=thinkrec")
answer = client.get(path)
heavy = [name for name in ("torch", "transformers", "openai", "onnxscript", "pyarrow") if name in sys.modules]
print(json.dumps({"status": answer.status_code, "source": answer.json()["source"], "heavy": heavy}))
"""


@pytest.mark.once
def test_a_fresh_process_serves_an_explained_list_without_torch_or_openai(child_environment: dict[str, str]) -> None:
    ranked_catalog("films")
    _, key = create_token("light", account=make_account())
    path = "/api/v1/catalogs/films/users/u000/recommendations?explain=full"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, path, key],
        cwd=Path(__file__).parents[3],
        env=os.environ | child_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '{"status": 200, "source": "backbone", "heavy": []}'
