"""Read what a judgement says: reasonable, not reasonable, or a yes that takes something back."""

import re
from dataclasses import dataclass
from typing import Literal

from recommender.rounds.core.types import JudgementName

Hedge = Literal["none", "slight", "open"]

_OTHER_LANGUAGES = (
    (
        re.compile(
            r"\bno (?:es|son|parece|resulta)(?: \w+)? razonables?\b|\b(?:poco|ir)\s?razonables?\b"
            r"|\b(?:nicht|kaum|wenig)(?: \w+)? (?:angemessen|vernünftig|nachvollziehbar)\b"
            r"|\bun(?:angemessen|vernünftig)\b"
        ),
        "not reasonable",
    ),
    (re.compile(r"\b(?:razonables?|angemessen|vernünftig|nachvollziehbar)\b"), "reasonable"),
)
_TWICE_NEGATED = re.compile(r"\b(?:not|isn't|never)\b[\w ]{0,20}\bun ?reasonable\b")
_NEGATED = re.compile(
    r"(?:\b(?:not(?! only| just| merely)|cannot|never|hardly|neither|nor|no longer|far from|anything but)\b|n't\b)"
    r"(?:(?!\b(?:but|yet|so)\b|, (?:and|the|this|it)\b)[^.;]){0,60}?\breasonable\b"
    r"|\bun ?reasonable\b"
)
_YES_OR_NO = re.compile(r"\W*(yes|no|true|false)\b(?=\W*\Z|[.,:;!(]| [-–—])")
_TICKED, _UNTICKED = re.compile(r"\[[xX✓✔]\]|[☑☒✔]"), re.compile(r"(?:\[ ?\]|☐)[^\[\n☐☑☒✔]*")
_BOXED = re.compile(r"\$*\\boxed\{(?:\\text\{)?([^{}\n]{0,80})\}{1,2}\$*")
# "Is the text reasonable? No.", "Reasonable: yes": the answer is the second word.
_ANSWERED = re.compile(r"^\W*(?:is\b[^.?!\n]{0,60}\b)?reasonable\W{1,8}(yes|no|true|false)\b", re.I | re.M)

_WORD = re.compile(r"\b(?:un|ir)?(?:reasonable|razonables?|angemessen|vernünftig|nachvollziehbar)\b", re.I)
_HALF = re.compile(r"\b(?:part(?:ial)?ly|somewhat|in parts?|half|moderately)\b[\w ,*]{0,20}$", re.I)
_MOSTLY = re.compile(
    r"\b(?:mostly|largely|generally|broadly|mainly|fairly|almost|nearly|more or less|for the most part)\b", re.I
)
_CAVEAT = re.compile(
    r"\bwith (?!no\b|out\b)(?:\w+ ){0,4}"
    r"(?:caveat|reservation|issue|problem|gap|concern|exception|flaw|weakness|omission)(?:e?s)?\b",
    re.I,
)
_SLIGHT = re.compile(r"\b(?:minor|small|slight|tiny)\b", re.I)
_CONTRAST = re.compile(
    r"\W*\b(?:but|though|although|however|yet|except(?: that| for)?|apart from|nevertheless|that said)\b,?\s*",
    re.I,
)
_REASON = re.compile(r"\s*(?:[:;,(—–]|-\s)\s*(?:(?:because|since|as)\b\s*)?|\s*\b(?:because|since)\b\s*", re.I)
_OBJECTION = re.compile(
    r"\b(?:not|no|nothing|never|none|cannot|without|but|yet|however|though|although|except|instead|should|could|needs?"
    r"|only|too|miss(?:es|ed|ing)?|lack(?:s|ed|ing)?|overlook\w*|ignor\w+|omi(?:t|ssion)\w*|neglect\w*|unmentioned"
    r"|absent|pass(?:es|ed) over|contradict\w*|unsupported|unclear|vague|weak|thin|wrong\w*|fail\w*|inaccura\w+"
    r"|incorrect\w*|mis\w{4,}|over(?:stat|gener|ly|weig)\w*|exaggerat\w*|caveats?|issues?|problems?|concerns?|gaps?"
    r"|hid(?:es|den)|rests? on|hedged?)\b|n't\b",
    re.I,
)
_EMPHASIS = re.compile(r"[*_`~]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)*_]*\s+")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judgement says. `objection`: what it itself gives as a reason, or takes back.

    `hedge`: of a yes; "slight" where it is a yes unless an objection is told, "open" where one must be told.
    """

    verdict: JudgementName
    hedge: Hedge = "none"
    objection: str = ""


def read_judgement(text: str) -> JudgementName | None:
    """What a judgement says; None when it says neither, or both. "reasonable" is a part of "not reasonable"."""
    text = re.sub(r"[_\s-]+", " ", _EMPHASIS.sub(" ", as_sentences(text)).replace("’", "'").lower())
    for pattern, english in _OTHER_LANGUAGES:
        text = pattern.sub(english, text)
    if _TWICE_NEGATED.search(text):
        return None
    rest, negated = _NEGATED.subn(" ", text)
    affirmed = re.search(r"\breasonable\b", rest) is not None
    if answer := _YES_OR_NO.match(text):
        yes = answer[1] in ("yes", "true")
        if not affirmed and not negated:
            return "reasonable" if yes else "not_reasonable"
        if yes != affirmed:
            return None
    if affirmed == bool(negated):
        return None
    return "reasonable" if affirmed else "not_reasonable"


def judgement_in(text: str) -> Judgement | None:
    """The judgement that a part of an answer holds, with its hedge and objection; None where it is not clear."""
    verdict = read_judgement(text)
    if verdict is None:
        return None
    text = _EMPHASIS.sub("", as_sentences(text)).strip()
    word = _WORD.search(text)
    if word is None:  # yes or no
        _, _, further = text.partition(" ")
        return Judgement(verdict, objection=further.strip(" -–—:,"))
    tail, *following = _SENTENCE_END.split(text[word.end() :], maxsplit=1)
    further = " ".join(following)
    if verdict == "not_reasonable":
        reason = _REASON.match(tail) or _CONTRAST.match(tail)
        told = _bare(tail[reason.end() :]) if reason else ""
        return Judgement(verdict, objection=" ".join(filter(None, (told, further.strip()))))
    if contrast := _CONTRAST.search(tail):
        said = f"{tail[contrast.end() :]} {further}"
        return Judgement(verdict, "open", _bare(said))
    if contrast := _CONTRAST.match(further):
        return Judgement(verdict, "open", _bare(further[contrast.end() :]))
    before = text[: word.start()]
    if _HALF.search(before):
        return Judgement(verdict, "open", further.strip())
    if caveat := _CAVEAT.search(tail):
        return Judgement(verdict, "slight" if _SLIGHT.search(caveat[0]) else "open", further.strip())
    return Judgement(verdict, "slight" if _MOSTLY.search(f"{before} {tail}") else "none", further.strip())


def objects(text: str) -> bool:
    """Whether a text finds fault with something."""
    return _OBJECTION.search(text) is not None


def as_sentences(text: str) -> str:
    """Ticked options and answered questions as the sentence that they stand for."""
    text = _BOXED.sub(r"\1", text)
    if _TICKED.search(text):
        text = _TICKED.sub("", _UNTICKED.sub("", text))
    return _ANSWERED.sub(lambda found: "reasonable" if found[1].lower() in ("yes", "true") else "not reasonable", text)


def _bare(text: str) -> str:
    """Without white space around it, or brackets that open or close outside it."""
    text = text.strip()
    if text.count("(") < text.count(")"):
        text = re.sub(r"\)\W*\Z", "", text)
    return text.strip()
