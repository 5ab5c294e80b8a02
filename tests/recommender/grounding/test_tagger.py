"""The learned reader: its network is the model that was fitted, its marks have their places, and it reads prose."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import tagger_graph
from benchmarks.fit_tagger import Learner, marked_text, marked_texts, store
from benchmarks.statements import lexicon_of
from recommender.grounding.heard import SIGNS
from recommender.grounding.reader import read
from recommender.grounding.tagger.tags import NETWORK, WINDOW, Tagger, tagger


@pytest.fixture(scope="module")
def ours() -> Tagger:
    found = tagger()
    assert found is not None
    return found


@pytest.mark.once
def test_the_network_says_what_the_model_that_was_fitted_says(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    model = Learner(tagger_graph.load(NETWORK)).eval()
    with torch.no_grad():
        for weight in model.weights().values():
            if weight.dim() == 2:
                weight += 0.001 * torch.randn_like(weight)
    store(model, tmp_path / "network.onnx")
    network = Tagger(tmp_path / "network.onnx")
    ids = list(range(1000, 1000 + 258, 2))
    with torch.inference_mode():
        theirs = model(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))[0].numpy()

    ours = network.logits(ids)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99  # eight bits
    assert np.abs(ours - theirs).max() < theirs.std()
    again = Learner(tagger_graph.load(tmp_path / "network.onnx")).weights()
    for name, weight in model.weights().items():
        assert (again[name] - weight).norm() <= 0.02 * weight.norm(), name


@pytest.mark.parametrize("wording", ["Please leave out {}.", "I'm so over {}.", "Keep {} coming!"])
def test_what_is_thought_of_a_person_does_not_hang_on_who_that_is(ours: Tagger, wording: str) -> None:
    people = ("Pedro Almodóvar", "Akira Kurosawa", "Hitchcock", "Ridley Scott", "Agnès Varda")
    read_as = [
        [one.polarity for one in read(wording.format(name), lexicon_of("films"), about="end_user", tagger=ours)]
        for name in people
    ]
    assert read_as == [["likes" if "coming" in wording else "dislikes"]] * len(people)


def test_a_name_is_one_piece_and_what_stands_around_it_has_its_places(ours: Tagger) -> None:
    text = "She left Almodóvar and Kurosawa for westerns."
    names = [(text.index(name), text.index(name) + len(name)) for name in ("Almodóvar", "Kurosawa")]
    tags, plain = ours.tags(text, "end_user", names), ours.tags(text, "end_user")
    assert (tags.starts, tags.ends) == (plain.starts, plain.ends)
    inside = [place for place, start in enumerate(tags.starts) if start in range(*names[0])]
    assert len(inside) > 1
    assert np.ptp(tags.polarities[inside], axis=0).max() == 0
    other = text.replace("Almodóvar", "Tarkovsky")
    same = ours.tags(other, "end_user", [(9, 18), names[1]])
    assert same.of(*names[1]).polarities == pytest.approx(tags.of(*names[1]).polarities, abs=1e-6)


def test_marks_have_their_places_in_texts_of_any_length(ours: Tagger) -> None:
    said = "He adores the westerns of John Ford, but documentaries put him to sleep. "
    text = said * (3 * WINDOW // 16)
    tags = ours.tags(text, "end_user")
    places = range(text.index("documentaries"), len(text), len(said))

    assert all(tags.of(place, place + len("documentaries")) for place in places)
    assert len(tags.starts) == len(tags.spans) > 2 * WINDOW
    once = ours.tags(said, "end_user")
    shares = [once.word(said.index(word), said.index(word) + len(word))[0] for word in ("westerns", "sleep")]
    assert shares[0] < 0.5 < shares[1]
    assert ours.tags("", "item").word(0, 1) is None
    assert len(ours.tags("western " * 600, "end_user").spans) == 600  # without any end of a sentence


def test_one_word_is_liked_or_not_by_what_is_around_it(ours: Tagger) -> None:
    liked, disliked = "Nothing beats a good musical.", "She would sooner sit in traffic than watch a musical."
    said = [ours.tags(text, "end_user").of(text.index("musical"), len(text) - 1) for text in (liked, disliked)]

    assert [one and SIGNS[int(one.polarities.argmax())] for one in said] == [1, -1]


def test_the_marked_corpus_has_its_form() -> None:
    texts = list(marked_texts())

    assert len(texts) > 3000
    assert all(text.text[start:end] for text in texts for start, end, _, _ in text.spans)
    with pytest.raises(ValueError, match="another form"):
        marked_text("style", "e", "A {* star} that is no sign.")


def test_a_text_read_by_the_tagger_has_statements_with_places_and_holders(ours: Tagger) -> None:
    text = "Alien is a 1979 horror film by Ridley Scott. Those who walked out wanted a comedy."
    statements = read(text, lexicon_of("films"), about="item", subject="f146", tagger=ours)

    assert any(each.key.startswith("director=Ridley Scott") and each.polarity == "neutral" for each in statements)
    comedy = next(each for each in statements if each.key == "genres=Comedy")
    assert (comedy.holder, comedy.polarity) == ("dislikers", "likes")
    assert "comedy" in comedy.quote(text)


def test_facts_may_be_phrases_and_tastes_that_ended_are_not_heard_again(ours: Tagger) -> None:
    fact = read("A colourful, dense thriller.", lexicon_of("films"), about="item", subject="f146", tagger=ours)
    assert any("colourful" in each.key for each in fact)
    assert {each.polarity for each in fact} == {"neutral"}

    assert read("She once adored westerns.", lexicon_of("films"), about="end_user", tagger=ours) == []
