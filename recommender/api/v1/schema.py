"""The OpenAPI schema, and the page that shows it."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema: JSON unless YAML is asked for."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2]


class DocsView(SpectacularSwaggerSplitView):
    """The schema to read and to try out. Its script comes from its own address: the pages' policy forbids inline."""

    authentication_classes = ()
    permission_classes = ()
    template_name = "api/docs.html"
    url_name = "api:schema"

    def options(self, request: Request, *_: Any, **__: Any) -> HttpResponse:  # type: ignore[override] # of no form
        """Which methods there are; a page has nothing else to say about itself."""
        return HttpResponse(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})
