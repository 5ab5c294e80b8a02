"""Keys and passwords of endpoints, kept out of everything that is stored, shown or logged."""

import re

from django.conf import settings

SHORTEST = 8  # characters; shorter ones ("none", "EMPTY") are no secrets, and would be found in ordinary words
IN_PLACE = "[key]"
_USERINFO = re.compile(r"(?<=://)[^/\s@]*@")


def redacted(text: str) -> str:
    """`text` without the keys of all endpoints and without names and passwords in addresses."""
    for key in {str(role["api_key"]) for role in settings.LLM.values()}:
        if len(key) >= SHORTEST:
            text = text.replace(key, IN_PLACE)
    return without_userinfo(text)


def without_userinfo(address: str) -> str:
    return _USERINFO.sub("", address)
