"""What processes load, seen from a fresh interpreter."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.repository import ROOT

HEAVY = [
    *("torch", "openai", "transformers", "onnxruntime", "onnx", "pyarrow", "sklearn", "scipy", "pandas"),
    *("tokenizers", "cryptography.fernet"),  # for whoever reads a text, or a secret
]
LOAD = """
import django, json, sys
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
{more}
print(json.dumps([name for name in {heavy} if name in sys.modules]))
"""


@pytest.mark.parametrize(
    ("process", "more"),
    [
        ("web", "from r4web.wsgi import application; django.test.Client().get('/sign-in/')"),
        ("beat", "from r4web.celery import app"),
        ("worker that has run no job", "from r4web.celery import app; app.loader.import_default_modules()"),
    ],
)
@pytest.mark.once
def test_a_process_starts_light(process: str, more: str) -> None:
    code = LOAD.format(more="import django.test; " + more, heavy=HEAVY)
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    heavy = json.loads(loaded.stdout.splitlines()[-1])
    allowed = {"openai"} if process.startswith("worker") else set()
    assert set(heavy) <= allowed


@pytest.mark.once
def test_a_web_process_leaves_pages_of_the_database_to_the_operating_system() -> None:
    code = "from r4web import wsgi; from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "PRAGMA cache_size=-2048;" in said.stdout, said.stderr
