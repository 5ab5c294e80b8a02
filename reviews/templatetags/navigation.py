"""Template tags of the base page: the links of the top bar, and the theme."""

from dataclasses import dataclass

from django import template
from django.template import RequestContext
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.accounts.visible import is_limited
from reviews.policy import Action, may

register = template.Library()

LINKS = (
    ("Queue", "reviews:queue", Action.SEE_QUEUE),
    ("Texts", "reviews:rounds", Action.SEE_ROUNDS),
    ("Models", "reviews:backbones", Action.SEE_BACKBONES),
    ("Evaluations", "reviews:evaluations", Action.SEE_BACKBONES),
    ("Experiments", "reviews:experiments", Action.SEE_EXPERIMENTS),
    ("Rules", "reviews:rules", Action.SEE_RULES),
    ("Why", "reviews:insights", Action.BROWSE_EXPLANATIONS),
    ("Groups", "reviews:experts", Action.BROWSE_EXPLANATIONS),
    ("Tokens", "reviews:tokens", Action.MANAGE_TOKENS),
    ("Accounts", "reviews:accounts", Action.MANAGE_ACCOUNTS),
)
THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class ThemeChoice:
    value: str
    label: str
    pressed: bool


@register.simple_tag(takes_context=True)
def navigation(context: RequestContext) -> list[Link]:
    """The pages this account may open. A link is current on its page and on the pages below it."""
    request = context["request"]
    role, limited = request.user.role, is_limited(request.user)
    allowed = ((label, reverse(name)) for label, name, action in LINKS if may(role, action, limited=limited))
    return [Link(label, url, request.path.startswith(url)) for label, url in allowed]


def _theme(context: RequestContext) -> str:
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in dict(THEMES) else "system"


@register.simple_tag(takes_context=True)
def themes(context: RequestContext) -> list[ThemeChoice]:
    chosen = _theme(context)
    return [ThemeChoice(value, label, value == chosen) for value, label in THEMES]


@register.simple_tag(takes_context=True)
def theme_attribute(context: RequestContext) -> SafeString:
    """` data-theme="dark"` for <html>; nothing while the system decides."""
    chosen = _theme(context)
    return format_html(' data-theme="{}"', chosen) if chosen != "system" else SafeString("")
