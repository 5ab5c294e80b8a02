"""Titles that a text cites: those that nobody has, and those that it calls the latest although long past. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from recommender.grounding.cues import language_of
from recommender.grounding.evidence import Rated
from recommender.grounding.lexicon import Mention
from recommender.grounding.phrases import Marked
from recommender.grounding.titles import forms
from recommender.grounding.words import folded_words, word_set

# Words of these languages that their neighbours do not have.
_ONLY_IN = {
    "de": word_set(
        "der das und nicht sie ist mit von bei fur auf eine einen ihr ihm hat sich aber kann man gut wie werden wird"
        " wurde wurden haben gegen eher auch nur sehr keine kein keinen dagegen hingegen durch uber zu zum zur ich mich"
        " mir habe sind wenn dass weil gefallt gefallen gemocht ihre ihren seine seinen unter schon vom beim"
    ),
    "es": word_set(
        "el los las y pero muy les ella esta sus gusta gustan gusto gustaron cine peliculas pelicula vio ninguna"
        " mucho cuando prefiere encanta encantan aburre aburren fue tambien siempre hay mis ningun ninguno algunas"
    ),
}
LONGEST_TITLE = 120  # characters
MOST_WORDS = 14
SHORT = 5  # characters, up to which one title inside another is an accident
ALIKE = 0.8  # from which two titles are one with a slip of the pen
LATEST, SHARE_LATEST = 3, 5  # the last three rows are the latest ones, or the last fifth
_QUOTED = re.compile(
    r"“([^“”\n]+)”|„([^„“”\n]+)[“”]|«([^«»\n]+)»|»([^«»\n]+)«|‹([^‹›\n]+)›|‘([^‘’\n]+(?:’[a-z][^‘’\n]*)*)’|"
    r"\"([^\"\n]+)\"|(?<![\w*\n])(?<!^)\*\*([^*\n]+\s[^*\n]+)\*\*(?![\w*:])"
    r"|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|「([^「」\n]+)」|『([^『』\n]+)』"
)
_YEAR = re.compile(r"\s*[(\[](?:18|19|20)\d\d[)\]]\s*$")
_YEAR_BEHIND = re.compile(r"[”“\"»«›‹’*_」』]{0,2}\s*[(\[]((?:18|19|20)\d\d)[)\]]")
LEAST_WORDS = 3  # of a title whose language can be told
_ENGLISH = word_set("the of and with from at by my to for on is are you your his her our all who what when")
_FOREIGN = word_set(
    "der die das und von des dem den ein eine einer eines im vom zum zur mit aus auf ist nicht ich el la los las y del"
    " de un una en con por para mi su le les du et il lo gli i della"
)
_DATED = re.compile(r"\s[(\[](?:18|19|20)\d\d[)\]]")
# Words of a title run to its year: with a capital letter, or small ones between such.
_RUN = re.compile(
    r"(?:(?:[^\W_a-zß-ÿ][\w'’.:!?&/·-]*|&|-|–)(?:,?\s+(?:(?:of|the|a|an|and|in|on|at|to|for|from|with|or|by|de|la|le|les|"
    r"du|des|der|die|das|und|el|los|y|et|i|il|di|von|vs\.?|n)\s+)*|$))+$"
)
_CUE = re.compile(
    r"\b(?:most recently|of late|lately|recently (?:liked|loved|enjoyed|rated|watched|saw|read|finished|gave)"
    r"|just (?:finished|watched|seen|read|rated|saw|discovered|done|got (?:done|through|back|home)"
    r"|(?:came|come|back|home)(?: (?:home|back|out|in))? (?:from|off|of))"
    r"|(?:just|right) now|at (?:the moment|present)|currently|fresh (?:from|off)|these days|the last to\b"
    r"|(?:their|his|her|the) (?:very )?(?:latest|newest|freshest|most recent)|latest|most recent"
    r"|(?:the|their|his|her)? ?last (?:one|entry|title|film|movie|book|item|thing|rating|liked|rated|watched|seen)s?"
    r"|last (?!(?:time|night|week|month|year|summer|winter|spring|autumn|fall|sunday|weekend|season)\b)\w+"
    r"(?: (?:of|on|in|at|from) (?:\w+ ){0,2}\w+)?(?= ?:)"
    r"|(?:saw|seen|watched|read|rated|heard|finished|liked|enjoyed|loved) last"
    r"|end of (?:the|their|his|her) (?:history|list|record)"
    r"|zuletzt|als letztes|neulich|k[uü]rzlich|j[uü]ngst\w*|(?:der|die|das|sein|ihr|seine|ihre) neuest\w+"
    r"|[uú]ltimamente|recientemente|lo [uú]ltimo|hace poco|m[aá]s recientes?)\b",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\b(?:but|while|whereas|although|though|unlike|after|before|since|earlier|previously|once|used to|compared"
    r"|in contrast|rather than|instead of|(?<!newest )(?<!latest )(?<!recent )(?<!last )like"
    r"|such as|echo\w*|recall\w*|similar|aber|w[aä]hrend|dagegen|anders als|fr[uü]her|zuvor|nach|wie|pero|mientras"
    r"|antes|despu[eé]s|como|a diferencia)\b|;",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Cited:
    start: int
    end: int
    title: str
    rows: tuple[int, ...] = ()


def invented(text: str, known: Iterable[str], others: Iterable[str], values: Iterable[str]) -> Iterator[Cited]:
    """Marked or dated titles that are neither `known` (those of the rows) nor among `others`, and are no `values`.

    A text in another language than English may name a film by its title there: what it cites is none only where the
    title is English, as known ones are, or where nothing known is of its year."""
    cited = list(_cited(text))
    if not cited:
        return
    known, others = list(known), list(others)
    if not is_english(text):
        cited = [each for each in cited if _is_no_translation(text, each, known, others)]
    own = _Known(known)
    words = {" ".join(folded_words(value)) for value in values}
    strange = [each for each in cited if not own.has(each.title) and " ".join(folded_words(each.title)) not in words]
    if strange:
        elsewhere = _Known(others)
        yield from (each for each in strange if not elsewhere.has(each.title))


def _is_no_translation(text: str, cited: Cited, known: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a title in a text that is not English is surely not the translation of a known one."""
    everything = [*known, *others]
    title = _YEAR.sub("", cited.title)
    if _is_in_english(title):
        return sum(map(_is_in_english, everything)) > sum(map(_is_in_another, everything))
    dated = _YEAR.search(cited.title) or _YEAR_BEHIND.match(text, cited.end)
    if dated is None:
        return False
    year = _year_in(dated[0])
    years = [_year_in(found[0]) if (found := _YEAR.search(each)) else year for each in everything]
    return bool(years) and all(abs(each - year) > 1 for each in years)  # what has no year may be of any


