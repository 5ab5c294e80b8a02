"""Business rules: what is pinned, buried or out of stock."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import errors
from recommender.api.authentication import asker_of
from recommender.api.idempotent import KEY, idempotent
from recommender.api.parameters import NOTHING, TextField, WholeNumberField, parse
from recommender.api.posted import MOST_ERRORS, Shape, posted
from recommender.api.resource import PROBLEMS, WRITING, PrivateView, responses
from recommender.api.v1.recommendations import known_catalog
from recommender.api.v1.session import CATALOG
from recommender.api.v1.wishes import LONGEST_ID
from recommender.events.refusals import Code
from recommender.models import Account, Rule, RuleKind, TokenScope
from recommender.serving import rules
from recommender.serving.rankers import RANKERS
from recommender.serving.rules import MOST_PLACE, EndedError, Wanted

MOST_RULES = 1_000
LONGEST_NOTE = Rule._meta.get_field("note").max_length or 200


class RuleShape(Shape):
    """A rule about one item."""

    kind = serializers.ChoiceField(
        choices=RuleKind.choices,
        help_text="pin: it stands at `place`, unless its end user has met it. bury: it goes to the end. "
        "out_of_stock: it is not listed.",
    )
    item_id = TextField(max_length=LONGEST_ID)
    scenario = serializers.ChoiceField(
        default="", choices=["", *sorted(RANKERS)], allow_blank=True, help_text="Whose lists; empty: all."
    )
    place = WholeNumberField(
        default=None, allow_null=True, min_value=1, max_value=MOST_PLACE, help_text="Of a pin, from 1; none for others."
    )
    note = TextField(
        default="", allow_blank=True, max_length=LONGEST_NOTE, help_text="Why; callers of lists read it in `reasons`."
    )
    since = serializers.DateTimeField(default=None, allow_null=True, help_text="It holds from then on; none: at once.")
    until = serializers.DateTimeField(
        default=None, allow_null=True, help_text="It holds no longer then; a time to come, and after `since`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == RuleKind.PIN and attrs["place"] is None:
            raise serializers.ValidationError({"place": ["A pin needs its place, from 1."]})
        if attrs["kind"] != RuleKind.PIN and attrs["place"] is not None:
            raise serializers.ValidationError({"place": ["Only a pin has a place."]})
        return attrs


class RulesRequest(Shape):
    rules = serializers.ListField(child=RuleShape(), min_length=1, max_length=MOST_RULES)


class RulesRemoval(Shape):
    """The items whose rules are to go."""

    item_ids = serializers.ListField(
        child=TextField(max_length=LONGEST_ID),
        min_length=1,
        max_length=MOST_RULES,
        help_text="What has no such rule is passed over.",
    )
    kind = serializers.ChoiceField(
        default=None, choices=RuleKind.choices, allow_null=True, help_text="Rules of this kind only."
    )
    scenario = serializers.ChoiceField(
        default=None,
        choices=["", *sorted(RANKERS)],
        allow_blank=True,
        allow_null=True,
        help_text="Rules of this one only; empty: of those for all. Left out: of any.",
    )


class RuleSerializer(serializers.Serializer[Rule]):
    rule_id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=RuleKind.choices)
    item_id = serializers.CharField(source="item.external_id")
    scenario = serializers.CharField(allow_blank=True)
    place = serializers.IntegerField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    since = serializers.DateTimeField(allow_null=True, help_text="It holds from then on; null: since `created_at`.")
    until = serializers.DateTimeField(allow_null=True, help_text="It holds no longer then; one in the past has ended.")
    replaced_at = serializers.DateTimeField(
        allow_null=True, help_text="A rule about the same item and scenario takes its place then; null: none does."
    )
    created_at = serializers.DateTimeField()


class RulesSerializer(serializers.Serializer[Any]):
    rules = RuleSerializer(many=True)


class RejectedRuleSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place among the rules, from 0.")
    code = serializers.ChoiceField(choices=[Code.UNKNOWN_ITEM.value])
    detail = serializers.CharField()


class RulesSetSerializer(RulesSerializer):
    """The rules that were set, and those that could not be: they keep no other from being set."""

    rejected = RejectedRuleSerializer(many=True)


class RemovedSerializer(serializers.Serializer[Any]):
    removed = serializers.IntegerField()


class RulesView(PrivateView):
    scope = TokenScope.RULES_MANAGE

    @extend_schema(
        operation_id="list_rules",
        tags=["rules"],
        parameters=[CATALOG],
        responses=responses(RulesSerializer, "The rules.", problems=tuple(PROBLEMS)),
    )
    def get(self, request: Request, catalog: str) -> Response:
        """All business rules of a catalog, also those that begin later or have ended, in the order they were set."""
        parse(request, NOTHING)
        found = known_catalog(catalog, asker=asker_of(request))
        known = Rule.objects.with_successors().filter(catalog=found).select_related("item").order_by("pk")
        return Response(RulesSerializer({"rules": known}).data)

    @extend_schema(
        operation_id="set_rules",
        tags=["rules"],
        parameters=[CATALOG, KEY],
        request=RulesRequest,
        responses=responses(RulesSetSerializer, "What was set.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Set business rules; the next list of any process obeys.

        One about the same item and scenario gives way when they begin.
        """
        wanted = posted(request, RulesRequest)["rules"]
        found = known_catalog(catalog, asker=asker_of(request))
        try:
            made, refused = rules.put(found, [Wanted(**each) for each in wanted], by=cast(Account, request.user))
        except EndedError as error:
            raise errors.RuleEnded([_ended(place) for place in error.places[:MOST_ERRORS]]) from error
        rejected = [
            {"index": place, "code": Code.UNKNOWN_ITEM.value, "detail": "The catalog has no item of this id."}
            for place in refused
        ]
        return Response(RulesSetSerializer({"rules": made, "rejected": rejected}).data)


