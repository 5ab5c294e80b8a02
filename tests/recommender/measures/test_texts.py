"""Reference numbers: of nltk and rouge-score, on the words of `texts.words`, made in an environment of their own by

    pip install nltk==3.10.4 rouge-score==0.1.2
    single_meteor_score(words(reference), words(text), stemmer=PorterStemmer("MARTIN_EXTENSIONS"), wordnet=nothing)
    RougeScorer(["rougeL"], tokenizer=by_words).score(reference, text)["rougeL"]

where `nothing.synsets(word)` is [] and `by_words.tokenize(text)` is words(text). On 3,000 pairs of random and real
sentences, and on the stems of 79,031 words, they differed nowhere from what is tested here.
"""

from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.measures.stems import porter
from recommender.measures.texts import meteor, rouge_l, similarities, words

WORDS = ["the", "cat", "cats", "sat", "on", "a", "mat", "mats", "liked", "likes", "电", "影", "Ärger"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
REFERENCES = [
    ("They liked slow westerns and disliked loud comedies.",
     "They like slow western films, and dislike comedies that are loud.", 0.700935, 0.5, 0.363636, 0.421053),
    ("Yes. This user returns to noir again and again.",
     "Yes. Again and again the user returned to noir.", 0.865451, 0.444444, 0.444444, 0.444444),
    ("the cat sat on the mat", "on the mat sat the cat", 0.5, 0.5, 0.5, 0.5),
    ("No", "No. The plot is thin, and this viewer has rated three thin plots low.", 0.03937, 1.0, 0.071429, 0.133333),
    ("the the the cat", "the cat the cat the", 0.408163, 0.75, 0.6, 0.666667),
]  # fmt: skip
STEMS = {
    "caresses": "caress", "ponies": "poni", "ties": "ti", "feed": "feed", "agreed": "agre", "plastered": "plaster",
    "sing": "sing", "conflated": "conflat", "troubled": "troubl", "sized": "size", "hopping": "hop", "hissing": "hiss",
    "fizzed": "fizz", "failing": "fail", "filing": "file", "happy": "happi", "sky": "sky", "relational": "relat",
    "analogi": "analog", "generalization": "gener", "oscillators": "oscil", "triplicate": "triplic",
    "adoption": "adopt", "replacement": "replac", "rate": "rate", "cease": "ceas", "controll": "control",
    "roll": "roll", "of": "of", "yyy": "yyi", "Ärger": "Ärger", "filme": "film", "1990s": "1990s", "": "",
}  # fmt: skip


@pytest.mark.parametrize(("text", "reference", "score", "precision", "recall", "f"), REFERENCES)
def test_scores_are_those_of_nltk_and_rouge_score(text, reference, score, precision, recall, f):
    assert meteor(text, reference) == pytest.approx(score, abs=1e-6)
    assert rouge_l(text, reference) == pytest.approx((precision, recall, f), abs=1e-6)


@pytest.mark.parametrize(("word", "stem"), STEMS.items())
def test_stems_are_porters(word, stem):
    assert porter(word) == stem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don’t over-think: it's 9/10!", ["don't", "over", "think", "it's", "9", "10"]),
        ("‘Heat’ is the cats' film", ["heat", "is", "the", "cats", "film"]),
        ("STRASSE Straße ﬁlm", ["strasse", "strasse", "film"]),
        ("Cafe\u0301 CAFÉ", ["café", "café"]),
        ("他喜欢老电影, 2046年", ["他", "喜", "欢", "老", "电", "影", "2046", "年"]),
        ("黒澤のfilm", ["黒", "澤", "の", "film"]),
        ("हिन्दी फ़िल्में", ["हिन्दी", "फ़िल्में"]),
        ("หนังดี", ["ห", "นั", "ง", "ดี"]),
        ("그는 영화를", ["그는", "영화를"]),
        ("фильмы Ёж", ["фильмы", "ёж"]),
        ("a_b 👍 — …", ["a", "b"]),
        ("\u0301", []),
        ("", []),
    ],
)
def test_words_of_any_script_are_found(text, found):
    assert words(text) == [normalize("NFKC", word) for word in found]


@given(TEXT, TEXT)
def test_scores_lie_between_0_and_1_and_nothing_in_common_is_0(text, reference):
    overlap = rouge_l(text, reference)
    for value in (meteor(text, reference), *overlap):
        assert 0 <= value <= 1
    if not set(map(porter, words(text))) & set(map(porter, words(reference))):
        assert meteor(text, reference) == 0
        assert overlap == (0, 0, 0)


@given(TEXT.filter(bool))
def test_a_text_is_nearest_to_itself(text):
    count = len(words(text))
    assert meteor(text, text) == pytest.approx(1 - 0.5 / count**3)
    assert rouge_l(text, text.upper()) == (1, 1, 1)


@given(TEXT, TEXT)
def test_the_longest_common_subsequence_is_that_of_the_table(text, reference):
    ours, theirs = words(text), words(reference)
    table = np.zeros((len(ours) + 1, len(theirs) + 1), dtype=int)
    for i, one in enumerate(ours, 1):
        for j, other in enumerate(theirs, 1):
            table[i, j] = table[i - 1, j - 1] + 1 if one == other else max(table[i - 1, j], table[i, j - 1])
    precision = table[-1, -1] / len(ours) if ours and theirs else 0
    assert rouge_l(text, reference).precision == pytest.approx(precision)
    assert rouge_l(text, reference) == pytest.approx(np.array(rouge_l(reference, text))[[1, 0, 2]])


def test_beta_lets_recall_count_more():
    text, reference = "a slow film", "a slow film that nobody else liked"
    assert rouge_l(text, reference).f == pytest.approx(2 * 1 * 3 / 7 / (1 + 3 / 7))
    assert rouge_l(text, reference, beta=8).f == pytest.approx(65 * 3 / 7 / (3 / 7 + 64))
    assert rouge_l(text, reference, beta=8).f < rouge_l(text, reference).f


def test_words_in_another_order_are_worth_less_and_stems_as_much_as_words():
    reference = "she likes quiet films about families"
    assert meteor("films about families she likes quiet", reference) < meteor(reference, reference)
    assert meteor("she liked quiet film about family", reference) == meteor(reference, reference)


def test_long_texts_cost_little():
    text = " ".join(f"word{n * 7 % 501}" for n in range(4000))
    assert 0 < rouge_l(text, text[::-1] + text).f < 1
    assert meteor(text, text) > 0.9


def test_similarities_are_cosines_and_each_different_text_is_encoded_once():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.array([[len(text), text.count("a"), 1] for text in texts])

    found = similarities(["aaa", "b", "aaa", "", "b"], ["aaa", "aaa", "b", "b", "…"], encode)
    b, aaa = np.array([1, 0, 1]), np.array([3, 3, 1])
    near = b @ aaa / np.linalg.norm(b) / np.linalg.norm(aaa)
    assert found == pytest.approx([1, near, near, 0, 0])
    assert sorted(asked) == ["aaa", "b"]
    assert similarities(["!"], [""], encode).tolist() == [0]
    assert similarities([], [], encode).tolist() == []
    with pytest.raises(ValueError, match="1 texts"):
        similarities(["a"], [], encode)
