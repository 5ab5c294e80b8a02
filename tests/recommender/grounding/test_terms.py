"""The words in which texts tell of their items."""

from recommender.grounding.terms import stemmed, terms_of, without_nouns, words_of

NOUNS = frozenset({"films", "filme", "peliculas"})


def test_terms_are_words_and_pairs_of_words_that_tell_of_items_and_no_names() -> None:
    texts = [
        "The bank robbery goes wrong, and Al Pacino waits.",
        "A bank robbery with two robbers. The robbers quarrel.",
        "Another robber.",
        "Old robbers.",
    ]
    found = terms_of(texts)
    assert {"bank", "robbery", "bank robbery", "robbers", "quarrel"} <= set(found)
    assert not {"robber", "robbery goes", "pacino", "the", "two robbers"} & set(found)
    assert found[0] in ("bank", "robbery", "robbers", "bank robbery")


def test_what_most_texts_say_tells_nothing_apart() -> None:
    texts = [f"A gripping plot{' about whales' if number < 3 else ''}." for number in range(30)]
    assert terms_of(texts) == ["whales"]


def test_german_nouns_are_no_names() -> None:
    assert "gefängnis" in terms_of(["Ein Mann flieht aus dem Gefängnis und die Wärter suchen ihn mit der Polizei."])


def test_a_phrase_is_said_without_the_words_for_items() -> None:
    assert words_of("Filme über Roboter", NOUNS) == ["Roboter"]
    assert words_of("películas de atracos", NOUNS) == ["atracos"]
    assert without_nouns(["Vampirfilme", "filme"], NOUNS) == ["Vampir", "filme"]
    assert words_of("offered sharks whatsoever", NOUNS) == ["sharks"]
    assert stemmed("slow burns") == "slow burn"
