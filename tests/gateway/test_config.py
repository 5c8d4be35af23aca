"""The configuration of the gateway: read whole, or refused by its place and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import InvalidInput
from gateway.access.authentication import Authenticator
from gateway.config import load
from gateway.http.errors import RequestRefused
from gateway.serve import ServerOptions, check_exposure
from tests.gateway.conftest import serving


def written(folder: Path, text: str) -> Path:
    file = folder / "gateway.yaml"
    file.write_text(text)
    return file


def test_short_and_long_forms_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELF", "/srv/shelf")
    found = load(
        written(
            tmp_path,
            "tenants:\n"
            "  acme:\n"
            "    resources: $SHELF\n"
            "    repositories:\n"
            "      a: s3-a\n"
            "      b: {type: local, path: /b}\n"
            "      c: {repository: /c/, upstream: 'https://c.example/', grace_s: 5}\n",
        )
    ).tenants["acme"]
    assert found.resources == "/srv/shelf"
    served = found.repositories or {}
    assert [one.repository for one in served.values()] == [
        "s3-a",
        {"type": "local", "path": "/b"},
        "/c/",
    ]
    assert served["c"].grace_s == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tenants: [", "not YAML"),
        ("tenants: {ACME: {}}", "ACME"),
        ("tenants: {a: {resource: /x}}", "tenants.a.resource"),
        ("tenants: {a: {resources: /x}, b: {resources: /x}}", "have the same `resources`"),
        ("tenants: {a: {resources: $NOT_SET_ANYWHERE}}", "NOT_SET_ANYWHERE"),
        ("{}", "tenants"),
        ("tenants: {}\ncool_down_s: -1", "cool_down_s"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        load(written(tmp_path, text))


def test_a_refused_value_is_not_quoted(tmp_path: Path) -> None:
    file = written(tmp_path, "tenants: {a: {repositories: {b: {repository: 5, index: [s3cret]}}}}")
    with pytest.raises(InvalidInput) as caught:
        load(file)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("listening", "tokens", "told"),
    [
        (ServerOptions(), False, None),
        (ServerOptions("::1"), False, None),
        (ServerOptions("0.0.0.0"), False, "token"),  # noqa: S104 - it is refused
        (ServerOptions("0.0.0.0"), True, "TLS"),  # noqa: S104 - the same
        (ServerOptions("10.1.2.3", proxies=("10.1.2.4",)), True, None),
        (ServerOptions(certificate=Path("/nope.pem")), True, "key"),
        (ServerOptions(certificate=Path("/nope.pem"), key=Path("/nope.pem")), True, "nope"),
    ],
)
def test_where_it_may_listen(listening: ServerOptions, tokens: bool, told: str | None) -> None:  # noqa: FBT001 - a case
    if told is None:
        check_exposure(listening, tokens=tokens)
        return
    with pytest.raises(InvalidInput, match=told):
        check_exposure(listening, tokens=tokens)


def test_without_tokens_no_other_name_leads_in(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        url = "/v1/mytenant/resources/list"
        assert running.client.get(url).status_code == 200
        rebound = running.client.get(url, headers={"Host": "evil.example"})
        assert rebound.status_code == 403
        content = running.client.get("/content/mytenant/", headers={"Host": "evil.example"})
        assert content.status_code == 403
        assert isinstance(running.application.gateway.authenticator, Authenticator)
        assert issubclass(RequestRefused, Exception)


def test_tenants_open_nothing_of_each_other(tmp_path: Path) -> None:
    """What only another tenant is configured for leads nowhere, even where the catalog names it."""
    from catalog.access.grants import Role  # noqa: PLC0415
    from catalog.errors import RepositoryNotFound  # noqa: PLC0415

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "a").write_text(folder.name)
    tenants = {
        "one": {"repositories": {"mine": f"{ours}/"}, "local_roots": [str(ours)]},
        "two": {
            "repositories": {"mine": f"{theirs}/", "bad": f"{ours}/"},
            "local_roots": [str(theirs)],
        },
    }
    with serving(tmp_path, tenants=tenants) as running:
        texts = {
            name: running.catalog.for_tenant(name).tokens.create(Role.ADMIN)[1] for name in tenants
        }
        places = running.application.gateway.tenants["one"].storages
        with pytest.raises(RepositoryNotFound):
            places.end(f"file://{theirs}")
        for name, code in (("one", 200), ("two", 403)):
            headers = running.tokens(texts[name])
            assert running.client.get("/v1/one/resources/list", headers=headers).status_code == code
        refused = running.client.get("/content/two/bad/a", headers=running.tokens(texts["two"]))
        assert refused.status_code == 400
        assert str(ours) not in refused.text
