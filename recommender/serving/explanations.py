"""The text about an end user or an item as it is now, asked for by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Q

from recommender.accounts.visible import Asker, within
from recommender.models import FOR_KNOWLEDGE, RATIONALES, Catalog, EndUser, Item, Polarity, Turn
from recommender.serving.history import history_of
from recommender.serving.rollout import active_in
from recommender.serving.said import OF_NOW, SaidOfThem, all_of
from recommender.serving.statements import told
from recommender.serving.texts import in_force, proposals, shown
from recommender.serving.types import MinReview, Shown
from recommender.statements.queries import acting


@dataclass(frozen=True, slots=True)
class About:
    """Whom or what a text is about, and the text: shown, or why not. `silent`: what it says and does not act."""

    subject: EndUser | Item
    text: Shown
    silent: Sequence[SaidOfThem] = ()

    @property
    def catalog(self) -> Catalog:
        return self.subject.catalog


def about(subject: EndUser | Item, *, min_review: MinReview) -> About:
    """The subject's text of now. `subject.catalog` must be loaded."""
    wanted = Q(item=subject, end_user=None) if isinstance(subject, Item) else Q(end_user=subject, item=None)
    return _about(subject, wanted, wanted, min_review)


def of_turn(turn: Turn, *, min_review: MinReview) -> About:
    """The text that this turn wrote, or one of the kept drafts beside it, as far as it is shown to anybody still."""
    at_its_moment, proposed = Q(turn__round=turn.round), Q(pk=turn.round_id)
    found = _about(turn.round.subject, at_its_moment, proposed, "any")
    text = found.text.text
    if text is None or turn.pk not in (text.explanation_id, *text.further):
        return replace(found, text=Shown("none"))
    return replace(found, text=shown(text, min_review))


def turn_of(explanation_id: int, *, asker: Asker) -> Turn | None:
    """The turn that wrote a text, where it is in a catalog of the asker; its round with its subject is loaded."""
    texts = Turn.objects.filter(kind__in=RATIONALES, round__strategy__in=FOR_KNOWLEDGE)
    related = ("round__catalog", "round__end_user__catalog", "round__item__catalog")
    return within(texts.select_related(*related), asker, at="round__catalog").filter(pk=explanation_id).first()


def _about(subject: EndUser | Item, approved: Q, proposed: Q, min_review: MinReview) -> About:
    catalog = subject.catalog
    version = active_in(catalog).version
    found = list(in_force(approved, catalog, snapshot=version.snapshot if version else None))
    found = found or list(proposals(proposed, catalog))
    text = shown(found[-1][1] if found else None, min_review)
    return _with_statements(About(subject, text))


def _with_statements(found: About) -> About:
    """With all statements that act on the end user's lists, and those of the same text that do not."""
    text, subject = found.text.text, found.subject
    if text is None or not text.is_in_force or isinstance(subject, Item):
        return found
    of_text = {text.explanation_id, *text.further}
    rows = {one.row.pk: one for one in all_of(subject) if one.row.turn_id in of_text}
    acts = [one for one in acting(subject) if (row := rows.get(one.pk)) is not None and row.why_not is None]
    statements = tuple(told(subject, acts, history_of(subject)))
    silent = [one for one in rows.values() if one.why_not and one.status in OF_NOW]
    silent = [one for one in silent if one.row.polarity != Polarity.NEUTRAL]  # a fact says nothing of a taste
    silent.sort(key=lambda one: one.row.pk)
    return replace(found, text=replace(found.text, text=replace(text, statements=statements)), silent=silent)
