"""Does a title or an attribute read like an order to a model? Data is never obeyed; people are told where it tries.

A hint for the person who judges a text, not a filter: nothing is left out because of it. So it may miss some, and a
film called "Ignore the rules" costs one glance.
"""

import re
import unicodedata

LONGEST = 300  # characters of a title that nobody doubts
_LOOK_ALIKE = str.maketrans("аеорсухікӏԁһѕјԍոսսցϲοαρενικτ", "aeopcyxikldhsjgnuugcoapevikt")
_HIDDEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # the direction of writing
_MARKUP = re.compile(
    r"</?[a-z][^<>]{0,80}>|◁/?\w+▷|<\||\|>|\{\s*\"|\[/?(?:inst|sys|think|tool_\w+)\]|<</?sys>>|</?s>|<｜"
    r"|^\s*(?:system|assistant|user|human|developer|tool)\s*:|#{2,}\s*(?:system|instruction|response)|\]\(\s*\w+:|!\[",
    re.IGNORECASE,
)
# What an order does, and what it is about, in the languages in which it was seen.
_DROP = (
    r"ignor\w*|disregard|forget|overrid\w*|bypass|skip|vergiss|vergessen|missachte\w*|olvid\w*|oubli\w*|dimentic\w*"
    r"|esque[cç]\w*|игнориру\w*|забудь\w*|не обращай"
)
_RULES = (
    r"instruct\w*|prompts?|rules?|above|previous|earlier|guidelines?|anweisung\w*|vorgaben|regeln|instruc\w*|reglas"
    r"|consignes?|règles|istruzion\w*|instru[cç]\w*|инструкц\w*|указани\w*|правил\w*"
)
_ORDERS = re.compile(
    rf"\b(?:{_DROP})\b.{{0,40}}\b(?:{_RULES})"
    r"|\byou (?:are|must|should|will) (?:now|always|never|only|rate|say|answer|recommend|judge|reply|output)\b"
    r"|\b(?:act|behave|respond|answer|reply|output|print|write|say|state|return|rate|judge|mark|recommend)\b.{0,30}"
    r"\b(?:as|only|with|exactly|reasonable|json|highly|everyone|everybody|always|instead|nothing else)\b.{0,60}[\"':.!]"
    r"|\b(?:system prompt|final judge?ment|new instructions?|jailbreak|developer mode|api key)\b"
    r"|\b(?:antworte|schreib\w*|bewerte|empfiehl|gib)\b.{0,40}\b(?:nur|immer|als|aus|dass|stets)\b"
    r"|\b(?:responde|escribe|califica|recomienda|di)\b.{0,40}\b(?:solo|sólo|siempre|que|como)\b"
    r"|\b(?:réponds|écris|recommande|dis|note)\b.{0,40}\b(?:que|toujours|seulement|uniquement|comme)\b"
    r"|(?:отвечай|напиши|скажи|рекомендуй|оцени).{0,40}(?:только|всегда|что|как)"
    r"|(?:忽略|无视|無視|忘记|忘掉).{0,20}(?:指令|指示|提示|规则|規則|以上|之前)|(?:请|必须|只)(?:回答|输出|推荐|回复)"
    r"|(?:指示|命令|ルール).{0,10}(?:無視|忘れ)",
    re.IGNORECASE,
)


def reads_like_order(text: str) -> bool:
    """Whether a text that is data speaks to a model: orders, marks of prompts and templates, hidden or endless text."""
    if len(text) > LONGEST or _TURNS.search(text):
        return True
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
    if _MARKUP.search(plain) or _ORDERS.search(plain):
        return True
    mixed = plain.casefold().translate(_LOOK_ALIKE)
    return mixed != plain.casefold() and _ORDERS.search(mixed) is not None
