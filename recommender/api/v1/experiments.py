"""Experiments: which there are, what they found, writing, starting and stopping them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from django.core.validators import RegexValidator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import (
    NOTHING,
    NumberField,
    OneOfField,
    TextField,
    WholeNumberField,
    YesOrNoField,
    parse,
)
from recommender.api.posted import Shape, posted
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import known_catalog
from recommender.api.v1.session import CATALOG
from recommender.experiments import service, words
from recommender.experiments.results import Against, Results, results_of
from recommender.measures.sequential import Interval
from recommender.models import (
    Account,
    Catalog,
    Experiment,
    ExperimentKind,
    ExperimentState,
    HoldoutSource,
    Metric,
    TokenScope,
)
from recommender.serving.rankers import RANKERS
from recommender.serving.steering import STRONGEST
from recommender.serving.types import EXPLAIN_CHOICES
from recommender.serving.variants import Variant

EXPERIMENT = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The experiment's key.")


NAME = RegexValidator(rf"\A{service.NAME.pattern}\Z", "It must be letters, digits, - or _.")


class VariantShape(Shape):
    """What one variant serves; what is left out is as without an experiment."""

    name = TextField(
        max_length=service.LONGEST_NAME,
        validators=[NAME],
        expected=f"1 to {service.LONGEST_NAME} letters, digits, - or _",
    )
    weight = WholeNumberField(default=1, min_value=1, max_value=service.LARGEST_WEIGHT)
    version = WholeNumberField(
        default=None, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="The model's number."
    )
    knowledge = YesOrNoField(default=True, help_text="False: by a model that was trained without texts.")
    steering = NumberField(default=None, allow_null=True, min_value=0.0, max_value=STRONGEST)
    explain = OneOfField(
        default=None,
        allow_null=True,
        choices=EXPLAIN_CHOICES,
        help_text="How much is said where reasons are asked for.",
    )


class ExperimentRequest(Shape):
    """What is to be compared. Nothing of it can be changed later."""

    key = TextField(max_length=60, validators=[NAME], expected="1 to 60 letters, digits, - or _")
    variants = serializers.ListField(child=VariantShape(), min_length=2, max_length=service.MOST_VARIANTS)
    scenario = serializers.ChoiceField(
        default="", choices=["", *sorted(RANKERS)], allow_blank=True, help_text="Whose lists; empty: all."
    )
    kind = OneOfField(default=ExperimentKind.BETWEEN.value, choices=ExperimentKind.values)
    primary = OneOfField(default=Metric.CLICKING.value, choices=Metric.values)
    window_hours = WholeNumberField(default=24, min_value=1, max_value=service.MOST_HOURS)
    planned = WholeNumberField(default=2_000, min_value=service.FEWEST_PLANNED, max_value=service.MOST_PLANNED)
    smallest_lift = NumberField(default=0.05, min_value=0.0001, max_value=1.0)
    holdout = NumberField(default=0.0, min_value=0.0, max_value=service.LARGEST_HOLDOUT)
    holdout_source = OneOfField(default=HoldoutSource.POPULAR.value, choices=HoldoutSource.values)


class VariantSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    weight = serializers.IntegerField()
    version = serializers.IntegerField(allow_null=True)
    knowledge = serializers.BooleanField()
    steering = serializers.FloatField(allow_null=True)
    explain = serializers.ChoiceField(choices=EXPLAIN_CHOICES, allow_null=True)


class ExperimentSerializer(serializers.Serializer[Experiment]):
    """An experiment as it was written, and when it ran."""

    key = serializers.CharField()
    state = serializers.ChoiceField(choices=ExperimentState.values)
    kind = serializers.ChoiceField(choices=ExperimentKind.values)
    scenario = serializers.CharField(allow_blank=True)
    variants = VariantSerializer(many=True)
    primary = serializers.ChoiceField(choices=Metric.values)
    window_hours = serializers.IntegerField()
    planned = serializers.IntegerField()
    smallest_lift = serializers.FloatField()
    holdout = serializers.FloatField()
    holdout_source = serializers.ChoiceField(choices=HoldoutSource.values)
    salt = serializers.CharField(help_text="Of the assignment.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)
    stop_reason = serializers.CharField(allow_blank=True)


class ExperimentsSerializer(serializers.Serializer[Any]):
    experiments = ExperimentSerializer(many=True)


class IntervalSerializer(serializers.Serializer[Interval]):
    estimate = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ExposedSerializer(serializers.Serializer[Any]):
    """`over`: users whose time of observation is over; they alone count."""

    name = serializers.CharField()
    shown = serializers.IntegerField()
    over = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)


class AgainstSerializer(serializers.Serializer[Against]):
    """A variant against the base; null while too few are counted."""

    name = serializers.CharField()
    base = serializers.CharField()
    metric = serializers.ChoiceField(choices=Metric.values)
    difference = IntervalSerializer(allow_null=True)
    lift = IntervalSerializer(allow_null=True)
    more = serializers.IntegerField(help_text="So many more users would tell the smallest lift.")


class SegmentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.CharField()
    against = AgainstSerializer()


class VerdictSerializer(serializers.Serializer[words.Said]):
    code = serializers.ChoiceField(choices=["better", "worse", "alike", "not_known", "too_few", "not_valid"])
    words = serializers.CharField()
    safe_to_stop = serializers.BooleanField()


class PreferenceSerializer(serializers.Serializer[Any]):
    """Of mixed lists: users who clicked more of the second variant's items, of the first's, of both alike."""

    wins = serializers.IntegerField()
    losses = serializers.IntegerField()
    ties = serializers.IntegerField()
    chance = IntervalSerializer()


class FoundSerializer(serializers.Serializer[Results]):
    """What was found so far. All intervals hold at every look."""

    made_at = serializers.DateTimeField()
    verdicts = VerdictSerializer(many=True)
    shares_evidence = serializers.FloatField(
        source="shares.evidence", help_text="Against that users were dealt out as meant; 1,000 or more is an alarm."
    )
    exposed = ExposedSerializer(many=True)
    primary = AgainstSerializer(many=True)
    others = AgainstSerializer(many=True)
    segments = SegmentSerializer(many=True)
    preference = PreferenceSerializer(allow_null=True)
    lists = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Users whose time of observation is not over.")
    twice = serializers.IntegerField(help_text="Users who got several variants; they count for none.")


class ResultsSerializer(ExperimentSerializer):
    results = FoundSerializer(allow_null=True, help_text="Null for a draft.")


class ExperimentsView(PrivateView):
    scope = TokenScope.EXPERIMENTS_READ

    @extend_schema(
        operation_id="list_experiments",
        tags=["experiments"],
        parameters=[CATALOG],
        responses=responses(ExperimentsSerializer, "The experiments.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str) -> Response:
        """All experiments of a catalog, newest first."""
        parse(request, NOTHING)
        found = known_catalog(catalog, asker=asker_of(request))
        return Response(ExperimentsSerializer({"experiments": found.experiments.order_by("-pk")}).data)


class DiscardedSerializer(serializers.Serializer[Any]):
    removed = serializers.IntegerField()


class ExperimentView(PrivateView):
    scope = TokenScope.EXPERIMENTS_MANAGE
    reading_scope = TokenScope.EXPERIMENTS_READ

    @extend_schema(
        operation_id="read_experiment",
        tags=["experiments"],
        parameters=[CATALOG, EXPERIMENT],
        responses=responses(ResultsSerializer, "The experiment.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str, key: str) -> Response:
        """An experiment and what it found so far. Looking often makes no interval wrong."""
        parse(request, NOTHING)
        return Response(_read(experiment_named(catalog, key, request)))

    @extend_schema(
        operation_id="discard_experiment",
        tags=["experiments"],
        parameters=[CATALOG, EXPERIMENT],
        responses=responses(DiscardedSerializer, "It is gone.", problems=(*PROBLEMS, 409)),
    )
    def delete(self, request: Request, catalog: str, key: str) -> Response:
        """Delete the draft of an experiment, whose key is free then. One that was started stays."""
        parse(request, NOTHING)
        experiment = experiment_named(catalog, key, request)
        if not service.discard(experiment, by=_account(request)):
            raise errors.ExperimentStarted
        return Response({"removed": 1})


class WriteExperimentView(PrivateView):
    scope = TokenScope.EXPERIMENTS_MANAGE

    @extend_schema(
        operation_id="write_experiment",
        tags=["experiments"],
        parameters=[CATALOG, KEY],
        request=ExperimentRequest,
        responses=responses(ExperimentSerializer, "The draft.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Write an experiment; it is a draft until it is started."""
        asked = dict(posted(request, ExperimentRequest))
        found = known_catalog(catalog, asker=asker_of(request))
        variants = [Variant(**each) for each in asked.pop("variants")]
        try:
            made = service.create(found, service.Plan(variants=variants, **asked), by=_account(request))
        except service.ExperimentRefusedError as refusal:
            raise errors.InvalidParameter([{"parameter": refusal.field, "detail": str(refusal)}]) from refusal
        return Response(ExperimentSerializer(made).data)


