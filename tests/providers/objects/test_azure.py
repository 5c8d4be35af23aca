"""The Azure provider against Azurite."""

# pyright: reportPrivateUsage=false
# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import AccessDenied, ResourceNotFound
from catalog.model.digest import Digest
from providers.azure.connection import identity_arguments
from providers.azure.settings import AzureSettings
from providers.base import Attributes
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, seed_through
from tests.servers.azurite import AzureServer
from tests.servers.process import free_ports


class TestAzure(Conformance):
    """A prefix of a container of Azurite."""

    @pytest.fixture
    def subject(self, azure_server: AzureServer) -> Iterator[Subject]:
        settings = AzureSettings(
            container=azure_server.container,
            prefix=f"suite/{uuid4().hex}",
            connection_string=SecretStr(azure_server.connection_string),
        )
        storage = settings.open(OPTIONS)
        whole = settings.model_copy(update={"prefix": ""}).open(OPTIONS)

        def raw() -> Iterator[str]:
            for one in whole.enumerate(settings.prefix):
                yield one.path.removeprefix(settings.prefix + "/")

        dead = AzureSettings(
            account_name=azure_server.account,
            container="none",
            account_key=SecretStr(azure_server.key),
            endpoint=f"http://127.0.0.1:{free_ports(1)[0]}/{azure_server.account}",
        )
        yield Subject(
            settings,
            storage,
            seed_through(storage),
            raw=raw,
            dead=dead,
            refused=frozenset({"newline", "control", "backslash"}),
            secret=azure_server.key,
        )
        storage.close()
        whole.close()


def keyed(server: AzureServer, **changes: object) -> AzureSettings:
    fields: dict[str, object] = {
        "account_name": server.account,
        "container": server.container,
        "prefix": uuid4().hex,
        "account_key": server.key,
        "endpoint": server.endpoint,
    }
    return AzureSettings.model_validate({**fields, **changes})


def test_the_filesystem_goes_to_the_endpoint_too(azure_server: AzureServer) -> None:
    settings = keyed(azure_server)
    storage = settings.open(OPTIONS)
    storage.put("a/b", b"abc", Attributes())
    storage.close()

    files = settings.filesystem()

    assert files.cat_file(f"{settings.container}/{settings.prefix}/a/b") == b"abc"


def test_an_account_key_lets_in_and_a_wrong_one_does_not(azure_server: AzureServer) -> None:
    storage = keyed(azure_server).open(OPTIONS)
    digest = Digest.of(b"abc")
    storage.put("a", b"abc", Attributes(content_type="text/x-test", sha256=digest.value))
    found = storage.stat("a")
    assert (found.size, found.content_type) == (3, "text/x-test")
    assert digest in found.digests
    storage.close()
    wrong = keyed(azure_server, account_key="d3Jvbmc=").open(OPTIONS)
    with pytest.raises(AccessDenied):
        wrong.stat("a")
    with pytest.raises(AccessDenied):
        wrong.fetch("a")
    wrong.close()


def test_the_anonymous_see_nothing_of_a_private_container(azure_server: AzureServer) -> None:
    storage = keyed(azure_server, account_key="").open(OPTIONS)
    with pytest.raises((AccessDenied, ResourceNotFound)):
        storage.fetch("a")
    storage.close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"account_name": "a", "client_id": "x"}, "client_secret, tenant_id missing"),
        ({}, "set account_name"),
        ({"connection_string": "AccountKey=x"}, "set account_name"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AzureSettings.model_validate({"container": "c", **fields})


def test_the_connection_string_goes_before_all_else() -> None:
    settings = AzureSettings(
        account_name="other",
        container="c",
        connection_string=SecretStr("AccountName=mine;AccountKey=a2V5=="),
        account_key=SecretStr("b3RoZXI="),
    )
    assert settings.address() == "az://mine/c"
    assert identity_arguments(settings.login()) == {"account_key": "a2V5=="}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("az://account/container/a%20b/", "az://account/container/a%20b"),
        ("abfss://container@account.dfs.core.windows.net/x", "az://account/container/x"),
        ("az+http://127.0.0.1:9/acc/cont/x", "az+http://127.0.0.1:9/acc/cont/x"),
    ],
)
def test_addresses_are_canonical(url: str, address: str) -> None:
    assert AzureSettings.from_url(url).address() == address
