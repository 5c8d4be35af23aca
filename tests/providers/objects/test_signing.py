"""Signed links: whoever has one reads that file under its own name, and no other."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from providers.azure.settings import AzureSettings
from providers.base import Attributes, ProviderSettings
from providers.gcs.settings import GcsSettings
from providers.local.settings import LocalSettings
from providers.s3.settings import S3Settings
from providers.signed_links import signer
from providers.testing.subject import OPTIONS
from tests.servers.azurite import AzureServer
from tests.servers.fake_gcs import GcsServer
from tests.servers.seaweedfs import S3Server

DISPOSITION = 'attachment; filename="b c.txt"'


def linked(settings: ProviderSettings) -> str:
    """Write a file, and return a link to it."""
    storage = settings.open(OPTIONS)
    try:
        storage.put("a/b c.txt", b"signed", Attributes("text/plain"))
    finally:
        storage.close()
    sign = signer(settings)
    assert sign is not None
    return sign("a/b c.txt", 60, DISPOSITION)


def test_s3(s3_server: S3Server) -> None:
    settings = S3Settings(
        bucket=s3_server.bucket,
        prefix="signed/links",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    link = linked(settings)
    assert s3_server.secret_key not in link
    got = httpx.get(link)
    assert (got.status_code, got.content) == (200, b"signed")
    assert got.headers["Content-Disposition"] == DISPOSITION
    assert httpx.get(link.replace("b%20c", "d")).status_code == 403
    assert signer(settings.model_copy(update={"anonymous": True})) is None


@pytest.mark.parametrize("login", ["connection string", "account key and endpoint"])
def test_azure(azure_server: AzureServer, login: str) -> None:
    settings = AzureSettings(
        container=azure_server.container,
        prefix="signed/links",
        connection_string=SecretStr(azure_server.connection_string),
    )
    if login == "account key and endpoint":
        settings = AzureSettings(
            container=azure_server.container,
            prefix="signed/links",
            account_name=azure_server.account,
            account_key=SecretStr(azure_server.key),
            endpoint=azure_server.endpoint,
        )
    link = linked(settings)
    got = httpx.get(link)
    assert (got.status_code, got.content) == (200, b"signed")
    assert got.headers["Content-Disposition"] == DISPOSITION
    assert httpx.get(link.replace("se=2", "se=3")).status_code == 403


def test_gcs(gcs_server: GcsServer) -> None:
    """The emulator checks no signature: what is proven is that its link leads to the file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings = GcsSettings(
        bucket=gcs_server.bucket,
        prefix="signed/links",
        endpoint=gcs_server.endpoint,
        anonymous=True,
    )
    storage = settings.open(OPTIONS)
    storage.put("a/b c.txt", b"signed", Attributes("text/plain"))
    storage.close()
    sign = signer(
        settings.model_copy(
            update={
                "anonymous": False,
                "client_email": "signer@example.iam.gserviceaccount.com",
                "private_key": SecretStr(pem),
            }
        )
    )
    assert sign is not None
    link = sign("a/b c.txt", 60, DISPOSITION)
    assert "X-Goog-Signature=" in link
    got = httpx.get(link)
    assert (got.status_code, got.content) == (200, b"signed")


@pytest.mark.parametrize("settings", [LocalSettings(path="/tmp/x")], ids=["local"])  # noqa: S108
def test_other_places_sign_nothing(settings: ProviderSettings) -> None:
    assert signer(settings) is None
