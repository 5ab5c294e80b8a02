"""Letters and mails: where their greeting ends and their farewell begins. Names there are no aspects."""

import re

_GREETING = re.compile(
    r"\s*(?:dear|hello|hi+|hiya|hey|good (?:morning|afternoon|evening|day)|to whom it may concern"
    r"|liebe[rs]?|sehr geehrte[rs]?|geehrte[rs]?|werte[rs]?|hallo|moin|guten (?:tag|morgen|abend)"
    r"|hola|buen(?:os|as) (?:días|tardes|noches)|(?:muy )?(?:querid|estimad)[oa]s?)\b"
    r"(?P<whom>[^.,!:;?\n]{0,60})[,!:.\n]",
    re.IGNORECASE,
)
_WORDS_OF_GREETING = 7
_FAREWELL = re.compile(
    r"(?:^|[.!?…\n)]|\s[—–-])\s*(?P<words>(?:with |mit |con |un |many |kind |kindest |best |warm |warmest |all the |"
    r"all |viele[nr]? |liebe |beste[nr]? |herzliche[nmr]? |freundliche[nmr]? |besten |herzlichen |my )*"
    r"(?:regards|wishes|best|thanks|thank you|greetings|love|cheers|sincerely|yours(?: \w+)?|respectfully|ta|xx?x?"
    r"|gr(?:ü|ue)(?:ß|ss)e?n?|gru(?:ß|ss)|dank|hochachtungsvoll|mfg|lg|vg|bis bald|gez"
    r"|saludos?|abrazos?|besos|gracias|atentamente|cordialmente)\b[^.!?\n,:(\d]{0,30}(?:[,.!\n]|$))(?P<who>[^?!]{0,60})$",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:^|[.!?…\n])\s*(?P<who>[^.!?\n]{1,40}(?:\.[^.!?\n]{1,30})?)[.!]?\s*$")
_OWN = frozenset({"the", "a", "an", "your", "yours", "his", "her", "their", "tired", "mum", "mother", "dad", "father",
                  "ihr", "ihre", "dein", "deine", "euer", "eure", "ein", "eine", "der", "die", "dr", "mrs", "mr", "ms",
                  "von", "de", "tu", "su", "el", "la", "un", "una", "y", "and", "und", "from", "aus"})  # fmt: skip
_SPEAKS = frozenset({"i", "we", "you", "it", "my", "ich", "wir", "du", "sie", "mein", "meine", "yo", "mi", "me"})
_WORD = re.compile(r"[^\W\d_]+")
MOST_NAMES = 5


def body(text: str) -> tuple[int, int]:
    """The characters of a text between its greeting and its farewell; all of it where it is no letter."""
    begin, end = 0, len(text)
    greeting = _GREETING.match(text)
    if greeting:
        whom = _WORD.findall(greeting["whom"].casefold())
        begin = greeting.end() if len(whom) <= _WORDS_OF_GREETING and _SPEAKS.isdisjoint(whom) else 0
    farewell = _FAREWELL.search(text, max(begin, end - 150))
    if farewell and (begin or _is_signed(farewell)) and _is_name(farewell["who"]):
        end = farewell.start("words")
    elif begin and (name := _NAME.search(text, max(begin, end - 80))) and _is_name(name["who"]):
        end = name.start("who")
    return begin, max(begin, end)


def _is_signed(farewell: re.Match[str]) -> bool:
    """Whether somebody's name follows: "Love, Ann" ends a letter, "Love westerns" does not."""
    return bool(farewell["who"].strip()) and farewell["words"].rstrip(" ")[-1:] in (",", "\n")


def _is_name(words: str) -> bool:
    said = _WORD.findall(words)
    return len(said) <= MOST_NAMES and all(word[0].isupper() or word.casefold() in _OWN for word in said)
