"""Addresses of version 1, below /api/v1/."""

from django.urls import path

from recommender.api.v1.catalog_data import EndUsersView, ImportView, ItemsView
from recommender.api.v1.catalogs import CatalogsView
from recommender.api.v1.events import EventsView
from recommender.api.v1.people import ItemView, PersonView
from recommender.api.v1.recommendations import RecommendationsView, RecommendationView
from recommender.api.v1.schema import DocsView, SchemaView

urlpatterns = [
    path("catalogs", CatalogsView.as_view(), name="catalogs"),
    path("catalogs/<str:catalog>/events:batch", EventsView.as_view(), name="events"),
    path("catalogs/<str:catalog>/items:batch", ItemsView.as_view(), name="items"),
    path("catalogs/<str:catalog>/users:batch", EndUsersView.as_view(), name="users"),
    path("catalogs/<str:catalog>/import", ImportView.as_view(), name="import"),
    # An end user's id is any text of the imported data, so it may hold a slash.
    path(
        "catalogs/<str:catalog>/users/<path:user_id>/recommendations",
        RecommendationsView.as_view(),
        name="recommendations",
    ),
    path("catalogs/<str:catalog>/users/<path:user_id>", PersonView.as_view(), name="person"),
    path("catalogs/<str:catalog>/items/<path:item_id>", ItemView.as_view(), name="item"),
    path("recommendations/<uuid:recommendation_id>", RecommendationView.as_view(), name="recommendation"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
