"""What people read on a page, and the words of the code that they should not have to know."""

import re
from html.parser import HTMLParser

# Terms that stand behind a disclosure for experts (<details class="experts">): what pages say instead is in
# reviews/templatetags/words.py.
EXPERT = (
    r"rounds?|turns?|rationales?|reflections?|reflectors?|actors?|critiques?|refinements?|proposals?|verdicts?|overrid\w+|"
    r"knowledge|snapshots?|backbones?|batch(?:es)?|arms?|folds?|splits?|seeds?|epochs?|fits?|leases?|slots?|subjects?|"
    r"in force|rests|rested|resting|at rest|as of|gates?|golden|parity|examinations?|canary|canaries|shadows?|"
    r"rebuilds?|artifacts?|encoders?|hash(?:es)?|moments?|end users?|interactions?|AUC|GAUC|LogLoss|NDCG"
)
_EXPERT = re.compile(rf"\b(?:{EXPERT})\b", re.IGNORECASE)
_READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "data-label", "data-announce", "data-shortcut-label")
_SILENT = ("code", "pre", "script", "style", "svg", "textarea")  # samples, and what people or models wrote


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.disclosures: list[bool] = []  # the open <details>: for experts or not
        self.silent = 0
        self.texts: list[str] = []

    @property
    def is_shown(self) -> bool:
        return not (self.silent or any(self.disclosures))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self.is_shown:
            self.texts += [given[name] for name in _READ_ALOUD if given.get(name)]
        if tag == "details":
            self.disclosures.append("experts" in given.get("class", "").split())
        self.silent += tag in _SILENT or ("prose" in given.get("class", "").split() and tag == "p")

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self.disclosures:
            self.disclosures.pop()
        if self.silent and (tag in _SILENT or tag == "p"):
            self.silent -= 1

    def handle_data(self, data: str) -> None:
        if self.is_shown and data.strip():
            self.texts.append(" ".join(data.split()))


def shown(html: str) -> str:
    """The visible and spoken text of a page or a template, without disclosures for experts and without samples."""
    page = _Page()
    page.feed(re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", html, flags=re.DOTALL))
    return "\n".join(page.texts)


def expert_words(html: str) -> list[str]:
    """Each with the line it stands in."""
    return [f"{hit.group()}: {line}" for line in shown(html).splitlines() for hit in _EXPERT.finditer(line)]
