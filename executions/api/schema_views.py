"""The OpenAPI document, and a page that shows it."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from executions.api.bodies import read_query
from executions.api.execution_queries import NoQuery
from executions.api.views import ApiView


class SchemaView(ApiView):
    """The OpenAPI document. It holds no data, so anybody may read it."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the document."""
        read_query(request, NoQuery)
        return HttpResponse(openapi_document(), content_type="application/json")


@cache
def openapi_document() -> bytes:
    """Return the document as JSON text; it stays the same as long as the program runs."""
    generator: Any = SchemaGenerator  # it ships types for less than half of itself
    document = generator().get_schema(request=None, public=True)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


class DocsView(SpectacularSwaggerSplitView):
    """The page, with scripts and styles of this site alone, and no script within: `obelisk_site.content_policy`."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    url_name = "api-schema"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Return the page; the site's policy of contents has to let its styles pass."""
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]  # it has no types
        response.has_inline_styles = True
        return response
