"""Pages of other sites: they get a browser to change nothing, whatever login it remembers."""

from __future__ import annotations

import base64

import pytest

from catalog.access.grants import Role
from tests.gateway.conftest import Running

UPLOAD = "/v1/mytenant/resources/upload/a.txt"
ELSEWHERE = {"Origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", **ELSEWHERE}, 403),
        ({"Sec-Fetch-Site": "same-site", **ELSEWHERE}, 403),
        (ELSEWHERE, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({}, 201),
    ],
    ids=["cross-site", "same-site", "an old browser", "our page", "typed", "no browser"],
)
@pytest.mark.parametrize("login", [True, False], ids=["with a login", "without tokens"])
def test_a_form_of_another_site_uploads_nothing(
    running: Running, headers: dict[str, str], status: int, *, login: bool
) -> None:
    given = dict(headers)
    if login:
        _, token = running.catalog.tokens.create(Role.WRITER)
        given["Authorization"] = "Basic " + base64.b64encode(f"me:{token}".encode()).decode()

    answer = running.client.post(UPLOAD, content=b"x", headers=given)

    assert answer.status_code == status, answer.text


def test_links_from_another_site_and_clients_with_a_bearer_token_are_welcome(
    running: Running,
) -> None:
    _, token = running.catalog.tokens.create(Role.WRITER)
    bearer = running.tokens(token)
    far = {"Sec-Fetch-Site": "cross-site", **ELSEWHERE}

    put = running.client.post(UPLOAD, content=b"x", headers={**bearer, **far})
    got = running.client.get("/browse/mytenant/resources", headers={**bearer, **far})

    assert (put.status_code, got.status_code) == (201, 200)
