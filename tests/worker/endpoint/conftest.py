"""The embedded endpoint, really served, with the official SDK pointed at it."""

from collections.abc import Iterator

import openai
import pytest

from worker.endpoint import server


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with server.serve() as url:
        yield url


@pytest.fixture
def client(endpoint: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=endpoint, api_key="none", max_retries=0, timeout=10) as sdk:
        yield sdk
