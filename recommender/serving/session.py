"""What a caller posts about somebody, made into a session: their history by item ids, and a text in plain words."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recommender.grounding.wording import in_words
from recommender.models import Catalog, Clock, Item
from recommender.models.liked import NOT_KNOWN, liked
from recommender.serving.codes import Notice, NoticeCode
from recommender.serving.history import AS_BOOL, PastInteraction
from recommender.serving.served import Understood
from recommender.statements.aspects import CatalogAspects, aspects_of
from recommender.statements.heard import Heard, hear
from recommender.statements.queries import Acting

LONGEST_HISTORY = 1_000  # interactions
NAMED = 10  # ids, or sentences, that a notice names
LONGEST_QUOTED = 100  # characters of a sentence
BY_THE_PERSON = "the person"


@dataclass(frozen=True, slots=True)
class Session:
    """What a request itself tells of somebody, which is used once and kept nowhere.

    `history`: what they met after everything that is stored, oldest first. `said`: statements of a text of theirs, of
    which those in two minds move nothing. `attributes`: of theirs, in place of stored ones of the same names.
    `understood`, `notices`: what became of the text, and of what was not to be used.
    """

    history: Sequence[PastInteraction] = ()
    said: Sequence[Acting] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    understood: tuple[Understood, ...] = ()
    notices: tuple[Notice, ...] = ()


NOTHING_TOLD = Session()


@dataclass(frozen=True, slots=True)
class Met:
    """One item of a posted history. `liked` outranks `rating`; both None: met, and nothing more is known."""

    item_id: str
    rating: float | None = None
    liked: bool | None = None


def session_of(
    catalog: Catalog, *, history: Sequence[Met] = (), text: str = "", attributes: Mapping[str, Any] | None = None
) -> Session:
    """The session of what was posted, NOTHING_TOLD of nothing. Nothing of it is stored. Of an item met twice the later
    time counts.

    Items that the catalog does not have are left out, and a text that says nothing of any item moves nothing: notices
    say so.
    """
    attributes = attributes or {}
    if not history and not text.strip() and not attributes:
        return NOTHING_TOLD
    past, notices = _history(catalog, history)
    if not text.strip():
        return Session(past, attributes=attributes, notices=tuple(notices))
    aspects = aspects_of(catalog)
    heard = hear(text, aspects)
    said, understood = _said(heard, text, aspects)
    unsure = [in_words(one.aspect, aspects.title_of) for one in heard.unsure]
    if unsure:
        notices.append(
            Notice(
                NoticeCode.TEXT_UNSURE,
                f"Moved nothing, for it is not sure whether it is liked or not: {', '.join(unsure)}. Say it otherwise.",
            )
        )
    if not heard.opinions and not unsure:
        notices.append(
            Notice(
                NoticeCode.TEXT_NOT_UNDERSTOOD,
                "Nothing in the text names something that items have and whether it is liked, as “no more "
                "documentaries” does. English, German and Spanish are read.",
            )
        )
    elif heard.unheard:
        notices.append(Notice(NoticeCode.TEXT_PARTLY_UNDERSTOOD, f"Nothing was understood of: {_quoted(heard)}."))
    for one in understood:
        if not one.meets:
            notices.append(Notice(NoticeCode.MEETS_NOTHING, f"No item is known to have: {one.aspect}."))
    return Session(past, said, attributes, understood, tuple(notices))


def _quoted(heard: Heard) -> str:
    quoted = ", ".join(f"“{one[:LONGEST_QUOTED]}”" for one in heard.unheard[:NAMED])
    return quoted if len(heard.unheard) <= NAMED else f"{quoted} and {len(heard.unheard) - NAMED} more sentences"


def unknown_items(ids: Sequence[str], what: str) -> Notice:
    """`what`: where the ids came from, as a sentence goes on."""
    named = ", ".join(f"“{name[:60]}”" for name in ids[:NAMED])
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return Notice(NoticeCode.UNKNOWN_ITEMS, f"The catalog does not have these items of {what}: {named}{more}.")


def _history(catalog: Catalog, posted: Sequence[Met]) -> tuple[list[PastInteraction], list[Notice]]:
    latest: dict[str, Met] = {}  # the last one first
    for one in reversed(posted):
        latest.setdefault(one.item_id, one)
    ids = [name for name in latest if "\x00" not in name]
    pks = dict(Item.objects.filter(catalog=catalog, external_id__in=ids).values_list("external_id", "pk"))
    met = [one for name, one in reversed(latest.items()) if name in pks]
    moment = int(time.time()) if catalog.clock == Clock.SECONDS else 0
    ratings = np.array([one.rating for one in met], dtype=np.float64)  # None becomes NaN
    labels = np.array([NOT_KNOWN if one.liked is None else int(one.liked) for one in met], dtype=np.int8)
    known = liked(ratings, labels, threshold=catalog.like_threshold)
    past = [
        PastInteraction(
            pks[one.item_id],
            one.item_id,
            one.rating,
            None if one.liked is None else int(one.liked),
            AS_BOOL[like],
            moment,
            told=True,
        )
        for one, like in zip(met, known.tolist(), strict=True)
    ]
    strangers = [name for name in reversed(latest) if name not in pks]
    return past, [unknown_items(strangers, "the history")] if strangers else []


def _said(heard: Heard, text: str, aspects: CatalogAspects) -> tuple[list[Acting], tuple[Understood, ...]]:
    """All that was understood, in the person's own words: to steer by, and with how many items it is about."""
    acting, understood = [], []
    for number, one in enumerate(heard.opinions, start=1):
        quote = " ".join(one.quote(text).split())
        # Nobody approved it: a person said it themselves.
        acting.append(Acting(-number, one, quote, BY_THE_PERSON, 1.0, turn_id=0, approved_by="", approved_at=None))
        meets = len(aspects.meeting(one.aspect))
        about = in_words(one.aspect, aspects.title_of)
        understood.append(Understood(about, one.polarity, quote, meets))
    return acting, tuple(understood)
