"""A scripted endpoint that answers both roles of a round."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings

from tests import openai_server
from tests.openai_server import Reply, ScriptedServer

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(script: Callable[[dict[str, Any], int], Reply], **endpoint: Any) -> ScriptedServer:
            scripted = stack.enter_context(openai_server.running(script))
            settings.LLM = scripted.endpoints(**endpoint)
            return scripted

        yield start
