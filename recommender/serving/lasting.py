"""How long a list lasts: until when, and while what stays, making it anew would give the same.

A list hangs on more than the rows that its catalog's stamps watch (stamps.triggers) and the row of the catalog itself:
on the end user's history, which `Catalog.changes` tells of; on the clock; and on what this process reads of a catalog
only now and then.
"""

import math
import time

from recommender.models import EndUser
from recommender.serving import reading
from recommender.serving.catalog_index import WHOLE_CATALOG
from recommender.serving.codes import DegradedCode
from recommender.serving.history import known_of
from recommender.serving.request import Request
from recommender.serving.served import Lasting
from recommender.serving.types import Ranked

# Sources that go by nothing that others met, in a catalog that is ranked as a whole, unless items' means go on.
OWN = ("backbone", "thinkrec")
NOT_FOR_LONG = (DegradedCode.ARTIFACT_UNUSABLE, DegradedCode.CANNOT_RANK)  # what may be better at the next request


def lasting_of(request: Request, ranked: Ranked) -> Lasting | None:
    """None for a list that may be another one at once: of a segment, or one that failed."""
    if not isinstance(request.whom, EndUser) or ranked.source == "segment" or ranked.degraded_code in NOT_FOR_LONG:
        return None
    ends = request.rules.until.timestamp() if request.rules.until else math.inf
    until = min(ends, math.inf if request.later is None else float(request.later), _read_until(request))
    counted = ranked.source not in OWN or len(request.index) > WHOLE_CATALOG or ranked.follows_likes
    return Lasting(hash(tuple(request.history)), counted, until)


def history_is(known: Lasting, end_user: EndUser, *, as_of: int | None) -> bool:
    """Whether the history is the one that a list was made from. One query."""
    now = known_of(end_user, as_of=as_of)
    return hash(tuple(now.past)) == known.history and (now.later is None or known.until <= now.later)


def _read_until(request: Request) -> float:
    """When the first of what the list was made from is due to be read again; long ago where that happened meanwhile."""
    standing = reading.standing(request.whom.catalog)
    if any(now is not before for (now, _), before in zip(standing, request.read, strict=True)):
        return -math.inf
    return time.time() + min(until for _, until in standing) - time.monotonic()
