"""What may replace knowledge, to see whether it is the knowledge that helps (BACKBONE.md section 6).

A control replaces the vectors and nothing else. Which interaction may see which text, and whose text is missing, stays
as it is for knowledge, in the field as in the history signal: the same leak rules and the same number of parameters.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.attributes import Attributes
from recommender.dataset.interactions import NOBODYS, Interactions, trained_on
from recommender.dataset.split import UNSCORED, Codes
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import Catalog, Item, SubjectKind
from recommender.recipe import KNOWLEDGE, TrainConfig
from recommender.signals import spaces, words
from recommender.signals.spaces import Space

Vectors = NDArray[np.float32]
Encode = Callable[[Mapping[str, str]], Mapping[str, Vectors]]  # texts by hash → vectors by hash
SEED = 5  # of every study alike: which seed trains decides nothing here
MOST_RATES = 128  # attributes whose like rates an end user's summary has
SMOOTHING = 20.0  # interactions for which the overall mean counts in a subject's own


def control_vectors(
    source: str, known: KnowledgeRows, vectors: Vectors, interactions: Interactions, codes: Codes, encode: Encode
) -> Vectors:
    """The vectors (1 + texts, D) of `source`, one of recipe.CONTROLS; those given where it is knowledge itself."""
    if source == KNOWLEDGE or not known.texts:
        return vectors
    if source == "shuffled":
        return vectors[of_other_subjects(known.texts)]
    if source == "metadata":
        return _metadata(known, vectors.shape[1], interactions, encode)
    random = np.random.default_rng(SEED)
    if source == "numeric":
        summaries = _numeric(known, interactions, codes)
        # More columns than numbers: nothing is lost by the projection.
        made = summaries @ random.normal(size=(summaries.shape[1], vectors.shape[1]))
    else:
        made = random.normal(size=vectors.shape)
    made[0] = 0.0
    return made.astype(np.float32)


def knowledge_space(
    config: TrainConfig, known: KnowledgeRows, vectors: Vectors, interactions: Interactions, codes: Codes
) -> Space:
    """The space of the items' texts (v, D), from `vectors` (1 + texts, ·), the texts' own or a control's.

    Where wording counts, a control replaces the words' vectors just as the encoder's.
    """
    wording = None
    if config.knowledge_words and known.texts:
        wording = control_vectors(
            config.knowledge_source,
            known,
            known.matrix(words.vectors(known.to_encode())),
            interactions,
            codes,
            words.vectors,
        )
    return spaces.of_texts(known, vectors, len(interactions.items), words=wording)


def metadata_space(interactions: Interactions, encode: Encode) -> Space:
    """The space of every item's title and attributes as a sentence (v, D)."""
    return spaces.of_vectors(encoded([sentence(*one) for one in described(interactions)], encode))


def sentence(title: str, attributes: Attributes) -> str:
    """Plain words, in the order of the attributes' names; empty where nothing is known."""
    parts = [title] if title else []
    for name, value in sorted(attributes.items()):
        said = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        if value not in ("", None) and said:
            parts.append(f"{name}: {said}")
    return ". ".join(parts) + "." if parts else ""


def described(interactions: Interactions) -> list[tuple[str, Attributes]]:
    """Every item's title and attributes."""
    found: list[tuple[str, Attributes]] = [("", {})] * len(interactions.items)
    rows = Item.objects.filter(catalog=_catalog(interactions)) if interactions.item_keys else Item.objects.none()
    for key, title, attributes in rows.values_list("pk", "title", "attributes").iterator(chunk_size=5000):
        if key in interactions.item_keys:
            found[interactions.item_keys[key]] = title, attributes
    return found


def metadata_texts(known: KnowledgeRows, interactions: Interactions) -> list[str]:
    """In place of each text what is known of its subject without an LLM, as plain sentences."""
    items, people = described(interactions), interactions.end_user_attributes
    return [
        sentence(*items[text.subject])
        if text.kind == SubjectKind.ITEM
        else sentence("", people[text.subject])
        if people
        else ""
        for text in known.texts
    ]


def _catalog(interactions: Interactions) -> Catalog:
    return Catalog.objects.get(items=next(iter(interactions.item_keys)))


def encoded(texts: Sequence[str], encode: Encode) -> Vectors:
    """(texts, D); a row of zeros for an empty one."""
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    made = encode({one: text for one, text in zip(hashes, texts, strict=True) if text})
    width = len(next(iter(made.values()))) if made else 1
    rows = np.zeros((len(texts), width), dtype=np.float32)
    for place, (one, text) in enumerate(zip(hashes, texts, strict=True)):
        if text:
            rows[place] = made[one]
    return rows


