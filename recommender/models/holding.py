"""Texts that hold a text, in upper or lower case of any alphabet, on any database.

SQLite's LIKE knows the case of ASCII letters alone, and so does PostgreSQL's where its locale is C: a search for “über”
would not find “Über”. A regular expression names both.
"""

import re

from django.db.models import Q


def holds(text: str, column: str) -> Q:
    """Rows whose `column` holds `text`."""
    return Q(**{f"{column}__iregex": "".join(map(_in_any_case, text))})


def _in_any_case(char: str) -> str:
    cases = sorted({char, char.lower(), char.upper()})
    if char.isascii() or len(cases) == 1 or any(len(case) > 1 for case in cases):  # ß, in capitals, is SS
        return re.escape(char)
    return f"[{''.join(cases)}]"
