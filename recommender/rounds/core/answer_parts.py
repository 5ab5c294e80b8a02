"""Find the judgement and the critique in a reflector's answer: tags, headings, labels, tables, or plain sentences."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recommender.rounds.core.asides import without_asides
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.judgements import as_sentences, judgement_in, objects, read_judgement

JUDGEMENT = r"(?:final[\s_-]*)?(?:judge?ment|verdict)"
CRITIQUE = r"(?:final[\s_-]*)?(?:reflections?|critique)"
_LIKE_JUDGEMENT = (
    r"(?:(?:my|the|overall|final)[\s_-]*)*(?:judge?ment|verdict|veredicto|juicio|urteil)(?:\s+final)?"
    r"|(?:(?:my|the)[\s_-]*)*(?:overall|final)[\s_-]*(?:assessment|conclusion|decision|evaluation)"
)
_LIKE_CRITIQUE = r"(?:(?:my|the|final)[\s_-]*)*(?:reflections?|critique|cr[ií]tica|reflexi[oó]n|kritik)"
_REASONS = (
    r"(?:(?:my|the|main|key)[\s_-]*)*(?:feedback|reasons?|reasoning|rationale|explanation|justification|analysis"
    r"|comments?|issues?|problems?|weaknesses|concerns|suggestions?|details|why|begründung|justificación)"
    r"|what (?:fails|failed|is (?:wrong|missing))|areas? (?:for|of) improvements?"
)
_NOTHING = re.compile(
    r"(?:(?:intentionally |left )*(?:empty|blank)|none(?: needed| required)?|n/?a|not applicable"
    r"|nothing(?: to (?:add|change|criticize))?"
    r"|no (?:critique|reflection|issues?|problems?|changes|objections?|concerns?)"
    r"(?: (?:is |are )?(?:needed|required|necessary|found))?|your critique(?: here)?"
    r"|(?:it |this )?(?:still )?needs? (?:some |more )?(?:work|revision|improvements?|changes))?",
    re.IGNORECASE,
)
MOST_HEADINGS = 50  # for a judgement, that are looked at
_MARKS = r"[ \t*_#>|•–-]{0,9}"
_BEFORE = r"[^\w\n\"'“”‘’(<]{0,9}"  # signs that open a line: hashes, stars, pictures
_RULE = re.compile(r"^[ \t]*(?:-{3,}|={3,}|_{3,}|\*{3,})[ \t]*$", re.MULTILINE)
_CELLS_APART = re.compile(r"[ \t:|+-]*")


def _heading(name: str) -> re.Pattern[str]:
    """A line of its own that is the name, or the name with a colon or a dash at the beginning of a line."""
    number = r"(?:\(?(?:\d{1,2}|[A-Z])[.)]\s*)?"
    about = r"(?:\s+(?:on|of|about|for)\s+[\w ]{1,40}?|\s*\([^()\n]{1,40}\))?"
    after = rf"(?:(?:\s+is)?[ \t]*(?:[:：=—–]|[\]】][:：]?|-(?=\s)){_MARKS}|(?<=\s)-\s|[ \t]*$)"
    return re.compile(rf"^{_BEFORE}{number}{_MARKS}(?:{name}){about}{_MARKS}{after}", re.IGNORECASE | re.MULTILINE)


_JUDGEMENT_HEADING, _CRITIQUE_HEADING = _heading(_LIKE_JUDGEMENT), _heading(_LIKE_CRITIQUE)
_REASONS_HEADING = _heading(rf"{_REASONS}|{_LIKE_CRITIQUE}")
_LABEL_INSIDE = re.compile(rf"(?<=\S)[ \t]+(?=\*\*(?:{_LIKE_JUDGEMENT}|{_LIKE_CRITIQUE})\s*(?::\*\*|\*\*\s*:))", re.I)
_NAME = re.compile(rf"{_MARKS}(?:{_LIKE_JUDGEMENT}|{_LIKE_CRITIQUE}|{_REASONS}){_MARKS}:?{_MARKS}", re.IGNORECASE)


def _part(name: str, other: str) -> re.Pattern[str]:
    """A tag's content up to its end, the other tag, or the end of the answer."""
    end = rf"(?:<\s*/\s*{name}\s*>|<\s*{other}\s*>|\Z)"
    return re.compile(rf"<\s*{name}\s*>(.*?){end}", re.DOTALL | re.IGNORECASE)


