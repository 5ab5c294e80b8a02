"""Plots as SVG made on the server: intervals, and curves over epochs. Pure: values in, markup out.

Colours come from classes in static/charts.css, so that light and dark follow the page; nothing is told by colour alone.
The drawing is 400 units wide, narrow enough for its text to be read on a phone. Every plot has a title and a
description in words, and the page has the same numbers as a table. `key` is its id in the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log10

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 400.0
LEFT, RIGHT = 12.0, 388.0
ROW = 44.0  # a label with its value, and the interval below
AXIS = 34.0
PLOT_HEIGHT = 190.0
LINE_STYLES = 8  # classes line-0 … of charts.css: colours and dashes


@dataclass(frozen=True, slots=True)
class Mark:
    """One interval. `tone`: good, bad or plain."""

    label: str
    estimate: float
    low: float
    high: float
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Line:
    """A value for each epoch, from the first on."""

    label: str
    values: Sequence[float]


def intervals(key: str, title: str, description: str, marks: Sequence[Mark], *, signed: bool) -> SafeString:
    """Estimates with their intervals, one below the other. `signed`: differences, with a line at zero."""
    low, high = min(mark.low for mark in marks), max(mark.high for mark in marks)
    if signed:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks = _ticks(low, high)
    x = _scale(min(low, ticks[0]), max(high, ticks[-1]), LEFT + 18, RIGHT - 18)
    write = _signed if signed else _plain
    bottom = ROW * len(marks) + 8
    rows = format_html_join(
        "",
        '<g class="mark is-{}"><text x="{}" y="{}">{}</text><text class="value" x="{}" y="{}">{}</text>'
        '<line x1="{}" x2="{}" y1="{}" y2="{}"/><line x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<line x1="{}" x2="{}" y1="{}" y2="{}"/><circle cx="{}" cy="{}" r="4.5"/></g>',
        (
            (
                *(mark.tone, LEFT, _at(top + 16), mark.label, RIGHT, _at(top + 16), write(mark.estimate)),
                *(_at(x(mark.low)), _at(x(mark.high)), _at(top + 30), _at(top + 30)),
                *(_at(x(mark.low)), _at(x(mark.low)), _at(top + 25), _at(top + 35)),
                *(_at(x(mark.high)), _at(x(mark.high)), _at(top + 25), _at(top + 35)),
                *(_at(x(mark.estimate)), _at(top + 30)),
            )
            for mark, top in zip(marks, (ROW * place + 4 for place in range(len(marks))), strict=True)
        ),
    )
    zero = _vertical("zero", x(0.0), bottom) if signed else SafeString("")
    return _figure(key, title, description, bottom + AXIS, [_horizontal_axis(ticks, x, bottom, write), zero, rows])


def curves(key: str, title: str, description: str, lines: Sequence[Line]) -> SafeString:
    """Lines over epochs, with a legend below that names their dashes."""
    values = [value for line in lines for value in line.values]
    epochs = max(len(line.values) for line in lines)
    ticks = _ticks(min(values), max(values))
    y = _scale(min(*values, ticks[0]), max(*values, ticks[-1]), PLOT_HEIGHT - 6, 12)
    x = _scale(1, max(2, epochs), LEFT + 44, RIGHT - 8)
    grid = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="tick" x="{}" y="{}">{}</text>',
        ((LEFT + 40, RIGHT, _at(y(t)), _at(y(t)), LEFT + 34, _at(y(t) + 4), _plain(t)) for t in ticks),
    )
    step = -(-epochs // 10)
    below = format_html_join(
        "",
        '<text class="tick is-middle" x="{}" y="{}">{}</text>',
        ((_at(x(epoch)), PLOT_HEIGHT + 16, epoch) for epoch in range(1, epochs + 1, step)),
    )
    name = format_html('<text class="tick is-middle" x="{}" y="{}">epoch</text>', WIDTH / 2, PLOT_HEIGHT + 32)
    drawn = format_html_join(
        "",
        '<polyline class="line line-{}" points="{}"/>{}',
        (
            (
                place % LINE_STYLES,
                " ".join(f"{_at(x(epoch))},{_at(y(value))}" for epoch, value in enumerate(line.values, start=1)),
                _dots(place, line, x, y),
            )
            for place, line in enumerate(lines)
        ),
    )
    legend = format_html_join(
        "",
        '<line class="line line-{}" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}">{}</text>',
        (
            (place % LINE_STYLES, LEFT, LEFT + 34, top - 4, top - 4, LEFT + 42, top, line.label)
            for place, (line, top) in enumerate(zip(lines, count(int(PLOT_HEIGHT) + 58, 22), strict=False))
        ),
    )
    return _figure(key, title, description, PLOT_HEIGHT + 48 + 22 * len(lines), [grid, below, name, drawn, legend])


def _dots(place: int, line: Line, x: Callable[[float], float], y: Callable[[float], float]) -> SafeString:
    return format_html_join(
        "",
        '<circle class="dot line-{}" cx="{}" cy="{}" r="2.5"/>',
        ((place % LINE_STYLES, _at(x(epoch)), _at(y(value))) for epoch, value in enumerate(line.values, start=1)),
    )


def _figure(key: str, title: str, description: str, height: float, parts: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="0 0 {0} {1}" role="img" aria-labelledby="chart-{2}-title chart-{2}-desc">'
        '<title id="chart-{2}-title">{3}</title><desc id="chart-{2}-desc">{4}</desc>{5}</svg>',
        int(WIDTH),
        round(height),
        key,
        title,
        description,
        SafeString("".join(parts)),
    )


def _horizontal_axis(
    ticks: Sequence[float], x: Callable[[float], float], bottom: float, write: Callable[[float], str]
) -> SafeString:
    return format_html_join(
        "",
        '<line class="grid" x1="{0}" x2="{0}" y1="4" y2="{1}"/><text class="tick is-middle" x="{0}" y="{2}">{3}</text>',
        ((_at(x(tick)), _at(bottom), _at(bottom + 18), write(tick)) for tick in ticks),
    )


def _vertical(kind: str, x: float, bottom: float) -> SafeString:
    return format_html('<line class="{}" x1="{}" x2="{}" y1="4" y2="{}"/>', kind, _at(x), _at(x), _at(bottom))


def _scale(low: float, high: float, first: float, last: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: first + (value - low) / span * (last - first)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that reach over the span."""
    span = high - low or max(abs(high), 1e-3) / 10
    power = floor(log10(span)) - 1
    sizes = (part * 10.0**n for n in (power, power + 1) for part in (1, 2, 5))
    size = next(size for size in sizes if span / size <= 4)
    return [n * size for n in range(floor(low / size), ceil(high / size) + 1)]


def _at(value: float) -> str:
    return f"{value:.1f}"


def _plain(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.3f}"


def _signed(value: float) -> str:
    return "0" if abs(value) < 5e-7 else f"{value:+.4f}".replace("-", "−")
