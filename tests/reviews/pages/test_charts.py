from xml.etree import ElementTree

import pytest

from reviews.pages.charts import LEFT, Bar, Line, Mark, bars, curves, intervals

SVG = "{http://www.w3.org/2000/svg}"
MARKS = [
    Mark("knowledge − base", 0.002, 0.001, 0.003, "good"),
    Mark("random − base", -0.0004, -0.001, 0.0005),
    Mark("<b>shuffled</b> − base", -0.003, -0.004, -0.002, "bad"),
]


def parsed(svg):
    root = ElementTree.fromstring(str(svg).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))
    return root, [one.text for one in root.iter(f"{SVG}text")]


def across(mark):
    """Where a mark's interval begins, where its estimate is, and where it ends."""
    interval, *_ = mark.findall(f"{SVG}line")
    return float(interval.get("x1")), float(mark.find(f"{SVG}circle").get("cx")), float(interval.get("x2"))


def test_intervals_are_to_scale_and_zero_divides_better_from_worse():
    root, texts = parsed(intervals("auc", "Differences", "In words.", MARKS, signed=True))
    marks = list(root.iter(f"{SVG}g"))
    (zero,) = [float(line.get("x1")) for line in root.iter(f"{SVG}line") if line.get("class") == "zero"]
    good, plain, bad = map(across, marks)

    assert zero < good[0] < good[1] < good[2]
    assert plain[0] < zero < plain[2]
    assert bad[2] < zero
    assert good[1] - zero == pytest.approx((zero - bad[1]) * 2 / 3, rel=0.02)
    assert [one.get("class") for one in marks] == ["mark is-good", "mark is-plain", "mark is-bad"]
    assert {"+0.0020", "−0.0004", "−0.0030"} <= set(texts)
    assert "<b>shuffled</b> − base" in texts  # as text


def test_a_plot_says_in_words_what_it_shows():
    root, _ = parsed(intervals("auc", "Differences", "In words.", MARKS, signed=True))
    named = root.get("aria-labelledby").split()

    assert root.get("role") == "img"
    assert [root.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")] == named
    assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == ("Differences", "In words.")


def test_everything_lies_inside_the_drawing():
    wide = [Mark("wide", 0.05, -0.3, 0.4), Mark("narrow", 0.0, 0.0, 0.0)]
    for svg in (
        intervals("a", "t", "d", wide, signed=True),
        intervals("b", "t", "d", [Mark("AUC", 0.81, 0.805, 0.816)], signed=False),
        intervals("c", "t", "d", [Mark("constant", 0.5, 0.5, 0.5)], signed=False),
        curves("d", "t", "d", [Line("base", [0.7, 0.75, 0.74]), Line("knowledge", [0.72])]),
        curves("e", "t", "d", [Line("one epoch", [0.7])]),
    ):
        root, _ = parsed(svg)
        _, _, width, height = map(float, root.get("viewBox").split())
        for name, end in (("x", width), ("x1", width), ("x2", width), ("cx", width), ("y", height), ("cy", height)):
            assert all(0 <= float(one.get(name)) <= end for one in root.iter() if one.get(name))


def test_values_that_are_no_differences_have_no_zero_line():
    root, texts = parsed(intervals("auc", "AUC", "d", [Mark("DIN", 0.8123, 0.81, 0.815)], signed=False))

    assert not [line for line in root.iter(f"{SVG}line") if line.get("class") == "zero"]
    assert "0.812" in texts


def test_a_curve_rises_where_its_values_rise_and_every_line_is_named():
    root, texts = parsed(
        curves("epochs", "t", "d", [Line("base", [0.70, 0.75, 0.74]), Line("knowledge", [0.72, 0.76])])
    )
    first, second = (
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in root.iter(f"{SVG}polyline")
    )

    assert [x for x, _ in first] == sorted({x for x, _ in first})
    assert first[1][1] < first[2][1] < first[0][1]  # y grows downwards
    assert second[0][1] < first[0][1]
    assert [x for x, _ in second] == [x for x, _ in first[:2]]
    assert {"base", "knowledge", "epoch", "1", "2", "3"} <= set(texts)
    assert len({line.get("class") for line in root.iter(f"{SVG}polyline")}) == 2


def test_bars_are_to_scale_and_say_what_they_are_compared_with():
    root, words = parsed(bars("key", "Likes", "words", [Bar("War", 0.5, 0.25), Bar("<b>Noir</b>", 1.0)]))
    war, noir = (float(one.get("width")) for one in root.iter(f"{SVG}rect") if one.get("class") == "amount")
    (line,) = root.iter(f"{SVG}line")

    assert war == pytest.approx(noir / 2)
    assert float(line.get("x1")) == pytest.approx(LEFT + noir / 4, abs=0.1)
    assert words == ["War", "50 %, elsewhere 25 %", "<b>Noir</b>", "100 %"]


def test_small_shares_that_differ_do_not_read_alike():
    _, words = parsed(bars("key", "Likes", "words", [Bar("Jordan Peele", 0.016, 0.005)]))

    assert words == ["Jordan Peele", "1.6 %, elsewhere 0.5 %"]
