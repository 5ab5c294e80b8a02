"""The words by which a text likes, dislikes, insists, hedges or complains. All patterns expect lower case."""

import re


def _any(words: str) -> re.Pattern[str]:
    """Any of the comma-separated expressions, as whole words."""
    return re.compile(rf"\b(?:{'|'.join(word.strip() for word in words.split(','))})\b")


LIKES = _any("""
    likes?, liked, loves?, loved, enjoy(?:s|ed)?, prefers?, preferred, favou?rs?, favou?red, favou?rites?, adores?,
    fond of, drawn to, appreciat\\w+, taste for, fans? of, interest(?:ed)? in, at the heart of, go(?:es)? down well,
    pleas(?:e|es|ed), seeks? out, turned to, welcomes?, reward\\w*, at home (?:in|with), appeals? to, weakness for,
    keen on, devoted to
""")
_NOT = r"(?:\b(?:not|never|rarely|hardly|seldom)|n't)(?: really| much| at all)?"
DISLIKES = re.compile(
    _any("""
        dislik\\w+, hates?, hated, avoids?, avoided, rejects?, rejected, wary of, weary of, tired of, no patience,
        little patience, little interest, no interest, no time for, rarely pleases?, put off by, steers? clear,
        leaves? (?:them|him|her|it) cold, turned off, disappoint\\w*, averse, aversion, unmoved
    """).pattern
    + rf"|{_NOT} (?:likes?|liked|enjoy|enjoyed|care for|love|take to|go down well|please|appreciate|appeal)\b"
    + rf"|{_NOT} (?:interested|drawn|fond)\b"
)
MIXED = _any("mixed, divides?, divided, both ways, hit or miss, uneven, ambivalent, sometimes, depends")
STRONG = _any("""
    clear(?:ly|est)?, consistently, always, never, without exception, strong(?:ly)?, loves?, hates?, devoted,
    above all, no patience, at the heart of, firmly, unmistakabl[ye], every time, invariably, certainly
""")
HEDGED = _any("""
    perhaps, may, might, hints?, seems?, possibly, tentative(?:ly)?, could be, not much to go by, rests on,
    small sample, too little, a sign that
""")
REPORTED = _any("are said to, is said to, nothing in the history shown, nothing further is claimed")

# Whose taste a text about an item speaks of. These words are taken out before tastes are looked for.
_IT = r"(?:it|this \w+)"
WHO_DOES_NOT = _any(rf"""
    (?:do|does|did|will|would|may|might)(?: not|n't) (?:like|enjoy|take to|care for) {_IT}, dislikes? {_IT},
    disappoint, less suited, unlikely to (?:like|enjoy|please), the other (?:history|person|side)
""")
WHO_DOES = _any(rf"""
    (?:like|likes|liked|enjoy|enjoys|enjoyed|love|loves) {_IT}, suits?, appeals? (?:most )?to,
    likely to (?:like|enjoy|please), its admirers, for fans of, fans of
""")
ACCLAIM = _any("acclaimed, award-winning, celebrated, beloved, famous, masterpiece, classic")

# What a critique complains about.
REMOVE = _any("remove, drop, delete, leave out, take out, irrelevant, get rid of, not about")
MISSING = _any("""
    missing, misses, missed, omits?, omitted, overlook\\w*, ignor\\w+, forg[eo]t\\w*, passes over, not mention\\w*,
    left out, leaves out, neglect\\w*, add, include, should (?:also )?mention, lacks?,
    also (?:likes?|loves?|enjoys?|dislikes?|hates?|avoids?)
""")
CONTRADICTED = _any("""
    contradict\\w*, wrong, false, incorrect, opposite, untrue, not true, mistaken, misread\\w*, in fact, actually
""")
TOO_STRONG = _any("""
    unsupported, too strong\\w*, overstat\\w*, exaggerat\\w*, overly, too much, generali[sz]\\w*,
    one (?:title|entry|film|movie|book), single, rests on, too little, weaken, soften, tone down, not enough,
    no evidence, not supported, over-?reads?
""")
SHORTER = _any("shorter, concise, brief(?:er)?, too long, verbose, wordy, repetitive")
SPECIFIC = _any("specific, examples?, evidence, vague, generic, concrete, titles")
QUOTED = _any("""
    (?:the|this|your) (?:text|preference|rationale|knowledge|draft) (?:says|said|claims|states|calls),
    the (?:claim|statement|idea) (?:that|about)
""")

CLAUSE = re.compile(
    r";\s+|\s+—\s+|,\s+(?:and|not)\s+(?=(?:they|he|she)\b)"
    r"|,?\s+(?:but|while|whereas|although|though|however|yet|unlike|rather than|instead of)\s+"
)
SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(]?[^\W\d_a-zß-ÿ]|⟦)|\n+")
