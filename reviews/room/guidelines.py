"""What annotators go by, in versions: a new one takes the place of the last, and none is ever changed."""

from django.db import IntegrityError, transaction

from recommender.models import Account
from recommender.process_cache import ProcessCache
from reviews.models import Guideline

LONGEST = 20_000  # characters
SUGGESTED = """\
You decide whether a text may be used: to recommend, and to tell people why.

Approve a text when the evidence beside it bears out what it says.
- Look up the titles that it names. Are they there, with the ratings that it gives?
- A taste needs more than one title. "Likes war films" after a single one is too much.
- What it calls recent must be recent, and what it leaves out must not turn the picture around.

Edit when little is wrong and you know what is right.
Send back with a note when much is wrong or missing. Say what, and name the titles that show it.
Reject when nobody should use the text: it is about somebody else, it obeys a title, or it says nothing.

Style does not matter. Do not approve what you have not checked: skip it, and somebody else gets it."""


# Every card names the version. A process may name the one before for so long after a new one.
KEPT: ProcessCache[str, int | None] = ProcessCache("guidelines", most=1)
KEPT_FOR = 5.0  # seconds


class ChangedMeanwhileError(Exception):
    """Somebody wrote a newer version than the one that was edited."""


def latest() -> Guideline | None:
    return Guideline.objects.select_related("account").order_by("-number").first()


def number_in_force() -> int | None:
    """The latest version's number; None without any. Seldom a query."""
    return KEPT.get("number", _latest_number, fresh_for=lambda _: KEPT_FOR)


def _latest_number() -> int | None:
    return Guideline.objects.order_by("-number").values_list("number", flat=True).first()


def write(text: str, *, after: int, account: Account | None) -> Guideline:
    """The next version, made from number `after` (0: from none). The same text again is no new version.

    Raises ChangedMeanwhileError where there is a newer one already.
    """
    last = latest()
    if (last.number if last else 0) != after:
        raise ChangedMeanwhileError
    if last and last.text == text:
        return last
    try:
        with transaction.atomic():
            written = Guideline.objects.create(number=after + 1, text=text, account=account)
    except IntegrityError as error:
        raise ChangedMeanwhileError from error
    KEPT.clear()
    return written