def of_other_subjects(texts: Sequence[Text]) -> NDArray[np.int64]:
    """What replaces each row among the rows of the vectors (1 + texts): a text of the next subject in a random circle.

    Subjects keep to their kind, and nobody keeps their own text where there are two of a kind.
    """
    rows: dict[SubjectKind, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, text in enumerate(texts, start=1):
        rows[text.kind][text.subject].append(row)
    other = np.arange(1 + len(texts))
    for _, of_kind in sorted(rows.items()):
        circle = np.random.default_rng(SEED).permutation(sorted(of_kind)).tolist()
        for one, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            theirs = of_kind[following]
            for place, row in enumerate(of_kind[one]):
                other[row] = theirs[min(place, len(theirs) - 1)]
    return other


def _metadata(known: KnowledgeRows, width: int, interactions: Interactions, encode: Encode) -> Vectors:
    rows = encoded(metadata_texts(known, interactions), encode)
    return np.vstack([np.zeros((1, width)), rows if rows.shape[1] == width else np.zeros((len(rows), width))]).astype(
        np.float32
    )


def _numeric(known: KnowledgeRows, interactions: Interactions, codes: Codes) -> NDArray[np.float64]:
    """What plain counting says of each text's subject, (1 + texts, F): how many, how liked, which ratings, and of end
    users how they like each of the commonest attributes.

    Of an end user: the interactions the text's prompts showed, or where that is not known all before its as_of. Of an
    item: interactions that no fit is scored or trained on, where the split has such, else the train part.
    """
    times = np.bincount(interactions.item_tokens.ravel())
    times[0] = 0
    tokens = np.argsort(-times, kind="stable")[: min(MOST_RATES, int((times > 0).sum()))]
    column = np.full(len(times), -1)
    column[tokens] = np.arange(len(tokens))
    fitted = trained_on(interactions, codes)
    apart = fitted & (codes == UNSCORED) & (interactions.liked >= 0)
    countable = np.flatnonzero(apart if apart.any() else fitted & (interactions.liked >= 0))
    overall = float(interactions.liked[countable].mean()) if len(countable) else 0.5
    by_item = countable[np.argsort(interactions.item[countable], kind="stable")]
    items = interactions.item[by_item]
    made = np.zeros((1 + len(known.texts), 2 + interactions.scale.buckets + 2 * len(tokens)))
    for row, text in enumerate(known.texts, start=1):
        if text.kind == SubjectKind.ITEM:
            window = by_item[slice(*np.searchsorted(items, [text.subject, text.subject + 1]))]
        else:
            window = _window(text, interactions)
        prior = overall if text.kind == SubjectKind.ITEM else 0.5  # of others' later likes an end user's knows nothing
        liked = interactions.liked[window]
        numbers, rates = made[row, : 2 + interactions.scale.buckets], made[row, 2 + interactions.scale.buckets :]
        numbers[0] = np.log1p(len(window)) / 4
        numbers[1] = (liked.sum() + SMOOTHING * prior) / (len(window) + SMOOTHING) - prior
        numbers[2:] = np.bincount(interactions.feedback[window], minlength=interactions.scale.buckets) / max(
            1, len(window)
        )
        if text.kind == SubjectKind.END_USER and len(window):
            theirs = column[interactions.item_tokens[interactions.item[window]]]  # (w, T)
            there = theirs >= 0
            met = np.bincount(theirs[there], minlength=len(tokens))
            surplus = np.broadcast_to((liked - liked.mean())[:, None], theirs.shape)[there]
            rates[: len(tokens)] = met / len(window)
            rates[len(tokens) :] = np.bincount(theirs[there], weights=surplus, minlength=len(tokens)) / (met + 2)
    return made


def _window(text: Text, interactions: Interactions) -> NDArray[np.int64]:
    """The labelled interactions that an end user's text was made from."""
    first, last = np.searchsorted(interactions.end_user, [text.subject, text.subject + 1])
    own = first + np.flatnonzero(interactions.keys[first:last] != NOBODYS)
    shown = np.isin(interactions.keys[own], np.fromiter(text.shown, dtype=np.int64))
    seen = own[shown] if shown.any() else own[interactions.moment[own] < text.as_of]
    labelled: NDArray[np.int64] = seen[interactions.liked[seen] >= 0]
    return labelled
