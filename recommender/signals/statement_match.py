"""Statement match: what an end user's text says of an item. One column.

Each of its statements is held against what is known of the item: its title and attributes, and the statements of its
text in force. The match is the sum over the text's statements of stance · meeting (`stances`). That is bilinear, so a
text folds to one vector and an item to another, whatever was said. Where stances predict the likes of other end users
no better there is no column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.dataset.examples import Examples
from recommender.dataset.interactions import trained_on
from recommender.dataset.numbering import NO_TEXT
from recommender.grounding.sentences import facts_of, sentences
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals import controls
from recommender.signals.controls import Vectors
from recommender.signals.folds import fold_of
from recommender.signals.protocol import Candidates, Columns, Fit, NewestTexts, Places
from recommender.signals.sources import Sources
from recommender.signals.stances import Asked, Learned, Meeting, meet
from recommender.signals.statements import AT_ONCE, Statements, of_drafts, of_vectors


@dataclass(frozen=True, slots=True)
class StatementMatch:
    """Text t says wants[t] · (items[i], item_texts[text of i]) of item i; the last item is one nobody knows."""

    wants: Vectors  # (1 + texts, 2 D)
    items: Vectors  # (v + 1, D)
    item_texts: Vectors  # (1 + texts, D); in an artifact (v + 1, D), as protocol.NewestTexts has it
    gain: float = float("nan")  # stances.Learned; not known of artifacts before format 5

    @classmethod
    def of_learned(cls, learned: Learned, meeting: Meeting) -> "StatementMatch":
        nobody = np.zeros((1, meeting.items.shape[1]), dtype=np.float32)
        return cls(learned.wants, np.vstack([meeting.items, nobody]), meeting.item_texts, learned.gain)

    @property
    def width(self) -> int:
        return 1

    @property
    def reads_texts(self) -> bool:
        return True

    def of(self, asked: Asked) -> Vectors:
        """What the texts say (n); 0 without one. Rows past the last text are sets of items' texts: they say nothing."""
        known = np.where(asked.end_user_text < len(self.wants), asked.end_user_text, 0)
        said = np.zeros(len(known), dtype=np.float32)
        for first in range(0, len(known), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            facts = np.hstack([self.items[asked.item[some]], self.item_texts[asked.item_text[some]]])
            said[some] = np.einsum("nw,nw->n", self.wants[known[some]], facts)
        return said

    def read_all(self, examples: Examples, *, alive: Callable[[], None]) -> Columns:
        alive()
        return self.of(Asked(examples.end_user_text, examples.interactions.item, examples.item_text))[:, None]

    def read(self, candidates: Candidates) -> Columns:
        text = candidates.end_user_text if candidates.end_user_text < len(self.wants) else 0
        wants, half = self.wants[text], self.items.shape[1]
        said: Vectors = self.items[candidates.item] @ wants[:half]
        said += self.item_texts[candidates.item_text] @ wants[half:]
        return said[:, None]

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        """No entry of the history changes what a text says."""
        return np.broadcast_to(self.read(candidates), (1 + len(places), len(candidates.item), 1))

    def folded(self, texts: NewestTexts) -> "StatementMatch":
        """As an artifact has it: of end users those that serving knows, of each item the newest text."""
        known = [row if row < len(self.wants) else 0 for row in [0, *texts.end_user]]
        nobody = np.zeros((1, self.item_texts.shape[1]), dtype=np.float32)
        item_texts = np.vstack([self.item_texts[texts.item], nobody])
        return StatementMatch(self.wants[known], self.items, item_texts, self.gain)

    def save(self, path: Path, texts: NewestTexts) -> None:
        kept = self.folded(texts)
        np.savez(path, allow_pickle=False, items=kept.items, item_texts=kept.item_texts, gain=np.array(kept.gain))
        np.save(_of_end_users(path), kept.wants)


def reads_knowledge(config: TrainConfig) -> bool:
    return True


def prepare(sources: Sources) -> Fit | None:
    """None where it is switched off, no end user has a text, or too little is said to compare."""
    known, vectors = sources.known, sources.vectors
    kinds = np.array([0, *(1 if text.kind == SubjectKind.END_USER else 2 for text in known.texts)])
    if not sources.config.statement_match or vectors is None or not (kinds == 1).any():
        return None
    said = _said(sources, vectors)
    facts = [facts_of(title, attributes) for title, attributes in controls.described(sources.interactions)]
    items = of_drafts([[each] for each in facts], sources.encode).means(len(facts))[1:]
    item_texts = said.of(np.flatnonzero(kinds == 2)).means(len(known.texts))
    if items.shape[1] != item_texts.shape[1]:  # of no item anything is known
        items = np.zeros((len(items), item_texts.shape[1]), dtype=np.float32)
    meeting = meet(said.of(np.flatnonzero(kinds == 1)), items, item_texts)
    return None if meeting is None else lambda examples: _fit(meeting, sources, examples)


def load(path: Path) -> StatementMatch:
    """The end users' part, which may be large, stays on disk."""
    wants = np.load(_of_end_users(path), mmap_mode="r")
    with np.load(path, allow_pickle=False) as stored:
        return StatementMatch(wants, stored["items"], stored["item_texts"], float(stored["gain"]))


def _of_end_users(path: Path) -> Path:
    return path.with_name(f"{path.stem}_end_users.npy")


def _said(sources: Sources, vectors: Vectors) -> Statements:
    """What each text says, or what a control puts in its place."""
    known, source = sources.known, sources.config.knowledge_source
    if source in ("numeric", "random"):  # no words
        return of_vectors(vectors)
    if source == "metadata":
        texts = controls.metadata_texts(known, sources.interactions)
        return of_drafts([[sentences(text)] for text in texts], sources.encode)
    drafts = [[sentences(text.text), *(sentences(draft) for _, draft in text.further)] for text in known.texts]
    if source == "shuffled":
        drafts = [drafts[row - 1] for row in controls.of_other_subjects(known.texts)[1:].tolist()]
    return of_drafts(drafts, sources.encode)


def _fit(meeting: Meeting, sources: Sources, examples: Examples) -> StatementMatch | None:
    """What the train part teaches beside the signals that `examples` have by now; None where it does not help."""
    data, known = sources.interactions, sources.known
    folds = [fold_of(data.end_users[text.subject]) if text.kind == SubjectKind.END_USER else 0 for text in known.texts]
    rows = np.flatnonzero(trained_on(data, sources.codes) & (data.liked >= 0) & (examples.end_user_text != NO_TEXT))
    asked = Asked(examples.end_user_text[rows], data.item[rows], examples.item_text[rows])
    liked = data.liked[rows].astype(np.float64)
    learned = meeting.fit(asked, liked, examples.signals[rows], np.array([0, *folds]))
    return None if learned is None else StatementMatch.of_learned(learned, meeting)
