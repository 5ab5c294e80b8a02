"""Take off what models say around a text: announcements, a heading that only names it, word counts, offers, remarks.

Only at the beginning and the end, and only what speaks of the text or to the reader of the chat. A sentence about the
subject stays, however it begins, and so does a heading inside the text.
"""

import re

MAX_WORDS = 35  # of one announcement, offer or remark

_KINDS = (
    r"(?:preferences?|knowledge|profile|summary|summari[sz]ation|analysis|overview|description|breakdown|portrait"
    r"|rationale|assessment|interpretation|evaluation|reflection|critique)"
)
_TEXTS = rf"(?:{_KINDS}|text|version|paragraph|answer|response|draft|rewrite|revision|output|result|report)"
_MODIFIERS = (
    r"(?:(?:my|the|your|an?|some|this|that|one|of|for|on|and|their|his|her|final|refined|updated|revised|improved"
    r"|corrected|new|complete|concise|short|brief|detailed|structured|clear|possible|step[ -]by[ -]step|plain|requested"
    r"|overall|general|tastes?|likes|dislikes|viewing|reading|watching|listening|shopping|\d+-word|user[_-]"
    r"|(?:user|person|people|viewer|reader|watcher|listener|shopper|item|movie|film|book|product|game|song|individual)"
    r"(?:['’]?s['’]?)?)\s+)*"
)
_NAMED = (
    rf"{_MODIFIERS}{_KINDS}(?:\s+{_MODIFIERS}{_KINDS}|\s+(?:of|for)\s+{_MODIFIERS}(?:user|person|viewer"
    rf"|reader|item|movie|film|book|product)s?)*"
)
_SURE = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|okay|ok|alright|all right|got it|understood|great"
    r"(?: question)?|no problem|happy to help|my pleasure|thank you[^.!\n]{0,60}|thanks[^.!\n]{0,60})"
)
_HERE = (
    rf"(?:here(?:['’]s| is| are)|below(?: is| are|,? you(?:['’]ll| will| can)? find)|the following is|this is|you"
    rf"(?:['’]ll| will) find below)"
    rf"\s+{_MODIFIERS}{_TEXTS}\b|here(?:['’]s| is) what (?:i|the history)\b|{_NAMED}\b[^.:\n]{{0,40}}\b"
    rf"(?:as follows|below)\b"
)
_DID = (
    r"(?:i(?:['’]ve| have|['’]ll| will)?(?: now| just| carefully)?\s+(?:analy[sz]ed?|reviewed?|read|revised?|refined?"
    r"|rewrit(?:e|ten)|rewrote|updated?|written|write|wrote|prepared?|looked?|gone|go|start|begin|checked|drafted?"
    r"|summari[sz]ed?|put together|considered|worked?)\b"
    r"|let me (?:first )?(?:work|start|begin|go|look|analy[sz]e|read|review|take|think|write|summari[sz]e)\b)"
)
_HELP = r"i(?:['’]d| would|['’]m| am) (?:be )?(?:happy|glad|pleased|delighted) to (?:help|assist|do)\b"
_ANNOUNCED = re.compile(
    rf"(?P<mark>[*_]{{0,3}})(?:{_SURE}\s*[,!.:–—-]*\s*)?(?:[^.:!?\n]{{3,80}}, )?(?:{_HERE}|{_DID}|{_HELP})[^.:!?\n]*?"
    rf"(?:(?P=mark)[:：]|[:：](?P=mark)|[.!](?P=mark)(?=\s)|(?P=mark)(?=\n))",
    re.I,
)
_TELLS = re.compile(r"\b(?:who|whose)\b", re.I)
_TELLS_PERHAPS = re.compile(r"\b(?:who|whose|which|with(?! (?:that|this|your)\b)|(?<!with )that)\b", re.I)
_SURE_ALONE = re.compile(rf"{_SURE}\s*(?:[!.:](?=\s|\Z)|(?=\n))", re.I)
_HEADING = re.compile(
    rf"(?:[ \t]*#{{1,6}}[ \t]*[*_]{{0,3}}{_NAMED}(?:\s*[:–—-][^\n]{{0,80}}(?<![.!?,;])"
    rf"|\s*\([^()\n]{{0,40}}\))?[*_:]{{0,5}}"
    rf"|[ \t]*[*_]{{2,3}}{_NAMED}(?:\s*[:–—-][^*_\n]{{0,80}}(?<![.!?,;])|\s*\([^()\n]{{0,40}}\))?:?[*_]{{2,3}}:?"
    rf"|[ \t]*{_NAMED}(?:\s*\([^()\n]{{0,40}}\))?\s*[:：]?)[ \t]*(?=\n|\Z)",
    re.I,
)
_LABEL = re.compile(
    rf"[ \t]*(?:#{{1,6}}[ \t]*)?[*_]{{0,3}}(?:{_NAMED}|(?:final |refined )?(?:answer|response|output))"
    rf"(?:\s*\([^()\n]{{0,40}}\))?(?:[*_]{{0,3}}\s*[:：]|[:：]\s*[*_]{{1,3}})[*_]{{0,3}}[ \t]*(?=\S|\n)",
    re.I,
)
_RULE = r"[ \t]*(?:-{3,}|={3,}|_{3,}|\*{3,}|(?:\* ){2,}\*)[ \t]*"
_RULE_FIRST, _RULE_LAST = re.compile(rf"{_RULE}(?:\n|\Z)"), re.compile(rf"(?:\A|\n){_RULE}\Z")
_COUNTED = re.compile(
    r"\s*[*_]{0,2}[(\[]?[*_]{0,2}(?:total |approx(?:imate|\.)? )?(?:word count|(?<!\w)words)[*_]{0,2}\s*[:=]\s*"
    r"[*_]{0,2}[~≈]?\s*\d{1,3}(?: words)?[)\]]?[*_.]{0,3}\Z"
    r"|\s*[*_]{0,2}[(\[](?:[~≈]|about |approx(?:imately|\.)? |exactly )?\s*\d{1,3} words[^()\[\]\n]{0,20}[)\]]"
    r"[*_.]{0,3}\Z",
    re.I,
)
_ENDED = re.compile(r"\n\s*[\[(*_]{0,3}(?:the )?end(?: of (?:the )?\w+(?: \w+)?)?[\])*_.]{0,4}\Z", re.I)
_OFFER = (
    r"(?:(?:please )?(?:let me know|feel free to)\b"
    r"|i hope (?:this|that|it|you)\b[^.!?\n]{0,40}\b(?:help|useful|find|meets|works|good|clear)"
    r"|(?:would|do|shall|should) (?:you|i)\b[^.!\n]*\?|is there anything\b|i(?:['’]m| am) (?:happy|glad) to\b"
    r"|(?:happy|glad) to (?:help|assist|adjust|revise|expand|elaborate|make|clarify)\b"
    r"|if you(?:['’]d| would)?(?: \w+){1,2}? [^.!?\n]{0,80}"
    r"(?:let me know|just ask|feel free|happy to|glad to|i can\b))"
)
_REMARK = (
    r"(?:(?:please )?note:? (?:that )?(?:the|this|i) [^.\n]{0,60}"
    r"\b(?:words?|requested|instruct(?:ed|ions)|format|tags|headings?)\b"
    rf"|(?:this|the) (?:revised|refined|updated|new|improved|rewritten) {_TEXTS} (?:now )?"
    r"(?:address|reflect|incorporat|tak|correct|avoid|includ)(?:e?s|ed)?\b"
    r"|i(?:['’]ve| have)? (?:hedged|revised|changed|removed|added|corrected|kept|made sure|tried to)\b)"
)
_LAST = re.compile(rf"[*_(\[]{{0,3}}(?:{_OFFER}|{_REMARK})[^\n]*", re.I)
_HEADED = r"\n[ \t]*(?:#{1,6}[ \t]*|[*_]{2,3})?"
_CHANGES = re.compile(
    rf"{_HEADED}(?:(?:list|summary|explanation|description|overview) of (?:the )?)?(?:key |main )?"
    r"(?:changes|revisions|refinements|what (?:has )?changed|how (?:this|the \w+) addresses [^\n:*]{0,40}"
    r"|revision notes)(?: made| in this version)?[*_]{0,3}\s*[:：]?[*_]{0,3}[ \t]*(?:\n.*|\Z)",
    re.I | re.S,
)
_EXPLAINED = re.compile(
    rf"{_HEADED}(?:explanation|notes?|reasoning|justification)[*_]{{0,3}}\s*:?[*_]{{0,3}}[ \t]*\n"
    r"(?=.*\b(?:critique|feedback|reflection|revis\w+|refine\w*)\b).*\Z",
    re.I | re.S,
)
# A heading that is a title names the subject, where no other heading follows.
_TITLE = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]*[^\n]{1,150}\(\d{4}\)[*_\"”]{0,4}|[*_]{2,3}[^*_\n]{1,150}\(\d{4}\)[\"”]?[*_]{2,3})[ \t]*\n"
)
_ANY_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|[*_]{2,3}[^*_\n]+[*_]{2,3}:?[ \t]*$)", re.M)
_PREFERENCES = re.compile(r"[\W_]*preferences[\W_]*", re.I)
_SECTION = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|[*_]{2,3}[^*_\n:]{1,40}:?[*_]{2,3}|[A-Z][\w ]{2,30}:)", re.M)
_QUOTED_BLOCK = re.compile(r"(?:[ \t]*(?:>[^\n]*)?(?:\n|\Z))+")
_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"”’)*_]))\s+|\n+")


