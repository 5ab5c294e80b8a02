"""Every template is used, every partial is included by someone, and no page carries scripts or styles of its own."""

import re

from tests.architecture import repository

BY_NAME = {"403.html", "403_csrf.html", "404.html", "500.html"}  # Django asks for these
BY_NAME |= {"registration/login.html", "registration/password_change_form.html"}


def templates() -> dict[str, str]:
    return {
        str(path.relative_to("templates")): text
        for path, text in repository.texts(".html").items()
        if path.parts[0] == "templates"
    }


def test_no_template_is_unused() -> None:
    sources = list(templates().values()) + list(repository.python().values())
    named = set(re.findall(r"""["']([\w/-]+\.html)["'#]""", "\n".join(sources)))
    assert set(templates()) - named - BY_NAME == set()


def test_pages_hold_no_inline_script_or_style() -> None:
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)
    found = {name: match.group() for name, text in templates().items() if (match := inline.search(text))}
    assert found == {}
