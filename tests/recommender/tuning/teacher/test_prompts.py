"""The teacher's prompts and answers. The label stays out: a Triple has no place for it."""

from dataclasses import replace
from typing import Any

import pytest

from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.types import Encounter
from recommender.tuning.teacher.parsing import names_target, parse_prediction, read_prediction
from recommender.tuning.teacher.prompts import VERSIONS, render
from recommender.tuning.teacher.triples import Triple
from tests.builders import make_subject

TEXT = "They enjoy patient dramas and turn away from loud action; two war films were received coolly."
HISTORY = (Encounter("Alien (1979)", 5.0, True), Encounter("Big (1988)", 2.0, False))


def triple(kind: str) -> Triple:
    if kind == "end_user":
        return Triple(make_subject(5, 2), target_title="Heat (1995)", target_attributes={"genres": ["Crime"]})
    subject = replace(make_subject(kind="item"), title="Heat (1995)", liker=HISTORY, disliker=HISTORY, history=())
    return Triple(subject, target_history=HISTORY)


@pytest.mark.parametrize(("kind", "step"), list(VERSIONS))
def test_a_prompt_shows_evidence_and_target_and_asks_for_one_form(kind: str, step: Any) -> None:
    texts = {"reason": {}, "reflect": {"rationale": TEXT}, "refine": {"rationale": TEXT, "critique": "Too vague."}}
    prompt = render(triple(kind), step, **texts[step])
    system, user = (message["content"] for message in prompt.messages)
    assert "Heat (1995)" in user
    assert ("Final Judgement" if step == "reflect" else "Final Verdict") in system
    assert prompt.name == f"teacher/{kind}/{step}/v1"
    assert "{{" not in system + user


@pytest.mark.parametrize("kind", ["end_user", "item"])
def test_the_instructions_are_the_same_for_every_target_so_that_they_tell_nothing_about_it(kind: str) -> None:
    one, other = triple(kind), replace(triple(kind), target_title="Fargo (1996)", target_history=HISTORY[:1])
    assert render(one, "reason").messages[0] == render(other, "reason").messages[0]


def test_what_is_said_of_the_target_is_its_title_and_facts_alone() -> None:
    user = render(triple("end_user"), "reason").messages[1]["content"]
    target = user.split("<target>\n")[1].split("\n</target>")[0]
    assert target == '"Heat (1995)"\ngenres: Crime'


def test_a_triple_survives_json() -> None:
    for kind in ("end_user", "item"):
        assert Triple.from_json(triple(kind).to_json()) == triple(kind)


@pytest.mark.parametrize(
    ("sentence", "likes"),
    [
        ("The person will like the target", True),
        ("The person will not like the target", False),
        ("The person WILL NOT LIKE the target.", False),
        ("will_not_like", False),
        ("They won’t like it", False),
        ("is unlikely to enjoy it", False),
        ("The person will dislike the target", False),
        ("is likely to enjoy it", True),
        ("The person will not be bored but like it", True),
        ("The person will not dislike it", None),
        ("likely", None),
        ("The person will like it. The person will not like it.", None),
        ("", None),
    ],
)
def test_will_like_is_a_part_of_will_not_like(sentence: str, likes: bool | None) -> None:
    assert read_prediction(sentence) is likes


@pytest.mark.parametrize(
    "answer",
    [
        f"<User Preference>{TEXT}</User Preference>\n<Final Verdict>The person will not like it</Final Verdict>",
        f"<user_preference>{TEXT}</user_preference>\n<final_verdict>The person will not like the target",
        f"**User Preference:** {TEXT}\n\n**Final Verdict:** The person will not like the target",
    ],
)
def test_text_and_verdict_are_told_apart(answer: str) -> None:
    found = parse_prediction(answer, subject_kind="end_user")
    assert (found.text, found.likes) == (TEXT, False)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"{TEXT} <Final Verdict>maybe</Final Verdict>",
        "<User Preference></User Preference><Final Verdict>The person will like the target</Final Verdict>",
        f"{TEXT} <Final Verdict>will like</Final Verdict> <Final Verdict>will not like</Final Verdict>",
    ],
)
def test_a_missing_text_or_verdict_is_never_made_up(answer: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_prediction(answer, subject_kind="end_user")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("They would enjoy *Heat* or “Alien”.", "Heat (1995)"),
        ("They would rate heat (1995) highly.", "Heat (1995)"),
        ("They rate The Godfather 5.", "Godfather, The (1972)"),
        ("Those who like La Strada will stay.", "Strada, La (1954)"),
        ("They love Dr. Strangelove.", "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1963)"),
        ("Loved schindler's list.", "Schindler's List (1993)"),
        ("“Big” is what they like.", "Big (1988)"),
        ("They love Big (1988).", "Big (1988)"),
        ("They watched City of Lost Children.", "City of Lost Children, The (Cité des enfants perdus, La) (1995)"),
    ],
)
def test_a_text_that_names_its_target_is_found_out(text: str, title: str) -> None:
    assert names_target(text, title)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("They enjoy theatre.", "Heat (1995)"),
        ("The heat of the summer is felt in what they watch.", "Heat (1995)"),
        ("Big films leave them cold, and it shows.", "Big (1988)"),
        ("It is clear what they want.", "It (1990)"),
        ("They rate Drama above Romance.", "Romance (1999)"),
        ("They like the piano in the score.", "Piano, The (1993)"),
        ("They would enjoy heat as well.", "Heat (1995)"),
        ("They enjoy theatre.", ""),
    ],
)
def test_ordinary_words_name_no_title(text: str, title: str) -> None:
    assert not names_target(text, title)
