"""Apply an htmx answer to a page the way the browser would, to compare the patched page with a fresh one."""

import re
from collections.abc import Callable

from django.http import HttpResponse
from django.test.html import Element, parse_html

# What differs from render to render though the page is the same.
_VOLATILE = (
    (re.compile(r'name="csrfmiddlewaretoken" value="\w+"'), 'name="csrfmiddlewaretoken"'),
    # The theme's form leads back to the address it was rendered at; htmx moves the address on.
    (re.compile(r'name="next" value="[^"]*"'), 'name="next"'),
    (re.compile(r'"X-CSRFToken": "\w+"'), '"X-CSRFToken"'),
    (re.compile(r'data-seconds-left="\d+"'), "data-seconds-left"),
    (re.compile(r'name="shown_at" value="[^"]*"'), 'name="shown_at"'),
)


def parsed(response: HttpResponse) -> Element:
    """The answer as a tree. Raises on markup that does not nest."""
    html = response.content.decode()
    for pattern, stable in _VOLATILE:
        html = pattern.sub(stable, html)
    return parse_html(html)


def patched(page: HttpResponse, fragment: HttpResponse, *, target: str) -> Element:
    """The page with `#target` replaced by the fragment (hx-swap="outerHTML"), and the fragment's title."""
    tree, answer = parsed(page), parsed(fragment)
    elements = [answer] if answer.name else [child for child in answer.children if isinstance(child, Element)]
    titles = [element for element in elements if element.name == "title"]
    roots = [element for element in elements if element.name != "title"]
    assert len(roots) == 1, "a fragment has one root"
    assert _id(roots[0]) == target, f"the fragment's root is #{_id(roots[0])}, not #{target}"
    assert _replace(tree, lambda element: _id(element) == target, roots[0]), f"the page has no #{target}"
    if titles:
        assert _replace(tree, lambda element: element.name == "title", titles[0]), "the page has no title"
    return tree


def without(tree: Element, *, attribute: str) -> Element:
    """The tree without the elements that have this attribute: what is shown once and gone after a reload."""
    tree.children = [
        without(child, attribute=attribute) if isinstance(child, Element) else child
        for child in tree.children
        if not (isinstance(child, Element) and attribute in dict(child.attributes))
    ]
    return tree


def _id(element: Element) -> str | None:
    return dict(element.attributes).get("id")


def _replace(tree: Element, matches: Callable[[Element], bool], new: Element) -> bool:
    for position, child in enumerate(tree.children):
        if not isinstance(child, Element):
            continue
        if matches(child):
            tree.children[position] = new
            return True
        if _replace(child, matches, new):
            return True
    return False
