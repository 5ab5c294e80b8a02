"""Plots as SVG made on the server: intervals, curves over epochs, and bars of shares.

This file says where everything lies; templates/charts draws it.

Colours come from classes in static/charts.css, so that light and dark follow the page; nothing is told by colour alone.
The drawing is 400 units wide, narrow enough for its text to be read on a phone. Every plot has a title and a
description in words, and the page has the same numbers as a table. `key` is its id in the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

WIDTH = 400.0
LEFT, RIGHT = 12.0, 388.0
ROW = 44.0  # a label with its value, and the interval below
AXIS = 34.0
PLOT_HEIGHT = 190.0
LEGEND_ROW = 22.0
MOST_EPOCHS = 10  # numbers below a plot
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


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1. `beside`: what it is compared with, a line across the bar."""

    label: str
    value: float
    beside: float | None = None


def intervals(
    key: str,
    title: str,
    description: str,
    marks: Sequence[Mark],
    *,
    signed: bool,
    write: Callable[[float], str] | None = None,
) -> SafeString:
    """Estimates with their intervals, one below the other. `signed`: differences, with a line at zero.

    `write`: how numbers are written, unless as usual.
    """
    low, high = min(mark.low for mark in marks), max(mark.high for mark in marks)
    if signed:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks = _ticks(low, high)
    x = _scale(min(low, ticks[0]), max(high, ticks[-1]), LEFT + 18, RIGHT - 18)
    write = write or (_signed if signed else _plain)
    bottom = ROW * len(marks) + 8
    drawn = [
        {
            "tone": mark.tone,
            "label": mark.label,
            "value": write(mark.estimate),
            "low": _at(x(mark.low)),
            "estimate": _at(x(mark.estimate)),
            "high": _at(x(mark.high)),
            "words": _at(row + 16),
            "top": _at(row + 25),
            "middle": _at(row + 30),
            "bottom": _at(row + 35),
        }
        for mark, row in ((mark, ROW * place + 4) for place, mark in enumerate(marks))
    ]
    drawing = {
        "ticks": [{"at": _at(x(tick)), "label": write(tick)} for tick in ticks],
        "zero": _at(x(0.0)) if signed else "",
        "marks": drawn,
        "left": _at(LEFT),
        "right": _at(RIGHT),
        "bottom": _at(bottom),
        "below": _at(bottom + 18),
    }
    return _figure("charts/intervals.html", key, title, description, height=bottom + AXIS, drawing=drawing)


def curves(key: str, title: str, description: str, lines: Sequence[Line]) -> SafeString:
    """Lines over epochs, with a legend below that names their dashes."""
    values = [value for line in lines for value in line.values]
    epochs = max(len(line.values) for line in lines)
    ticks = _ticks(min(values), max(values))
    y = _scale(min(*values, ticks[0]), max(*values, ticks[-1]), PLOT_HEIGHT - 6, 12)
    x = _scale(1, max(2, epochs), LEFT + 44, RIGHT - 8)
    drawn = []
    for place, line in enumerate(lines):
        dots = [{"x": _at(x(epoch)), "y": _at(y(value))} for epoch, value in enumerate(line.values, start=1)]
        words = PLOT_HEIGHT + 58 + LEGEND_ROW * place
        drawn.append(
            {
                "style": place % LINE_STYLES,
                "label": line.label,
                "dots": dots,
                "points": " ".join(f"{dot['x']},{dot['y']}" for dot in dots),
                "sample": _at(words - 4),
                "words": _at(words),
            }
        )
    drawing = {
        "ticks": [{"at": _at(y(tick)), "words": _at(y(tick) + 4), "label": _plain(tick)} for tick in ticks],
        "epochs": [{"at": _at(x(n)), "label": n} for n in range(1, epochs + 1, -(-epochs // MOST_EPOCHS))],
        "lines": drawn,
        "left": _at(LEFT),
        "tick_right": _at(LEFT + 34),
        "grid_left": _at(LEFT + 40),
        "sample_right": _at(LEFT + 34),
        "label_left": _at(LEFT + 42),
        "middle": _at(WIDTH / 2),
        "right": _at(RIGHT),
        "below": _at(PLOT_HEIGHT + 16),
        "name_below": _at(PLOT_HEIGHT + 32),
        "across": "epoch",
    }
    height = PLOT_HEIGHT + 48 + LEGEND_ROW * len(lines)
    return _figure("charts/curves.html", key, title, description, height=height, drawing=drawing)


def bars(key: str, title: str, description: str, shown: Sequence[Bar]) -> SafeString:
    """Shares, one bar below the other; a whole line is 1."""
    x = _scale(0.0, 1.0, LEFT, RIGHT)
    drawn = [
        {
            "label": bar.label,
            "value": f"{100 * bar.value:.0f} %"
            if bar.beside is None
            else f"{_share(bar.value)}, elsewhere {_share(bar.beside)}",
            "length": _at(x(bar.value) - LEFT),
            "beside": "" if bar.beside is None else _at(x(bar.beside)),
            "words": _at(row + 16),
            "line_top": _at(row + 22),
            "top": _at(row + 24),
            "line_bottom": _at(row + 36),
        }
        for bar, row in ((bar, ROW * place + 4) for place, bar in enumerate(shown))
    ]
    drawing = {"bars": drawn, "left": _at(LEFT), "right": _at(RIGHT), "whole": _at(RIGHT - LEFT)}
    return _figure("charts/bars.html", key, title, description, height=ROW * len(shown) + 8, drawing=drawing)


def _figure(
    template: str, key: str, title: str, description: str, *, height: float, drawing: Mapping[str, Any]
) -> SafeString:
    about = {"key": key, "title": title, "description": description, "width": int(WIDTH), "height": round(height)}
    return render_to_string(template, {**about, **drawing})


def _share(value: float) -> str:
    """In percent, small ones with a decimal: 1.6 % and 0.5 % would else look alike."""
    return f"{100 * value:.{0 if value >= 0.1 else 1}f} %"


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
