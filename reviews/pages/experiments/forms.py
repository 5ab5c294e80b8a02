"""Writing an experiment: what is compared and what counts, and up to four variants."""

from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from recommender.experiments.service import MOST_HOURS, Plan, without_texts
from recommender.models import Account, BackboneVersion, Catalog, ExperimentKind, HoldoutSource, Metric
from recommender.serving.rankers import RANKERS
from recommender.serving.steering import STRONGEST
from recommender.serving.variants import Variant
from reviews.pages.filters import offer_catalogs

MOST = 4  # variants on the page; REST takes more
KINDS: dict[str, str] = {
    ExperimentKind.BETWEEN: "Each user gets one variant",
    ExperimentKind.INTERLEAVED: "Each list mixes two variants, and clicks decide",
}
METRICS: dict[str, str] = {
    Metric.CLICKING: "Users who click",
    Metric.CLICKED_LISTS: "Lists that are clicked",
    Metric.LIKING: "Users who like an item",
    Metric.BUYING: "Users who buy an item",
    Metric.RATING: "Mean rating",
    Metric.HELPFUL: "Reasons called helpful",
}
SCENARIOS = {"backbone": "Those that a model ranks", "thinkrec": "Those that an AI scored"}
SOURCES: dict[str, str] = {HoldoutSource.POPULAR: "The popular items", HoldoutSource.NEWEST: "The newest items"}


class ExperimentForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    key = forms.SlugField(label="Name", max_length=60, help_text="Letters, digits, - and _. Programs are told it.")
    kind = forms.ChoiceField(label="How", choices=list(KINDS.items()))
    primary = forms.ChoiceField(
        label="What decides", choices=list(METRICS.items()), help_text="All is shown; this alone decides."
    )
    scenario = forms.ChoiceField(
        label="For which lists",
        required=False,
        choices=[("", "All"), *((name, SCENARIOS.get(name, name)) for name in sorted(RANKERS))],
    )
    window_hours = forms.IntegerField(
        label="Observe each user for, in hours",
        min_value=1,
        max_value=MOST_HOURS,
        initial=24,
        help_text="From the first list on. A user counts once that time is over.",
    )
    planned = forms.IntegerField(
        label="Users that you expect", min_value=100, initial=2000, help_text="Figures are most exact near it."
    )
    smallest = forms.FloatField(
        label="Smallest difference worth knowing, in %", min_value=0.01, max_value=100, initial=5
    )
    holdout = forms.FloatField(
        label="Hold out, in % of the users",
        min_value=0,
        max_value=50,
        initial=0,
        help_text="They get lists that are not personal, to see what all of it is worth.",
    )
    holdout_source = forms.ChoiceField(label="Who is held out gets", choices=list(SOURCES.items()))

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)

    def plan(self, variants: list[Variant]) -> Plan:
        """Of a valid form."""
        chosen = self.cleaned_data
        return Plan(
            **{name: chosen[name] for name in ("key", "kind", "primary", "scenario", "window_hours", "planned")},
            variants=variants,
            smallest_lift=chosen["smallest"] / 100,
            holdout=chosen["holdout"] / 100,
            holdout_source=chosen["holdout_source"],
        )


class VariantForm(forms.Form):
    """One variant; without a name there is none."""

    name = forms.SlugField(label="Name", max_length=30, required=False)
    weight = forms.IntegerField(
        label="Share of the users", min_value=1, max_value=1000, initial=1, help_text="In parts: 1 and 1 are halves."
    )
    version = forms.TypedChoiceField(label="Model", required=False, coerce=int, empty_value=None)
    texts = forms.ChoiceField(
        label="Texts", choices=[("with", "With the texts"), ("without", "Without: by a model that never read any")]
    )
    steering = forms.FloatField(
        label="Strength of approved statements",
        required=False,
        min_value=0,
        max_value=STRONGEST,
        help_text="Empty: as for everybody.",
    )
    explain = forms.ChoiceField(
        label="Where reasons are asked for",
        required=False,
        choices=[("", "As asked"), ("none", "None"), ("short", "Short"), ("full", "Full")],
    )

    def __init__(self, *arguments: Any, versions: list[tuple[int | str, str]], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.fields["version"].choices = versions  # type: ignore[attr-defined]

    @property
    def variant(self) -> Variant | None:
        """Of a valid form."""
        chosen = self.cleaned_data
        if not chosen.get("name"):
            return None
        return Variant(
            name=chosen["name"],
            weight=chosen["weight"],
            version=chosen["version"],
            knowledge=chosen["texts"] == "with",
            steering=chosen["steering"],
            explain=chosen["explain"] or None,
        )


_Variants = formset_factory(VariantForm, extra=0, max_num=MOST, absolute_max=MOST)
STARTING: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}]


def variant_forms(data: Any, catalog: Catalog | None) -> "BaseFormSet[VariantForm]":
    """The forms of all variants, two to begin with. `catalog`: whose models may be chosen."""
    return _Variants(data, prefix="variants", initial=None if data else STARTING, form_kwargs=_versions_of(catalog))


def with_another_variant(
    data: Any, catalog: Catalog | None, account: Account
) -> tuple[ExperimentForm, "BaseFormSet[VariantForm]"]:
    """Both forms with what was typed, not judged yet, and one more variant where there is room."""
    sent = _Variants(data, prefix="variants", form_kwargs=_versions_of(catalog))
    typed = [{name: data.get(each.add_prefix(name), "") for name in each.fields} for each in sent.forms]
    form = ExperimentForm(initial=data.dict(), account=account)
    return form, _Variants(prefix="variants", initial=[*typed, {}][:MOST], form_kwargs=_versions_of(catalog))


def _versions_of(catalog: Catalog | None) -> dict[str, Any]:
    """Of the forms of variants: which models there are."""
    versions: list[tuple[int | str, str]] = [("", "Whichever is active")]
    if catalog:
        for version in BackboneVersion.objects.filter(catalog=catalog).order_by("-number")[:100]:
            told = ", without texts" if without_texts(version) else ""
            versions.append((version.number, f"Model {version.number}{told}"))
    return {"versions": versions}
