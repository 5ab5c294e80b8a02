import numpy as np

from recommender.signals import words
from recommender.signals.spaces import of_vectors

DIRECTORS = ["Agnès Varda", "Akira Kurosawa", "Werner Herzog", "Chantal Akerman", "Bong Joon-ho", "Lynne Ramsay"]
TONES = ["quiet", "loud", "tender", "grim", "playful"]


def films():
    """Six directors, five films each, told in words that all share."""
    return {
        f"{director} {tone}": f"A {tone} film directed by {director}, released to acclaim; a story for everyone."
        for director in DIRECTORS
        for tone in TONES
    }


def test_texts_that_share_a_rare_name_are_near_each_other():
    told = films()
    found = words.vectors(told)
    names = sorted(found)
    near = of_vectors(np.stack([found[name] for name in names]))
    likeness = near @ near.T
    same_director = np.array([[one.split()[0] == other.split()[0] for other in names] for one in names])
    apart = ~np.eye(len(names), dtype=bool)

    assert likeness[same_director & apart].mean() > likeness[~same_director].mean() + 0.5


def test_the_same_texts_give_the_same_vectors_in_any_order():
    told = films()
    again = words.vectors(dict(reversed(told.items())))

    for name, vector in words.vectors(told).items():
        np.testing.assert_array_equal(vector, again[name])
        assert vector.shape == (words.WIDTH,)


def test_texts_that_share_nothing_are_zero():
    assert not np.any(list(words.vectors({"a": "one thing", "b": "another matter"}).values()))
    assert not np.any(list(words.vectors({"a": "", "b": ""}).values()))
    assert words.vectors({}) == {}
