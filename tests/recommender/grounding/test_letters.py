"""Greetings and farewells of letters are not read, and what only looks like them is."""

import pytest

from benchmarks.statements import lexicon_of
from recommender.grounding.letters import body
from recommender.grounding.reader import read


@pytest.mark.parametrize(
    ("greeting", "said", "farewell"),
    [
        ("Dear Ms Alvarez,", " no more musicals for us. ", "Kind regards, Tom and Lucy Bell"),
        ("Hiya!", " More westerns please.\n", "Cheers,\nBo"),
        ("Sehr geehrte Frau Lund,", " ich mag Western. ", "Mit freundlichen Grüßen, Ihr Paul Ott"),
        ("Liebe Omi,", " bitte keine Krimis. ", "Deine Mia"),
        ("Estimados señores:", " me gustan los dramas. ", "Un saludo, Ana Ríos"),
        ("", "We adore noir. ", "Best wishes, Ines"),
        ("", "Loves westerns. Love is not her theme.", ""),
        ("", "Best: noir, westerns. Worst: musicals", ""),
        ("Hi,", " I love noir and hate musicals.", ""),
    ],
)
def test_a_letter_has_a_body(greeting: str, said: str, farewell: str) -> None:
    text = greeting + said + farewell
    begin, end = body(text)

    assert (text[:begin], text[begin:end].strip(), text[end:]) == (greeting, said.strip(), farewell)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Liebe Horror, hasse Krimis.", {"likes genres=Horror", "dislikes genres=Crime"}),
        ("Dear all, what was best? The Seventh Seal!", {"neutral title=f065", "likes title=f065"}),
    ],
)
def test_a_greeting_or_farewell_that_names_something_is_read(text: str, said: set[str]) -> None:
    statements = read(text, lexicon_of("films"), about="end_user")

    assert statements
    assert {f"{each.polarity} {each.key}" for each in statements} <= said
