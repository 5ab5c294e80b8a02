"""Against a real second server, `transformers serve`: only the base URL and the model name differ.

Its model has random weights, so every answer is noise, and has to end as malformed and not as a crash.
"""

from typing import Any

import openai
import pytest

from recommender.rounds.core import prompts
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.parsing import parse_rationale, parse_reflection
from tests.builders import make_subject
from tests.transformers_server import TransformersServer

pytestmark = [pytest.mark.slow, pytest.mark.once]

SUBJECT = make_subject(5, 4, 2, 5, 1)
RATIONALE = "They enjoy drama films, and they turn away from those that were rated low."


def ask(server: TransformersServer, prompt: Any, **options: Any) -> Any:
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=60) as client:
        answer = client.chat.completions.create(
            model=server.model, messages=prompt.messages, max_tokens=48, **{"temperature": 0.0, **options}
        )
    return answer.choices[0]


def read(role: str, choice: Any, finish_reason: str) -> None:
    text = choice.message.content or ""
    if role == "actor":
        parse_rationale(text, subject_kind="end_user", finish_reason=finish_reason)
    else:
        parse_reflection(text, finish_reason=finish_reason)


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "seed": 7}], ids=["greedy", "sampled"])
@pytest.mark.parametrize("role", ["actor", "reflector"])
def test_noise_of_a_real_server_is_malformed_first_and_after_repair(
    transformers_serve: TransformersServer, role: str, options: dict[str, Any]
) -> None:
    step: Any = "reason" if role == "actor" else "reflect"
    prompt = prompts.render(SUBJECT, step, rationale="" if role == "actor" else RATIONALE)
    for _ in range(2):
        choice = ask(transformers_serve, prompt, **options)
        with pytest.raises(MalformedAnswerError):
            read(role, choice, str(choice.finish_reason))
        with pytest.raises(MalformedAnswerError) as caught:
            read(role, choice, "stop")  # whatever the server says about its end
        prompt = prompts.render_repair(prompt, choice.message.content or "", caught.value)


def test_a_schema_that_the_server_ignores_still_ends_as_malformed(transformers_serve: TransformersServer) -> None:
    prompt = prompts.render(SUBJECT, "reflect", rationale=RATIONALE, structured=True)
    schema = {"name": "reflection", "strict": True, "schema": prompt.json_schema}
    choice = ask(transformers_serve, prompt, response_format={"type": "json_schema", "json_schema": schema})
    with pytest.raises(MalformedAnswerError):
        read("reflector", choice, "stop")


def test_a_wrong_model_name_is_an_error_that_asking_again_cannot_mend(transformers_serve: TransformersServer) -> None:
    elsewhere = TransformersServer(transformers_serve.base_url, "no/such-model")
    with pytest.raises(openai.APIStatusError) as caught:
        ask(elsewhere, prompts.render(SUBJECT, "reason"))
    assert 400 <= caught.value.status_code < 500
