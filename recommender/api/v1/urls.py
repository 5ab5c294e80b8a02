"""Addresses of version 1, below /api/v1/.

An id of end users and items is any text of the imported data, so it may hold a slash. What follows an id in an address
comes first here: an id that ends like that can be told apart by no server, since all of them see it decoded.
"""

from uuid import UUID

from django.urls import path, register_converter

from recommender.api.v1.batch import BatchView
from recommender.api.v1.catalog_data import EndUsersView, ImportView, ItemsView
from recommender.api.v1.catalogs import CatalogsView
from recommender.api.v1.disputes import DisputesView, DisputeView
from recommender.api.v1.events import EventsView
from recommender.api.v1.experiments import (
    ExperimentsView,
    ExperimentView,
    StartExperimentView,
    StopExperimentView,
    WriteExperimentView,
)
from recommender.api.v1.explanations import ExplanationView, ItemExplanationView, UserExplanationView
from recommender.api.v1.not_for_me import NotForMeView
from recommender.api.v1.people import ItemView, PersonView
from recommender.api.v1.recommendations import RecommendationsView, RecommendationView
from recommender.api.v1.rules import RulesRemovedView, RulesView, RuleView
from recommender.api.v1.schema import DocsView, SchemaView
from recommender.api.v1.session import SessionView
from recommender.api.v1.similar import SimilarView
from recommender.api.v1.statements import StatementRestoredView, StatementsView, StatementView
from recommender.api.v1.webhooks import (
    WebhookDeliveriesView,
    WebhookPingView,
    WebhookRedeliveriesView,
    WebhookSecretView,
    WebhooksView,
    WebhookView,
)


class AnyUUID:
    """A UUID in small or capital letters, or both (RFC 9562, 4)."""

    regex = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        return str(value)


register_converter(AnyUUID, "anyuuid")
_WEBHOOK = "catalogs/<str:catalog>/webhooks/<int:webhook_id>"
_USER, _ITEM = "catalogs/<str:catalog>/users/<path:user_id>", "catalogs/<str:catalog>/items/<path:item_id>"

urlpatterns = [  # tried in turn: what is asked most comes first
    path(f"{_USER}/recommendations", RecommendationsView.as_view(), name="recommendations"),
    path("catalogs/<str:catalog>/recommendations", SessionView.as_view(), name="session"),
    path("catalogs/<str:catalog>/recommendations:batch", BatchView.as_view(), name="batch"),
    path("catalogs/<str:catalog>/rules", RulesView.as_view(), name="rules"),
    path("catalogs/<str:catalog>/rules:remove", RulesRemovedView.as_view(), name="remove_rules"),
    path("catalogs/<str:catalog>/rules/<int:rule_id>", RuleView.as_view(), name="rule"),
    path("catalogs/<str:catalog>/webhooks", WebhooksView.as_view(), name="webhooks"),
    path(_WEBHOOK, WebhookView.as_view(), name="webhook"),
    path(f"{_WEBHOOK}/secret", WebhookSecretView.as_view(), name="webhook_secret"),
    path(f"{_WEBHOOK}/ping", WebhookPingView.as_view(), name="webhook_ping"),
    path(f"{_WEBHOOK}/deliveries", WebhookDeliveriesView.as_view(), name="webhook_deliveries"),
    path(f"{_WEBHOOK}/redeliveries", WebhookRedeliveriesView.as_view(), name="webhook_redeliveries"),
    path("catalogs/<str:catalog>/experiments", ExperimentsView.as_view(), name="experiments"),
    path("catalogs/<str:catalog>/experiments:write", WriteExperimentView.as_view(), name="write_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>:start", StartExperimentView.as_view(), name="start_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>:stop", StopExperimentView.as_view(), name="stop_experiment"),
    path("catalogs/<str:catalog>/experiments/<slug:key>", ExperimentView.as_view(), name="experiment"),
    path("catalogs", CatalogsView.as_view(), name="catalogs"),
    path("catalogs/<str:catalog>/events:batch", EventsView.as_view(), name="events"),
    path("catalogs/<str:catalog>/items:batch", ItemsView.as_view(), name="items"),
    path("catalogs/<str:catalog>/users:batch", EndUsersView.as_view(), name="users"),
    path("catalogs/<str:catalog>/import", ImportView.as_view(), name="import"),
    path(f"{_USER}/statements", StatementsView.as_view(), name="statements"),
    path(f"{_USER}/statements/<int:statement_id>", StatementView.as_view(), name="statement"),
    path(f"{_USER}/statements/<int:statement_id>:restore", StatementRestoredView.as_view(), name="restore_statement"),
    path(f"{_USER}/explanation", UserExplanationView.as_view(), name="user_explanation"),
    path(_USER, PersonView.as_view(), name="person"),
    path(f"{_ITEM}/explanation", ItemExplanationView.as_view(), name="item_explanation"),
    path(f"{_ITEM}/similar", SimilarView.as_view(), name="similar"),
    path(_ITEM, ItemView.as_view(), name="item"),
    path("recommendations/<anyuuid:recommendation_id>", RecommendationView.as_view(), name="recommendation"),
    path("recommendations/<anyuuid:recommendation_id>/not-for-me", NotForMeView.as_view(), name="not_for_me"),
    path("explanations/<int:explanation_id>/disputes", DisputesView.as_view(), name="disputes"),
    path("explanations/<int:explanation_id>", ExplanationView.as_view(), name="explanation"),
    path("disputes/<anyuuid:dispute_id>", DisputeView.as_view(), name="dispute"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
