from __future__ import annotations

import re

import pytest
from django.test import Client


def test_the_root_leads_to_the_admin(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"] == "/admin/"


@pytest.mark.django_db
def test_the_admin_asks_for_a_login_and_sends_the_security_headers(client: Client) -> None:
    response = client.get("/admin/", follow=True)

    assert response.status_code == 200
    assert re.search(r"<title>\s*Log in \| Obelisk\s*</title>", response.text)
    assert "/static/obelisk/favicon.svg" in response.text
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/v1/docs", "/v1/executions"])
def test_browsers_are_told_to_run_nothing_but_the_sites_own_scripts(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]

    assert policy.startswith("default-src 'self'; ")
    assert "script-src" not in policy
    assert ("'unsafe-inline'" in policy) == (path == "/v1/docs"), "its page brings styles within"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/executions/", "/v1/docs"])
def test_no_page_holds_a_script_that_browsers_would_not_run(admin_client: Client, path: str) -> None:
    page = admin_client.get(path).content.decode()

    assert "<script" in page
    # Those with a type that is none of scripts' hold data.
    inline = re.findall(r"<script(?![^>]*\b(?:src|type)=)[^>]*>", page)
    assert inline == []
    assert not re.search(r"\son[a-z]+=", page)


@pytest.mark.parametrize("path", ["/static/obelisk/favicon.svg", "/static/admin/css/base.css"])
def test_static_files_are_served_without_a_collecting_step(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert b"".join(response)


def test_a_host_that_is_not_ours_is_refused(client: Client) -> None:
    assert client.get("/", headers={"host": "elsewhere.example.com"}).status_code == 400