def without_asides(text: str) -> str:
    """The text alone. It may be empty: then nothing but asides was there."""
    text = _without_last(_without_first(text.strip()))
    if _QUOTED_BLOCK.fullmatch(text):
        text = re.sub(r"^[ \t]*>[ \t]?", "", text, flags=re.M)
    return text.strip()


def _without_first(text: str) -> str:
    while True:
        rest = text
        for pattern in (_RULE_FIRST, _SURE_ALONE, _HEADING, _LABEL):
            if (found := pattern.match(rest)) and not _begins_sections(found[0], rest[found.end() :]):
                rest = rest[found.end() :].lstrip()
        if (found := _ANNOUNCED.match(rest)) and _announces(found[0], rest[found.end() :]):
            rest = rest[found.end() :].lstrip()
        if (found := _TITLE.match(rest)) and not _ANY_HEADING.search(rest, found.end()):
            rest = rest[found.end() :].lstrip()
        if rest == text:
            return text
        text = rest


def _begins_sections(said: str, after: str) -> bool:
    """Whether it heads the first of several parts, such as preferences before dislikes."""
    return _PREFERENCES.fullmatch(said) is not None and _SECTION.search(after) is not None


def _announces(said: str, after: str) -> bool:
    """Whether it says nothing of the subject, and what follows a colon on the same line begins a sentence."""
    follows = after.lstrip(" \t")[:1]
    told = _TELLS if said.rstrip("*_ ").endswith((":", "：")) else _TELLS_PERHAPS
    return len(said.split()) <= MAX_WORDS and not follows.islower() and not told.search(said)


def _without_last(text: str) -> str:
    text = _EXPLAINED.sub("", _CHANGES.sub("", text)).rstrip()
    while True:
        rest = _COUNTED.sub("", _ENDED.sub("", _RULE_LAST.sub("", text))).rstrip()
        last = 0
        for found in _SENTENCE.finditer(rest):
            last = found.end()
        if last and _LAST.fullmatch(rest[last:]) and len(rest[last:].split()) <= MAX_WORDS:
            rest = rest[:last].rstrip()
        if rest == text:
            return text
        text = rest
