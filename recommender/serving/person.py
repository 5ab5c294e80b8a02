"""What people approved about an end user, as it steers and chooses: kept by a process while the catalog's stamps stay.

An end user comes back after each thing they did, and what is said of them is then what it was: their history is read
anew, the statements and the vector of their text are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.models import EndUser
from recommender.stamps.kept import KeptRows
from recommender.statements.queries import Acting, approved

MOST = 2_000  # end users of a catalog: some kilobytes each
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """`acting`: the statements that move their list. `text_hashes`: of the latest text in force, of several kept drafts
    each. `vectors`: that text's by encoder, once found; one is encoded when a training run first needs it."""

    acting: Sequence[Acting]
    text_hashes: Sequence[str]
    vectors: dict[str, Vector] = field(default_factory=dict, repr=False)


PEOPLE: KeptRows[int, Person] = KeptRows("people", "said", most=MOST)


def person_of(end_user: EndUser) -> Person:
    """As of now. No query where it is kept; else two, three for several drafts. `end_user.catalog` is loaded."""
    return PEOPLE.one(end_user.catalog, end_user.pk, lambda: _read(end_user))


def _read(end_user: EndUser) -> Person:
    latest, acting = approved(end_user)
    return Person(acting, latest.text_hashes if latest else ())