class RulesRemovedView(PrivateView):
    scope = TokenScope.RULES_MANAGE

    @extend_schema(
        operation_id="remove_rules",
        tags=["rules"],
        parameters=[CATALOG, KEY],
        request=RulesRemoval,
        responses=responses(RemovedSerializer, "They are gone.", problems=tuple(PROBLEMS | WRITING)),
    )
    @idempotent
    def post(self, request: Request, catalog: str) -> Response:
        """Remove the business rules of items, as of those that are in stock again. Doing it again changes nothing."""
        wanted = posted(request, RulesRemoval)
        found = known_catalog(catalog, asker=asker_of(request))
        return Response({"removed": rules.remove_of(found, **wanted, by=cast(Account, request.user))})


def _ended(place: int) -> dict[str, str]:
    name = f"rules[{place}].until"
    return {
        "parameter": name,
        "detail": f"`{name}` has passed, or comes before `since`. Send a later time, or leave it out.",
    }


class RuleView(PrivateView):
    scope = TokenScope.RULES_MANAGE

    @extend_schema(
        operation_id="remove_rule",
        tags=["rules"],
        parameters=[CATALOG, OpenApiParameter("rule_id", int, OpenApiParameter.PATH, description="From the rules.")],
        responses=responses(RemovedSerializer, "It is gone.", problems=tuple(PROBLEMS)),
    )
    def delete(self, request: Request, catalog: str, rule_id: int) -> Response:
        """Remove a business rule; the next list of any process is without it."""
        parse(request, NOTHING)
        found = known_catalog(catalog, asker=asker_of(request))
        removed = rules.remove(found, [rule_id], by=cast(Account, request.user)) if rule_id < 2**63 else 0
        if not removed:
            raise errors.UnknownRule(f"The catalog “{catalog}” has no rule {rule_id}. GET …/rules lists them.")
        return Response({"removed": removed})
