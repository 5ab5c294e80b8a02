"""Which terms of texts mean what a phrase says, by their vectors. Numpy only."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.grounding.terms import stemmed
from recommender.knowledge.encoder_choice import E5_SMALL, MINILM

MOST_NEAR = 12  # terms
MOST_SENTENCES = 5  # that tell of a phrase in none of its words
LEAST_DEGREE = 0.5  # of a term that is only just near
Vectors = NDArray[np.float32]
_NONE: Vectors = np.empty((0, 0), dtype=np.float32)

# What phrases are about in general, in the languages that are read: what all of these share says nothing.
BACKGROUND = (
    *("dinosaurs", "ghosts", "baseball", "submarines", "weddings", "dogs", "spies", "hospitals", "sharks", "divorce"),
    *("small towns", "politicians", "car races", "happy endings", "slow pacing", "good acting", "my sister", "popcorn"),
    *("Dinosaurier", "Gespenster", "Baseball", "U-Boote", "Hochzeiten", "Hunde", "Spione", "Krankenhäuser", "Haie"),
    *("Scheidung", "Kleinstädte", "Politiker", "Autorennen", "glückliche Enden", "langsames Tempo", "meine Schwester"),
    *("dinosaurios", "fantasmas", "béisbol", "submarinos", "bodas", "perros", "espías", "hospitales", "tiburones"),
    *(
        "divorcio",
        "pueblos pequeños",
        "políticos",
        "carreras de coches",
        "finales felices",
        "ritmo lento",
        "mi hermana",
    ),
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Cosines from which a term means a phrase: `known`, of one whose words the texts have too; `foreign`, of others,
    as of other languages; `part`, where the term is some of the phrase's own words; `sentence`, from which a sentence
    that describes an item tells of a phrase of other words, which no term means; None: none does. `centred`: between
    vectors without the mean of all terms, and of BACKGROUND, for an encoder whose vectors all lie close together.
    """

    known: float
    foreign: float
    part: float
    centred: bool
    sentence: float | None = None


# Chosen on phrases that docs/experiments-steering.md describes. Cosines of other encoders have not been looked at:
# with them phrases are met by their own words.
THRESHOLDS = {
    MINILM: Threshold(0.72, 0.72, 0.8, centred=False, sentence=0.45),
    E5_SMALL: Threshold(0.6, 0.48, 0.68, centred=True, sentence=0.28),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a catalog's texts and their vectors (terms, D) of length one, by one encoder; and sentences as terms."""

    terms: Sequence[str]
    vectors: Vectors
    stems: Set[str]  # of the terms
    sentences: Sequence[str]
    of_sentences: Vectors

    def nearest(self, said: Sequence[str], vector: Vectors, threshold: Threshold) -> list[list[object]]:
        """Term and degree, above 0 and below 1, the nearest first; `said`: the words of the phrase."""
        own = set(map(stemmed, said))
        near = threshold.known if own <= self.stems else threshold.foreign
        cosines = self.vectors @ vector
        found: list[list[object]] = []
        for place in np.argsort(-cosines, kind="stable")[: 4 * MOST_NEAR].tolist():
            cosine, stems = float(cosines[place]), set(stemmed(self.terms[place]).split())
            says_no_more = not stems >= own  # what has the phrase's words and others is found by the phrase's words
            if says_no_more and cosine >= (threshold.part if stems < own else near):
                found.append([self.terms[place], _degree(cosine, near)])
        if not found and not own <= self.stems and threshold.sentence is not None:
            return self._told(vector, threshold.sentence)
        return found[:MOST_NEAR]

    def _told(self, vector: Vectors, near: float) -> list[list[object]]:
        """Sentences that tell of what no word of the texts says."""
        if not len(self.sentences):
            return []
        cosines = self.of_sentences @ vector
        nearest = np.argsort(-cosines, kind="stable")[:MOST_SENTENCES].tolist()
        return [[self.sentences[at], _degree(float(cosines[at]), near)] for at in nearest if cosines[at] >= near]


def _degree(cosine: float, near: float) -> float:
    share = max(0.0, (cosine - near) / (1 - near))
    return round(min(0.99, LEAST_DEGREE + (1 - LEAST_DEGREE) * share), 3)


def comparable(
    terms: Sequence[str],
    vectors: Vectors,
    phrases: Vectors,
    background: Vectors,
    threshold: Threshold,
    *,
    sentences: Sequence[str] = (),
    of_sentences: Vectors = _NONE,
) -> tuple[Terms, Vectors]:
    """The terms, the sentences and the phrases (phrases, D) as the threshold compares them."""
    if threshold.centred and len(vectors):
        vectors, phrases = unit(vectors - vectors.mean(axis=0)), unit(phrases - background.mean(axis=0))
        of_sentences = unit(of_sentences - of_sentences.mean(axis=0)) if len(of_sentences) else of_sentences
    stems = {stem for term in terms for stem in stemmed(term).split()}
    return Terms(terms, vectors, stems, sentences, of_sentences), phrases


def unit(vectors: Vectors) -> Vectors:
    """Of length one each."""
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found
