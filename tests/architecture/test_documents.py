"""Pages of docs/ against the code they describe."""

import ast
import re

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import URLPattern, URLResolver, get_resolver

from r4web import checks
from tests.architecture import repository
from tests.architecture.repository import PACKAGES, ROOT

ROLES = ("ACTOR", "REFLECTOR", "TEACHER")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def settings_read() -> set[str]:
    """Names of environment variables that r4web/settings.py reads."""
    text = (ROOT / "r4web" / "settings.py").read_text()
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and re.fullmatch(r"environment\.\w+", ast.unparse(node.func)):
            asked = node.args[0]
            if isinstance(asked, ast.Constant):
                names.add(str(asked.value))
            else:  # f"{prefix}MODEL", read for every role
                names |= {
                    f"R4_{role}_{ast.unparse(asked).rpartition('}')[2].strip(chr(39) + chr(34))}" for role in ROLES
                }
    return names


def described_settings() -> set[str]:
    """First cells of the tables in docs/settings.md; R4_<role>_X stands for every role."""
    names = set(re.findall(r"^\| `([A-Z][A-Z0-9_<>a-z]*)`", page("settings.md"), re.MULTILINE))
    return {name.replace("<role>", role) for name in names for role in ROLES}


def test_every_setting_is_described_and_every_described_one_is_read() -> None:
    assert described_settings() == settings_read() | checks.READ_ELSEWHERE


def test_every_command_of_ours_is_described() -> None:
    ours = {name for name, app in get_commands().items() if str(app).split(".")[0] in PACKAGES}
    described = set(re.findall(r"^## `(\w+)`", page("commands.md"), re.MULTILINE))
    assert described == ours


def options(command: str) -> set[str]:
    """The long options of one of our commands, without those of every Django command."""
    django = {option for action in BaseCommand().create_parser("", "")._actions for option in action.option_strings}
    app = get_commands()[command]
    own = load_command_class(str(app), command).create_parser("", command)._actions
    return {option for action in own for option in action.option_strings if option.startswith("--")} - django


def test_every_option_of_our_commands_is_described() -> None:
    sections = re.split(r"^## `(\w+)`", page("commands.md"), flags=re.MULTILINE)
    for command, text in zip(sections[1::2], sections[2::2], strict=True):
        described = set(re.findall(r"`(--[a-z-]+)`", text.partition("| option |")[2]))
        assert described == options(command), command


def patterns(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in resolver.url_patterns:
        route = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(entry.pattern))
        found += patterns(entry, route) if isinstance(entry, URLResolver) else [route]
        assert isinstance(entry, URLPattern | URLResolver)
    return found


def test_every_address_is_described() -> None:
    described = set(re.findall(r"^\| `/(\S*)`", page("addresses.md"), re.MULTILINE))
    assert described == set(patterns(get_resolver()))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page: letters, digits, - and _ stay, spaces become -."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        name = re.sub(r"[^\w -]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-")
        found.add(name if name not in found else f"{name}-{sum(other.startswith(name) for other in found)}")
    return found


def test_links_between_pages_lead_somewhere() -> None:
    for path, text in repository.texts(".md").items():
        for link in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)", text):
            name, _, anchor = link.partition("#")
            target = ROOT / path.parent / name if name else ROOT / path
            assert target.exists(), f"{path}: {link}"
            assert not anchor or anchor in anchors(target.read_text()), f"{path}: {link}: no such heading"


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path, text in repository.texts(".md").items():
        for target in re.findall(r"`make ([a-z-]+)", text):
            assert target in targets or (target.startswith("bench-") and "bench-%" in targets), f"{path}: make {target}"


def test_commands_in_documents_exist() -> None:
    known = set(get_commands())
    for path, text in repository.texts(".md").items():
        for command in re.findall(r"manage\.py ([a-z_]+)", text):
            assert command in known, f"{path}: manage.py {command}"


def test_the_folders_of_the_architecture_page_are_those_of_the_tree() -> None:
    row = r"^\| `((?:r4web|recommender|reviews|worker)/\S*)` \|"
    described = re.findall(row, page("architecture.md"), re.MULTILINE)
    there = {f"{path.parent.as_posix()}/" for path in repository.python() if "migrations" not in path.parts}
    assert sorted(described) == sorted(there)
