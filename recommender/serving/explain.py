"""Say why: the texts about the end user and the items, and what of the history and of the texts moved each item."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from recommender.grounding.sentences import each_sentence
from recommender.models import BackboneVersion, Item, SubjectKind
from recommender.serving.attribution import NAMED, Named, moved_by, sharing_attributes
from recommender.serving.items import values_by_item
from recommender.serving.request import Request
from recommender.serving.statements import Cited
from recommender.serving.texts import about_user, texts_about
from recommender.serving.types import Effects, Explanation, HistoryReason, KeptAway, MinReview, Reason, Shown

LONGEST_SHORT_TEXT = 200
LEAST_SHORT_TEXT = 30  # characters: a first sentence below it says too little alone


@dataclass(frozen=True, slots=True)
class Why:
    """The text about the end user; by primary key of the items, the texts about them and what moved them; what keeps
    others off the page."""

    user: Shown
    texts: Mapping[int, Shown]
    reasons: Mapping[int, Sequence[Reason]]
    kept_away: tuple[KeptAway, ...] = ()


def explain(
    request: Request,
    items: Sequence[Item],
    *,
    level: Literal["short", "full"],
    min_review: MinReview,
    backbone: BackboneVersion | None,
    past: Mapping[int, Item],
    attribution: Mapping[int, Effects] | None,
    named: Mapping[int, Named],
    cited: Cited,
) -> Why:
    """Why these items are listed. Each item's `catalog` must be loaded.

    `past`: items of the history that may be named, by primary key. `attribution`: the ranker's own, by primary key;
    None where it gives none; `named`: what is named of it. Then, and where nothing of the history moved an item's
    score, attributes shared with liked items are named instead. `cited`: the statements that moved the items.
    """
    whom = request.whom
    texts = texts_about(
        whom,
        [item.id for item in items],
        snapshot=backbone.snapshot if backbone else None,
        min_review=min_review,
        as_of=request.as_of,
    )
    user = about_user(texts, whom)
    reasons: dict[int, Sequence[Reason]] = {}
    values, history = values_by_item(whom.catalog, [*items, *past.values()]), request.history
    for item in items:
        own = moved_by(
            item,
            (attribution or {}).get(item.id),
            cited,
            level=level,
            history=history,
            past=past,
            text=user.text,
            values=values,
            places=named.get(item.id),
        )
        if HistoryReason not in [type(reason) for reason in own]:
            own += sharing_attributes(item, history=history, past=past, most=NAMED[level][0], values=values)
        reasons[item.id] = own
    none = Shown("none")
    of_items = {item.id: texts.get((SubjectKind.ITEM, item.id), none) for item in items}
    return Why(
        _with_statements(cut(user, level), cited),
        {pk: cut(text, level) for pk, text in of_items.items()},
        reasons,
        tuple(_keeping_away(user, cited)),
    )


def _with_statements(user: Shown, cited: Cited) -> Shown:
    """The text about the end user with those of its statements that moved a listed item."""
    if user.text is None:
        return user
    of_text = tuple(one for pk, one in cited.known.items() if pk in cited.of_text)
    return replace(user, text=replace(user.text, statements=of_text))


def _keeping_away(user: Shown, cited: Cited) -> Iterator[KeptAway]:
    for pk, one in cited.known.items():
        if not one.kept_away:
            continue
        if pk in cited.of_text:
            yield KeptAway("text", one if user.text else replace(one, quote=""))
        else:
            yield KeptAway("request" if pk < 0 else "end_user", one)


def cut(shown: Shown, level: Literal["short", "full"]) -> Shown:
    """At the level `short`, a text's first sentence, which is looked for once in a text that is kept."""
    text = shown.text
    if text is None or level == "full":
        return shown
    if not text.short:
        text.short.append(_first_sentence(text))
    return Shown(shown.status, text.short[0])


def _first_sentence(text: Explanation) -> Explanation:
    """A text's first sentence; what ends at a semicolon is none."""
    sentence = ""
    for part in each_sentence(" ".join(text.text.split())):
        sentence = f"{sentence} {part}".lstrip()
        if len(sentence) >= LEAST_SHORT_TEXT and not sentence.endswith((";", "；")):
            break
    if len(sentence) > LONGEST_SHORT_TEXT:
        sentence = sentence[: LONGEST_SHORT_TEXT - 1].rsplit(" ", 1)[0] + "…"
    return replace(text, text=sentence, further={})
