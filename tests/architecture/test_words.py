"""Pages for annotators and PMs speak of texts, AI checks and models; the terms of the code are for experts."""

import pytest

from tests.architecture.test_templates import templates
from tests.architecture.words import expert_words, shown

FORMS_OF_RUNS = ("backbones/_field.html", "backbones/_config.html", "api/")  # settings, by name


@pytest.mark.parametrize("name", sorted(n for n in templates() if not n.startswith(FORMS_OF_RUNS)))
def test_a_template_keeps_the_terms_of_the_code_behind_a_disclosure(name: str) -> None:
    assert expert_words(templates()[name]) == []


def test_only_what_people_read_is_looked_at() -> None:
    page = (
        '<p title="A gate">One <b class="turn">text</b></p>{% if round %}<code>rounds</code>{% endif %}'
        "<details>A batch<details class='card experts'>snapshots <p class='prose'>x</p> folds</details>, seen</details>"
    )

    assert shown(page).split("\n") == ["A gate", "One", "text", "A batch", ", seen"]
    assert [hit.split(":")[0] for hit in expert_words(page)] == ["gate", "batch"]