class StartExperimentView(PrivateView):
    scope = TokenScope.EXPERIMENTS_MANAGE

    @extend_schema(
        operation_id="start_experiment",
        tags=["experiments"],
        parameters=[CATALOG, EXPERIMENT, KEY],
        request=None,
        responses=responses(ExperimentSerializer, "It runs.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str, key: str) -> Response:
        """Start a draft: from the next request on users get their variants."""
        experiment = experiment_named(catalog, key, request)
        try:
            service.start(experiment, by=_account(request))
        except service.ExperimentRefusedError as refusal:
            raise errors.ExperimentNotStarted(str(refusal)) from refusal
        return Response(ExperimentSerializer(experiment).data)


class StopExperimentView(PrivateView):
    scope = TokenScope.EXPERIMENTS_MANAGE

    @extend_schema(
        operation_id="stop_experiment",
        tags=["experiments"],
        parameters=[CATALOG, EXPERIMENT, KEY],
        request=None,
        responses=responses(ExperimentSerializer, "It is stopped.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str, key: str) -> Response:
        """Stop an experiment; everybody gets the usual lists. One that has been stopped stays so; a draft cannot be."""
        experiment = experiment_named(catalog, key, request)
        service.stop(experiment, by=_account(request), reason="Stopped over REST.")
        if experiment.state == ExperimentState.DRAFT:
            raise errors.ExperimentNotStarted("It is a draft and serves nobody. Start it, or DELETE it.")
        return Response(ExperimentSerializer(experiment).data)


def experiment_named(catalog: str, key: str, request: Request) -> Experiment:
    """Raises UnknownCatalog, UnknownExperiment."""
    found: Catalog = known_catalog(catalog, asker=asker_of(request))
    experiment = None if "\x00" in key else found.experiments.filter(key=key).first()
    if experiment is None:
        raise errors.UnknownExperiment(
            f"The catalog “{catalog}” has no experiment “{key}”. GET …/experiments lists them."
        )
    experiment.catalog = found
    return experiment


def _read(experiment: Experiment) -> Mapping[str, Any]:
    answer: dict[str, Any] = dict(ExperimentSerializer(experiment).data)
    answer["results"] = None
    if experiment.started_at:
        results = results_of(experiment)
        shown = {each.name: getattr(results, each.name) for each in fields(results)}
        answer["results"] = FoundSerializer(cast(Any, shown | {"verdicts": words.verdicts(results)})).data
    return answer


def _account(request: Request) -> Account:
    return cast(Account, request.user)
