"""The card's templates are Jinja's: the environment they have, and the tag by which pages show parts of a card."""

from functools import cache
from typing import Any

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template import RequestContext
from django.template.defaultfilters import capfirst, date, floatformat, pluralize
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString
from jinja2 import ChainableUndefined, Environment

from reviews.room.buttons import button_of
from reviews.templatetags.evidence import is_prose, rows, shown, speaks_to_ai
from reviews.templatetags.evidence import words as joined
from reviews.templatetags.verdicts import given_on
from reviews.templatetags.words import checked, step

register = template.Library()

STANDS_FOR = 8_888_888_800  # and the next ones: numbers that are no row's
FILTERS = (
    *(capfirst, checked, date, floatformat, given_on, intcomma, is_prose, pluralize, rows, shown, speaks_to_ai, step),
)


def environment(**options: Any) -> Environment:
    """Templates say what they would say to Django: the same filters, and what is not there is empty."""
    options |= {"autoescape": True, "undefined": ChainableUndefined}
    made = Environment(**options)  # noqa: S701 - it does escape
    made.filters |= {each.__name__: each for each in FILTERS} | {"words": joined}
    made.globals |= {"button_of": button_of, "url": _url}
    return made


def _url(name: str, *numbers: int) -> str:
    """As reverse, which takes a tenth of a millisecond; a card has twenty addresses."""
    address = _address(name, len(numbers), get_script_prefix())
    for place, number in enumerate(numbers):
        address = address.replace(str(STANDS_FOR + place), str(number))
    return address


@cache
def _address(name: str, numbers: int, _prefix: str) -> str:
    return reverse(name, args=range(STANDS_FOR, STANDS_FOR + numbers))


@register.simple_tag(takes_context=True)
def card_part(context: RequestContext, name: str) -> SafeString:
    """A template of the card's, with what this one knows."""
    known: Any = context.flatten()
    return SafeString(render_to_string(name, known, context["request"], using="card"))