_TAGGED_JUDGEMENT, _TAGGED_CRITIQUE = _part(JUDGEMENT, CRITIQUE), _part(CRITIQUE, JUDGEMENT)
_AFTER_JUDGEMENT = re.compile(rf"<\s*/\s*{JUDGEMENT}\s*>(.*)\Z", re.DOTALL | re.IGNORECASE)

_ABOUT = r"(?:preferences?|knowledge|text|summary|profile|description|rationale|reading)"
_LEAD = (
    r"(?:[^.,;:\n]{1,80}, )?(?:i(?: would| must| have to|['’]d)? (?:say|think|believe|find|judge|conclude"
    r"|consider)(?: that)? "
    r"|(?:my|the) (?:final |overall )?(?:judge?ment|verdict) is(?: that)? |(?:therefore|thus|hence|so|overall),? )?"
)
# A sentence about the whole text; "it" and "this" are that only where an answer begins or ends.
_WHOLE = re.compile(
    rf"\W*{_LEAD}(?:the|this) (?:[\w']+ ){{0,2}}?{_ABOUT}\b[^.;:()\n]{{0,60}}?\b(?:un)?reasonable\b", re.I
)
_SHORT = re.compile(
    rf"\W*{_LEAD}(?:(?:it|this)(?:'s|’s|\s+is|\s+isn['’]t)[\w ]{{0,30}} )?"
    r"(?:(?:not|mostly|largely|partially|partly|somewhat|generally|entirely|fully|quite|an?|is)\s+)*"
    r"(?:un)?reasonable\b",
    re.I,
)
_UP_TO_VERDICT = re.compile(r"[^\n]*?\b(?:un)?reasonable\b", re.IGNORECASE)
_SENTENCES = re.compile(r"[^\n]+?(?:[.!?][\"'”’)*_]*(?=\s)|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an answer gives as its judgement, perhaps more than once, and as its critique."""

    judgements: Sequence[str]
    critique: str


@dataclass(frozen=True, slots=True)
class _Said:
    start: int
    end: int
    text: str


def parts_of(text: str, asked: Asked) -> Parts | None:
    """The parts of an answer, however they are marked; None where it gives no judgement. Quotations are none."""
    return _tagged(text, asked) or _in_words(_prepared(text), asked)


def is_empty(text: str) -> bool:
    """Whether a critique says nothing: no word, "none", or what stands for one in a prompt."""
    return _NOTHING.fullmatch(text.strip(" \t\r\n.,;:!?*_-–—\"'“”()[]<>")) is not None


def _tagged(text: str, asked: Asked) -> Parts | None:
    outside = _TAGGED_CRITIQUE.sub(" ", text)
    if not _TAGGED_JUDGEMENT.search(outside):
        outside = text
    found = list(_TAGGED_JUDGEMENT.finditer(outside))
    own = [part for part in found if not asked.shows(part[0])]
    own = own or [part for part in found if not outside[: part.start()].strip()]
    if not own:
        return None
    critiques = [part for part in _TAGGED_CRITIQUE.findall(text) if not is_empty(part)]
    rest = _AFTER_JUDGEMENT.search(text)
    before = text[: first.start()] if (first := _TAGGED_JUDGEMENT.search(text)) else ""
    return Parts(
        [part[1] for part in own], critiques[-1] if critiques else _told(own[-1][1], rest[1] if rest else "", before)
    )


def _in_words(text: str, asked: Asked) -> Parts | None:
    judgements = _headed(text, asked) or _plain(text, asked)
    if not judgements:
        return None
    headings = list(_CRITIQUE_HEADING.finditer(text))
    marks = [each.start for each in judgements] + [heading.start() for heading in headings]
    critiques = [text[heading.end() : _next(marks, heading.end(), len(text))] for heading in headings]
    if headings:
        told = [critique for critique in critiques if not is_empty(critique)]
        critique = told[-1] if told else ""
    else:
        critique = _told(judgements[-1].text, text[judgements[-1].end :], text[: judgements[0].start])
    return Parts([each.text for each in judgements], critique)


def _next(marks: Sequence[int], place: int, end: int) -> int:
    return min((mark for mark in marks if mark >= place), default=end)


def _told(judgement: str, after: str, before: str) -> str:
    """The reasons for a judgement where nothing marks them: what follows it, or what leads to it and finds fault."""
    told, leading = (_without_heading(without_asides(part)) for part in (after, before))
    if is_empty(told):
        return leading if objects(leading) else ""
    found = judgement_in(judgement)
    space = "\n\n" if after.startswith(("\n", "\r")) else " "
    return f"{found.objection}{space}{told}" if found and found.objection else told


def _without_heading(text: str) -> str:
    heading = _REASONS_HEADING.match(text)
    return text[heading.end() :] if heading else text


def _headed(text: str, asked: Asked) -> list[_Said]:
    """What stands under each heading for a judgement: its first paragraph that has one, or all."""
    found = []
    headings = list(_JUDGEMENT_HEADING.finditer(text))[:MOST_HEADINGS]
    marks = [heading.start() for heading in (*headings, *_REASONS_HEADING.finditer(text))]
    for heading in headings:
        content = text[heading.end() : _next(marks, heading.end(), len(text))]
        if _is_quoted(f"{heading[0]} {content.lstrip()}", asked) and text[: heading.start()].strip():
            continue
        paragraph = re.match(r"\s*[^\n]*", content)
        length = paragraph.end() if paragraph and read_judgement(paragraph[0]) else len(content)
        found.append(_Said(heading.start(), heading.end() + length, content[:length]))
    return found


def _plain(text: str, asked: Asked) -> list[_Said]:
    """The sentences that judge the whole text. A yes counts only where no other sentence says otherwise."""
    sentences = [found for found in _SENTENCES.finditer(text) if not _is_quoted(found[0], asked)]
    ends = (sentences[0], sentences[-1]) if sentences else ()
    judging = [one for one in sentences if _WHOLE.match(one[0]) or (one in ends and _SHORT.match(one[0]))]
    verdicts = {read_judgement(one[0]) for one in judging}
    others = {read_judgement(one[0]) for one in sentences if "reasonable" in one[0].lower() and one not in judging}
    if "reasonable" in verdicts and others - {"reasonable"}:
        return []
    return [_Said(one.start(), one.end(), one[0]) for one in judging]


def _is_quoted(text: str, asked: Asked) -> bool:
    """Whether the data holds these words up to the one that judges."""
    told = _UP_TO_VERDICT.match(text)
    return asked.shows(told[0] if told else text)


def _prepared(text: str) -> str:
    """Tables as labelled lines, labels on lines of their own, rules away, ticks and questions as sentences."""
    lines: list[str] = []
    table: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("|"):
            if not _CELLS_APART.fullmatch(line):
                table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        lines += _labelled(table)
        table = []
        lines.append(line)
    return _LABEL_INSIDE.sub("\n", _RULE.sub("", as_sentences("\n".join(lines))))


def _labelled(table: list[list[str]]) -> list[str]:
    if len(table) == 2 and len(table[0]) > 1 and all(map(_NAME.fullmatch, table[0])):
        table = [list(pair) for pair in zip(*table, strict=False)]
    return [f"{row[0]}: {' | '.join(row[1:])}" if _NAME.fullmatch(row[0]) else " | ".join(row) for row in table]
