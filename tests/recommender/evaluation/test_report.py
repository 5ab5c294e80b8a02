import pytest

from recommender.evaluation.report import Effect, Explained, about_rows, effect, report

UP, DOWN, NONE = (0.002, 0.001, 0.003), (-0.002, -0.003, -0.001), (0.0002, -0.001, 0.0014)


def rows(one, other, auc, gauc, *, seeds=5, history="streaming", part="all", backbone="din"):
    """Differences of AUC and GAUC; None where one is undefined."""
    where = {"backbone": backbone, "one": one, "other": other, "history": history, "slice": part, "seeds": seeds}
    return [
        where | {"metric": metric, "estimate": values[0], "low": values[1], "high": values[2]}
        for metric, values in (("auc", auc), ("gauc", gauc))
        if values is not None
    ]


def figures(*differences, arms=("base", "knowledge"), parts=("all",)):
    return {
        "arms": [
            {
                "backbone": "din",
                "arm": arm,
                "history": "streaming",
                "slice": "all",
                "metric": "logloss",
                **dict.fromkeys(("estimate", "low", "high"), 0.5),
                "seeds": 5,
            }
            for arm in arms
        ],
        "differences": [row for some in differences for row in some],
        "slices": {part: {"samples": 10, "end_users": 3} for part in parts},
    }


def found(*differences, **more):
    (finding,) = report(figures(*differences, **more))
    return finding, " ".join(finding.sentences)


@pytest.mark.parametrize(
    ("auc", "gauc", "expected"),
    [
        (UP, UP, Effect.HELPS),
        (UP, NONE, Effect.PARTLY),
        (NONE, UP, Effect.PARTLY),
        (NONE, NONE, Effect.UNCLEAR),
        (DOWN, NONE, Effect.HURTS),
        (DOWN, DOWN, Effect.HURTS),
        (UP, DOWN, Effect.MIXED),
    ],
)
def test_the_effect_goes_by_the_intervals_of_auc_and_gauc(auc, gauc, expected):
    assert effect(rows("knowledge", "base", auc, gauc)) == expected


def test_an_interval_that_ends_at_zero_is_no_effect():
    assert effect(rows("knowledge", "base", (0.001, 0.0, 0.002), (-0.001, -0.002, 0.0))) == Effect.UNCLEAR


def test_nothing_done_gives_no_finding():
    assert report({}) == []


def test_without_texts_nothing_is_said_about_knowledge():
    (finding,) = report(figures(rows("knowledge", "base", NONE, NONE)), texts=0)

    assert (finding.effect, finding.claim, finding.tone) == (Effect.UNKNOWN, False, "info")
    assert finding.headline == "There are no texts, so we cannot say whether texts help DIN."
    assert "is the model without it" in finding.sentences[0]
    (without,) = report(figures(arms=("base",)), texts=0)
    assert without.headline == "We cannot say yet whether the texts help DIN."


@pytest.mark.parametrize(
    ("settings", "users", "words"),
    [
        ({}, 1.0, "Split r4ec: 1,200 test samples of 30 end users."),
        ({"split": "kar", "fold": 3}, 1, "Split kar, fold 3: 1,200 test samples of 30 end users."),
        (
            {"split": "given", "valid_from": 5, "test_from": 9},
            1,
            "Split given, valid from 5, test from 9: 1,200 test samples of 30 end users.",
        ),
        ({"fold": 0}, 0.05, "Split r4ec: 1,200 test samples of 30 end users; 5 % of all end users, drawn at random."),
    ],
)
def test_the_rows_are_named(settings, users, words):
    facts = {"samples": {"test": {"labelled": 1200, "end_users": 30}}}

    assert about_rows({"settings": settings, "users": users}, facts) == words


def test_knowledge_that_beats_every_control_helps():
    gain = rows("knowledge", "base", UP, UP)
    finding, said = found(gain, rows("knowledge", "shuffled", UP, UP), rows("knowledge", "metadata", NONE, UP)[1:])

    assert (finding.effect, finding.explained, finding.claim, finding.tone) == ("helps", "no", True, "good")
    assert finding.headline == "The texts help with DIN, and nothing in their place does as well."
    assert "+0.0020 AUC [+0.0010, +0.0030] and +0.0020 GAUC" in said
    assert "beats the one control that was run (shuffled) in AUC and GAUC" in said  # metadata lacks its AUC
    assert "over 5 seeds" in said


def test_a_control_that_does_as_well_in_one_of_them_takes_the_claim_away():
    finding, said = found(
        rows("knowledge", "base", UP, UP),
        rows("knowledge", "shuffled", UP, UP),
        rows("knowledge", "metadata", UP, NONE),
    )

    assert (finding.explained, finding.tone) == (Explained.YES, "warn")
    assert finding.headline == "The texts help with DIN, but something else in their place may do as well."
    assert "the strongest control (metadata: titles and attributes as plain sentences)" in said
    assert "not surely above zero in GAUC" in said