def _year_in(text: str) -> int:
    return int("".join(filter(str.isdigit, text)))


def _is_in_english(title: str) -> bool:
    """Surely: of some words, one that English alone has, and none that another language has."""
    words = set(folded_words(title))
    return len(words) >= LEAST_WORDS and not words.isdisjoint(_ENGLISH) and words.isdisjoint(_FOREIGN)


def _is_in_another(title: str) -> bool:
    return not set(folded_words(title)).isdisjoint(_FOREIGN)


def is_english(text: str) -> bool:
    """Surely; of other languages too little is understood to call anything wrong."""
    return language_of(folded_words(text), otherwise="de") == "en"


def is_read(text: str) -> bool:
    """Surely a language of which enough is understood to call a taste wrong: English, German, Spanish; or a few words
    of which none tells a language, "Horror: never"."""
    words = folded_words(text)
    language = language_of(words, otherwise="de")
    if language == "en" or (language == "de" and language_of(words, otherwise="es") == "es"):
        return True
    return len(set(words) & _ONLY_IN[language]) > 1


class _Known:
    """Titles in all the ways in which they may be written."""

    def __init__(self, titles: Iterable[str]) -> None:
        self.forms = {key for title in titles for form in forms(title) if (key := " ".join(folded_words(form.written)))}

    def has(self, cited: str) -> bool:
        """Whether a title, or what a run of words ends with, is known; also with a slip, or cut short."""
        words = folded_words(_YEAR.sub("", cited))
        ends = [" ".join(words[start:]) for start in range(len(words))]
        if not words or not self.forms.isdisjoint(ends if _DATED.search(cited) else ends[:1]):
            return True
        said = ends[0]
        return any(self._is_near(said, form) for form in self.forms)

    @staticmethod
    def _is_near(said: str, form: str) -> bool:
        if min(len(said), len(form)) > SHORT and (f" {said} " in f" {form} " or f" {form} " in f" {said} "):
            return True
        if abs(len(said) - len(form)) > max(2, len(form) // 4):
            return False
        matcher = SequenceMatcher(None, said, form, autojunk=False)
        return matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE


def _cited(text: str) -> Iterator[Cited]:
    end = 0
    for quoted in _QUOTED.finditer(text):
        group = next(number for number, said in enumerate(quoted.groups(), 1) if said is not None)
        title = quoted[group].strip()
        if _may_be_title(title):
            yield Cited(quoted.start(group), quoted.end(group), title)
        end = max(end, quoted.end())
    quotes = [match.span() for match in _QUOTED.finditer(text)]
    for dated in _DATED.finditer(text):
        if any(start <= dated.start() < stop for start, stop in quotes):
            continue
        begin = max(0, dated.start() - LONGEST_TITLE)
        if run := _RUN.search(text[begin : dated.start()]):
            start = begin + run.start()
            yield Cited(start, dated.end(), text[start : dated.end()])


def sayings(text: str) -> list[tuple[int, int]]:
    """Stretches between quotation marks that are no titles: somebody else's words, as of a row "Because you like
    dramas"; none where they are most of the text."""
    said = [(*match.span(), next(filter(None, match.groups()), "").strip()) for match in _QUOTED.finditer(text)]
    found = [(start, end) for start, end, words in said if text[start] not in "*_" and not _may_be_title(words)]
    return [(start, end) for start, end in found if end - start < len(text) / 2]


def _may_be_title(said: str) -> bool:
    bare = _YEAR.sub("", said)
    words = bare.split()
    if not words or len(words) > MOST_WORDS or len(bare) > LONGEST_TITLE or bare[-1] in ":;,":
        return False
    first = bare[0]
    if not (first.isupper() or first.isdigit()) or sum(map(str.isalpha, bare)) < 3:
        return False
    if first.isdigit() and len(words) > 1 and words[1][0].islower():
        return False  # 3 out of 4
    if _YEAR.search(said):
        return True
    if bare[-1] == "." and len(words) > 4:
        return False
    if len(words) > 2 and not any(word[0].isupper() for word in words[1:]) and any(len(w) > 4 for w in words[1:]):
        return False  # the row "Because you like documentaries"
    small = [word for word in words[1:] if word[0].islower() and len(word) > 4]
    return len(small) <= len(words) // 3  # a quoted sentence or phrase is no title


def stale(text: str, said: Marked, rows: Sequence[tuple[int, Rated]]) -> Iterator[Cited]:
    """Titles that a sentence calls the latest, and that are not among the last rows. `said`: marked by these rows,
    whose places are the external ids of its titles."""
    last = {place for place, _ in rows[-max(LATEST, -(-len(rows) // SHARE_LATEST)) :]}
    latest_titles = {row.title for place, row in rows if place in last}
    for mention in called_latest(text, said):
        places = {int(facets[0].value) for facets in mention.options if facets[0].value.isdecimal()}
        titles = {row.title for place, row in rows if place in places}
        if titles and titles.isdisjoint(latest_titles):
            start, end = said.tokens[mention.begin].start, said.tokens[mention.end - 1].end
            found = tuple(place for place, row in rows if row.title in titles)
            yield Cited(start, end, sorted(titles)[0], found)


def called_latest(text: str, said: Marked) -> Iterator[Mention]:
    """The first title behind (or else the last before) each word that calls something the latest."""
    if not said.tokens:
        return
    start, end = said.tokens[0].start, said.tokens[-1].end
    titles = sorted((m for m in said.mentions.values() if m.role == "title"), key=lambda m: m.begin)
    for cue in _CUE.finditer(text, start, end):
        turn = _TURNS.search(text, cue.end(), end)
        is_label = turn and ":" in text[turn.end() : end]  # "Last rated title before the complaint:"
        stop = turn.start() if turn and not is_label else end
        behind = [m for m in titles if cue.end() <= said.tokens[m.begin].start < stop]
        before = [m for m in titles if said.tokens[m.begin].start < cue.start()]
        if behind:
            yield behind[0]
        elif before and not _TURNS.search(text, said.tokens[before[-1].begin].start, cue.start()):
            yield before[-1]
