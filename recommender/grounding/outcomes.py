"""Words that say how something was received, for a second look at what a reader of whole sentences made of it. Pure."""

from collections.abc import Collection


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OUTCOMES = _words("ended fared went landed met came got earned drew received turned proved")  # well or badly
_POSITIVE = _words(
    "liked like likes loved love loves enjoyed enjoy enjoys positive pleased please pleases approval approved success"
    " successes well good great best favour favor favourite favorite favourable favorable hit hits worked landed"
    " appealed appeal appeals fond happy welcomed care drawn keen interested fan fans plus"
)
_NEGATIVE = _words(
    "disliked dislike dislikes hated hate hates negative failed fails failures rejected reject rejects disappointed"
    " disappoint disappoints disappointing flat cold low lowly poor poorly bad badly worst panned unfavourable"
    " unfavorable avoid avoids avoided wary weary bored bores minus lack absence reverse opposite"
)
_NEGATIONS = _words("not never nothing without hardly no cannot nor neither")


def told(words: Collection[str]) -> bool | None:
    """True: well, False: badly; None where no word says it."""
    turned = turns(words)
    if not _NEGATIVE.isdisjoint(words):
        return turned
    return not turned if not _POSITIVE.isdisjoint(words) else None


def turns(words: Collection[str]) -> bool:
    return not _NEGATIONS.isdisjoint(words)