def test_where_only_auc_is_gained_controls_are_asked_about_auc():
    finding, said = found(rows("knowledge", "base", UP, NONE), rows("knowledge", "random", UP, NONE))

    assert finding.headline == "The texts help in part with DIN, and nothing in their place does as well."
    assert finding.tone == "warn"
    assert "(random) in AUC." in said


def test_without_controls_the_report_says_what_that_leaves_open():
    finding, said = found(rows("knowledge", "base", UP, UP))

    assert finding.explained == Explained.UNTESTED
    assert finding.headline == "The texts help with DIN, but nothing else was tried in their place."
    assert "nothing says that it is the knowledge" in said


def test_fewer_seeds_than_a_claim_takes_are_a_lead():
    finding, said = found(rows("knowledge", "base", UP, UP, seeds=4), rows("knowledge", "random", UP, UP, seeds=4))

    assert (finding.claim, finding.tone) == (False, "info")
    assert finding.headline == "Only a hint so far: the texts help with DIN, and nothing in their place does as well."
    assert "That is 4 seeds: 5 or more are conclusive" in said


def test_a_control_with_fewer_seeds_holds_the_claim_back():
    finding, said = found(rows("knowledge", "base", UP, UP), rows("knowledge", "random", UP, UP, seeds=1))

    assert not finding.claim
    assert "That is one seed" in said


def test_negative_and_mixed_results_are_said_as_plainly():
    hurts, said = found(rows("knowledge", "base", DOWN, DOWN), rows("knowledge", "random", DOWN, NONE))
    mixed, _ = found(rows("knowledge", "base", UP, DOWN), rows("knowledge", "random", UP, DOWN))
    unclear, _ = found(rows("knowledge", "base", NONE, NONE), rows("knowledge", "random", NONE, NONE))

    assert (hurts.headline, hurts.tone) == ("The texts hurt with DIN.", "bad")
    assert "−0.0020 AUC [−0.0030, −0.0010]" in said
    assert mixed.headline == "The texts cut both ways with DIN: one measure rises, another falls."
    assert unclear.headline == "The texts make no difference that can be told with DIN."
    assert unclear.explained == mixed.explained == Explained.NOTHING


def test_the_frozen_history_is_compared_with_the_streaming_one():
    gain = rows("knowledge", "base", UP, UP)
    _, same = found(gain, rows("knowledge", "base", UP, UP, history="frozen"))
    _, other = found(gain, rows("knowledge", "base", NONE, NONE, history="frozen"))
    _, none = found(gain)

    assert "frozen at the split, as for a list that is served, the same holds: +0.0020 AUC" in same
    assert "it makes no difference that can be told: +0.0002 AUC" in other
    assert "frozen" not in none


def test_where_catalogs_were_ranked_the_report_says_what_lists_gain():
    gain = rows("knowledge", "base", UP, UP)
    of_lists = [gain[0] | {"metric": "ndcg@10", "history": "frozen"}]
    _, said = found(gain, of_lists)
    _, without = found(gain)

    assert "In lists from the whole catalog the change is +0.0020 NDCG@10 [+0.0010, +0.0030]." in said
    assert "In lists from" not in without


def test_slices_are_sorted_into_helped_hurt_and_unclear():
    _, said = found(
        rows("knowledge", "base", UP, UP),
        rows("knowledge", "base", UP, UP, part="cold items"),
        rows("knowledge", "base", DOWN, UP, part="head items"),
        rows("knowledge", "base", NONE, UP, part="tail items"),
        parts=("all", "cold items", "head items", "tail items"),
    )

    assert "It helps cold items (+0.0020 AUC" in said
    assert "It hurts head items (−0.0020 AUC" in said
    assert "These are 3 comparisons at 95 % each, so that one may stand out by chance." in said
    assert "No difference can be told for tail items" in said


def test_what_is_missing_is_named():
    unfinished, said = found(arms=("base",))
    one_class, why = found(rows("knowledge", "base", None, None))
    no_gauc, only = found(rows("knowledge", "base", UP, None))

    assert unfinished.headline == "We cannot say yet whether the texts help DIN."
    assert "a model with knowledge" in said
    assert one_class.effect == Effect.UNKNOWN
    assert "everything in the test part is liked, or nothing is" in why
    assert no_gauc.effect == Effect.UNKNOWN
    assert "Only +0.0020 AUC" in only


def test_each_backbone_has_its_own_finding():
    both = figures(rows("knowledge", "base", UP, UP), rows("knowledge", "base", DOWN, DOWN, backbone="dcn"))
    both["arms"] += [row | {"backbone": "dcn"} for row in both["arms"]]

    assert [(one.backbone, one.effect) for one in report(both)] == [("din", "helps"), ("dcn", "hurts")]
    said = "The texts help with DIN, but nothing else was tried in their place."
    assert report(both)[0].to_json()["headline"] == said
