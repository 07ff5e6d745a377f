from __future__ import annotations

from django.conf import settings

from executions.api.error_page import error_page


def test_the_page_in_the_documentation_is_of_this_program() -> None:
    page = settings.BASE_DIR / "docs" / "api-errors.md"

    assert page.read_text() == error_page(), "`manage.py api_errors` writes it anew"
