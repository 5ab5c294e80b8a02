"""What a sentence counts: the nouns behind a number, with what only says that they were met. Pure."""

from dataclasses import dataclass

from recommender.grounding import outcomes
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

DETERMINERS = word_set(
    "the their his her these those all its your der die das den dem seiner seinen ihrer ihren los las sus"
)
_NOUNS = word_set(
    "entries entry ratings rating interactions times cases occasions viewings watches reads encounters attempts tries"
    " outings examples instances items titles exposures trials loans evenings sessions sittings efforts goes"
    " eintrage titel titeln bewertungen filme filmen bucher titulos valoraciones peliculas pelicula libros"
)
_MET = word_set(
    "rated seen saw watched read met tried judged encountered shown given listed sat finished played heard sent put"
    " lent issued borrowed ordered logged recorded viewed sampled offered"
    " gesehen bewertet gelesen geschaut sah gesehene gesehenen bewertete bewerteten gelesene gelesenen geliehenen"
    " visto valorado leido puntuado vistos vistas valorados valoradas leidos puntuados puntuadas"
)
# Words of "11 dramas that they rated in the history shown" that leave the count as it is.
_FILLERS = (
    DETERMINERS
    | _MET
    | word_set(
        "a an of in on with from by for to at here they he she we you it that which who them history list record"
        " records log came have has had was were been so far opinion sample overall total us our way on"
        " such er sie hat haben im dem verlauf insgesamt bisher que ha han el ella en total de von"
    )
)
# What leaves only some of them, in a way that no row can tell.
_NARROWING = word_set(
    "these those last latest recent first earliest early late later recently set made featuring starring about"
    " where whose other others remaining rest more further newer older same half second"
)
_THAT = word_set("that which")
_SUBJECTS = word_set("they he she we you")


@dataclass(frozen=True, slots=True)
class Noun:
    """Tokens `begin` to `end` name what is counted; what is said of it begins at `stop`."""

    begin: int
    end: int
    stop: int


def noun_at(said: Marked, begin: int) -> Noun | None:
    """What is counted, named from a token on; empty where something else follows, None where no row can tell."""
    end = last = begin
    while end < len(said.tokens):
        word = said.word(end)
        if last == begin and word in _MET:  # acht gesehene Western
            begin = last = end + 1
        if end in said.mentions:
            if said.mentions[end].role == "title":
                break
            end = last = said.mentions[end].end
            continue
        if word in _NARROWING and (word != "set" or said.word(end + 1) == "in"):
            return None
        if word in said.nouns or word in _NOUNS:
            last = end + 1
        elif last > begin and word in _THAT and _tells(said, end + 1):
            return None
        elif _goes_on(said, end, after_noun=last > begin):
            break
        end += 1
    is_word = end < len(said.tokens) and said.word(end).isalpha() and said.word(end) not in ("was", "were")
    if last == begin and is_word and _leads_to_noun(said, end):
        return None
    return Noun(begin, last, max(end, last))


def _tells(said: Marked, place: int) -> bool:
    """Whether a clause leaves only those that were received one way: the dramas that disappointed them."""
    return place < len(said.tokens) and outcomes.told(said, [place]) is not None


def _goes_on(said: Marked, place: int, *, after_noun: bool) -> bool:
    """Whether something is said of what was named so far; that they rated it, or have seen it, says nothing of it."""
    word = said.word(place)
    if word in ("was", "were"):
        return True
    if word in _SUBJECTS and after_noun:
        return said.word(place + 1) not in _MET and said.word(place + 2) not in _MET
    return word not in _FILLERS and (word not in ("and", "or") or place + 1 not in said.mentions)


def _leads_to_noun(said: Marked, place: int) -> bool:
    """Whether an unknown word only comes before what is counted: three slow westerns."""
    ahead = range(place + 1, min(place + 3, len(said.tokens)))
    return any(at in said.mentions or said.word(at) in said.nouns or said.word(at) in _NOUNS for at in ahead)
