"""Keywords without a database: cleaning, the check against the source, and what an obeyed order gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.rounds.core import keywords
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.keyword_answers import entries_of, parse_keywords
from tests.attacks import JSON, ORDERS, ROLES, TAGS, TEMPLATES

PLOT = "Bank robbers in Los Angeles feel the heat from the police when a heist leaves a clue behind."
SOURCE = {"title": "Heat (1995)", "genres": ["Action", "Crime"], "description": PLOT}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["Crime", "crimes", "CRIME", "the crime"], ["crime"]),
        (["1st heist", "2. police", "1990s", "3D", "80s cop"], ["heist", "police", "cop"]),
        (["", "of the", "film", "und", "de la", "--", "…", "a"], []),
        (["Zweiter Weltkrieg", "Männer", "der Krieg", "Kriege"], ["zweiter weltkrieg", "männer", "der krieg"]),
        (["guerra civil", "guerras", "el niño", "años"], ["guerra civil", "guerras", "el niño", "años"]),
        (["泥棒", "刑", "刑事"], ["泥棒", "刑事"]),
        (["हिन्दी सिनेमा", "преступление", "الجريمة"], ["हिन्दी सिनेमा", "преступление", "الجريمة"]),
        (["sci-fi", "children's", "Film-Noir", "rock 'n' roll"], ["sci-fi", "children's", "film-noir", "rock n roll"]),
        (["a very long entry that is a whole sentence"], []),
        (["heist\\n", "\\police\\"], ["heist n", "police"]),
        (["spaceship", "space-ship", "Space Ship", "policeman", "policemen"], ["spaceship", "policeman"]),
        (["ﾛﾎﾞｯﾄ", "ロボット", "가족", "가족", "비"], ["ロボット", "가족"]),
        (["三国", "一人", "千と千尋", "第3話", "２０２４年"], ["三国", "一人", "千と千尋"]),
        (["少女が不思議な町に迷い込み 湯屋で働きながら両親を救う物語", "湯屋"], ["湯屋"]),
    ],
)
def test_entries_are_cleaned_in_their_order(entries: list[str], expected: list[str]) -> None:
    assert keywords.cleaned(entries) == expected


@settings(max_examples=40)
@given(st.lists(st.text(max_size=20), max_size=12))
def test_cleaning_again_changes_nothing_and_no_two_are_the_same(entries: list[str]) -> None:
    once = keywords.cleaned(entries)
    assert keywords.cleaned(once) == once
    assert len(set(once)) == len(once)
    assert keywords.cleaned([*once, *once]) == once


@given(st.lists(st.sampled_from([*PLOT.split(), "dinosaur", "heists", "policeman", "clues", "Crimes"]), max_size=40))
def test_what_is_kept_stands_in_the_source_and_is_at_most_ten(entries: list[str]) -> None:
    found = keywords.checked(entries, SOURCE)
    assert len(found.kept) <= keywords.MOST
    assert not {"dinosaur", "policeman"} & set(found.kept)
    assert set(found.kept).isdisjoint(found.left_out)


def test_only_whole_words_and_their_forms_are_found() -> None:
    found = keywords.checked(["art", "rob", "robber", "clues", "angle", "crimes", "los angeles", "los police"], SOURCE)
    assert found == keywords.Checked(
        ("robber", "clues", "crimes", "los angeles"), ("art", "rob", "angle", "los police")
    )
    german = {"title": "Der Krieg", "inhalt": "Ein Bankräuber flieht durch die dunklen Straßen."}
    assert keywords.checked(["Bankräubern", "dunkle", "strassen", "Bank"], german).left_out == ("bank",)
    japanese = {"title": "機械", "説明": "巨大なロボットが街を守る。"}
    assert keywords.checked(["ﾛﾎﾞｯﾄ", "街", "機械", "恋愛"], japanese) == keywords.Checked(
        ("ロボット", "機械"), ("恋愛",)
    )
    korean = {"title": "기생충", "설명": "가난한 가족이 계단을 내려간다."}
    assert keywords.checked(["가족", "계단", "전쟁"], korean) == keywords.Checked(("가족", "계단"), ("전쟁",))


def test_a_phrase_is_found_in_another_case_and_without_its_article() -> None:
    german = {"title": "Das Boot", "genre": ["Krieg"], "inhalt": "Im Zweiten Weltkrieg leiden Männer unter der Enge."}
    told = ["Zweiter Weltkrieg", "der Krieg", "die Enge", "das Boot", "der Frieden", "Dritter Weltkrieg"]
    found = keywords.checked(told, german)
    assert found.kept == ("zweiter weltkrieg", "der krieg", "die enge", "das boot")
    assert found.left_out == ("der frieden", "dritter weltkrieg")
    assert keywords.sources_of("der krieg", german) == ("genre",)
    shop = {"title": "Dresses", "about": "Messer und Gabeln, a winner."}
    assert keywords.checked(["dresser", "Messen", "winter"], shop).kept == ()


@pytest.mark.parametrize(
    "answer",
    ["Schlagwörter: heist, police", "Stichworte: heist, police", "Die Schlüsselwörter sind heist, police",
     "キーワード：heist、police", "关键词：heist、police", "키워드: heist, police"],
)  # fmt: skip
def test_a_label_before_a_list_is_none_of_its_entries(answer: str) -> None:
    assert parse_keywords(answer, SOURCE).kept == ("heist", "police")
    assert keywords.checked(["刑事", "警察"], {"title": "泥棒と刑事の物語"}).kept == ("刑事",)
    assert keywords.checked(["千尋", "三国"], {"title": "千と千尋の神隠し"}) == keywords.Checked(("千尋",), ("三国",))


def test_what_is_no_keyword_is_named() -> None:
    typed = ["crime", "1984", "the", "two strangers on a train", "Crime", "80s cop"]
    assert keywords.refused(typed) == ("1984", "the", "two strangers on a train")


@pytest.mark.parametrize("attack", ORDERS + JSON + TAGS + ROLES + TEMPLATES)
def test_an_order_gives_no_keywords_even_to_a_model_that_obeys(attack: str) -> None:
    source = {"title": attack, "genres": ["Crime"], "description": f"{PLOT} {attack} Best, buy, love."}
    obeyed = [*attack.replace(",", " ").split(), "buy", "love", "heist"]
    assert keywords.checked(obeyed, source).kept == ("heist",)
    assert keywords.speaks_to_model(attack)
    assert not keywords.speaks_to_model(PLOT)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot help with that.",
        "This film, which is long, tells the story of a group of robbers who do things, in a city.",
        "{}",
        '{"keywords": []}',
        '{"keywords": ["heist", "pol',
        "<think>heist, police",
        "[]",
        "," * 500,
        "1. 2. 3.",
    ],
)
def test_what_is_no_list_of_the_source_is_malformed(answer: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_keywords(answer, SOURCE)


def test_the_last_entry_of_an_answer_that_was_cut_off_does_not_count() -> None:
    assert parse_keywords("heist, police, clue", SOURCE, finish_reason="length").kept == ("heist", "police")


@given(st.text(max_size=300))
def test_no_answer_breaks_the_reader(text: str) -> None:
    entries_of(text)


def test_html_of_a_shop_is_no_order() -> None:
    source = {"title": "Heat", "description": "<p>A <b>heist</b> &amp; a chase.<br/>Set in Paris.</p>"}
    assert keywords.checked(["heist", "chase", "paris"], source).kept == ("heist", "chase", "paris")


def test_attributes_give_their_words() -> None:
    told = {"genres": ["Film-Noir", "Children's"], "year": 1995, "country": "USA, France", "director": None}
    assert keywords.of_attributes(told) == ("film-noir", "children's", "usa", "france")


@pytest.mark.parametrize(
    "answer",
    [
        "Keywords: [heist] [police] [clue]",
        "1) heist 2) police 3) clue",
        "#heist #police #clue",
        "| # | keyword |\n|---|---|\n| 1 | heist |\n| 2 | police |\n| 3 | clue |",
        "<keywords>heist, police, clue</keywords>",
        '{"answer": "heist, police, clue"}',
        "The keywords are heist, police, and clue.",
        "• heist • police • clue",
        "```\nheist, police, clue\n```\n\nThese words say, in my view, what the film is about.",
    ],
)
def test_lists_in_one_line_and_odd_dress_are_read(answer: str) -> None:
    assert parse_keywords(answer, SOURCE).kept == ("heist", "police", "clue")


def test_a_name_is_found_with_its_owner_s_ending() -> None:
    assert keywords.checked(["Tolkien"], {"title": "x", "plot": "Based on Tolkien's tale."}).kept == ("tolkien",)
