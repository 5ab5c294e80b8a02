"""The pages people use. The top bar links queue, rounds, backbones and insights for the roles that may see them."""

from django.urls import URLPattern, URLResolver

app_name = "reviews"
urlpatterns: list[URLPattern | URLResolver] = []
