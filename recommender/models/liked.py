"""Whether an interaction is a like: the one rule, for arrays and for the database.

A label says so itself, and outranks a rating. A rating is a like above the catalog's threshold. With neither it is not
known. tests/recommender/models/test_liked.py holds both forms equal.
"""

import numpy as np
from django.db.models import BooleanField, Case, F, Q, When
from numpy.typing import NDArray

NOT_KNOWN = -1


def liked(rating: NDArray[np.float64], label: NDArray[np.int8], *, threshold: float) -> NDArray[np.int8]:
    """1, 0, or -1 where it is not known: (n). A NaN rating and a label of -1 mean that there is none."""
    by_rating = np.where(np.isnan(rating), NOT_KNOWN, rating > threshold)
    return np.where(label >= 0, label, by_rating).astype(np.int8)


def liked_expression(*, threshold: float | F, to_interaction: str = "") -> Case:
    """True, False, or None where it is not known. `to_interaction`: the path to the interaction, such as "x__"."""
    label, rating = f"{to_interaction}label", f"{to_interaction}rating"
    return Case(
        When(**{f"{label}__isnull": False}, then=Q(**{label: 1})),
        When(**{f"{rating}__isnull": False}, then=Q(**{f"{rating}__gt": threshold})),
        default=None,
        output_field=BooleanField(null=True),
    )
