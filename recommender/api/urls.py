"""Addresses of the REST API, below /api/."""

from django.urls import path, re_path

from recommender.api import views

app_name = "api"
urlpatterns = [
    path("v1/catalogs", views.CatalogsView.as_view(), name="catalogs"),
    # An end user's id is any text of the imported data, so it may hold a slash.
    path(
        "v1/catalogs/<str:catalog>/users/<path:user_id>/recommendations",
        views.RecommendationsView.as_view(),
        name="recommendations",
    ),
    path("v1/recommendations/<uuid:recommendation_id>", views.RecommendationView.as_view(), name="recommendation"),
    path("v1/schema/", views.SchemaView.as_view(), name="schema"),
    path("v1/docs/", views.DocsView.as_view(), name="docs"),
    re_path(r"", views.UnknownPathView.as_view(), name="unknown"),
]
