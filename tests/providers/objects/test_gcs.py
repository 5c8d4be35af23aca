"""The Google Cloud Storage provider against fake-gcs-server."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr, ValidationError

from catalog.errors import AccessDenied, SecretInUrl
from catalog.model.digest import Digest
from catalog.model.outcome import Proof
from providers.base import Attributes
from providers.gcs.settings import GcsSettings
from providers.gcs.storage import GcsStorage
from providers.testing.conformance import Conformance
from providers.testing.subject import LARGE, OPTIONS, Subject, names, seed_through
from tests.servers.fake_gcs import GcsServer
from tests.servers.faulty import FaultyServer, status
from tests.servers.process import free_ports


def settings_of(server: GcsServer) -> GcsSettings:
    return GcsSettings(
        bucket=server.bucket,
        prefix=f"suite/{uuid4().hex}",
        endpoint=server.endpoint,
        anonymous=True,
    )


class TestGcs(Conformance):
    """A prefix of a bucket of the emulator."""

    @pytest.fixture
    def subject(self, gcs_server: GcsServer) -> Iterator[Subject]:
        settings = settings_of(gcs_server)
        storage = settings.open(OPTIONS)
        whole = settings.model_copy(update={"prefix": ""}).open(OPTIONS)

        def raw() -> Iterator[str]:
            for one in whole.enumerate(settings.prefix):
                yield one.path.removeprefix(settings.prefix + "/")

        dead = settings.model_copy(update={"endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"})
        yield Subject(
            settings,
            storage,
            seed_through(storage),
            raw=raw,
            dead=dead,
            refused=frozenset({"newline"}),
        )
        storage.close()
        whole.close()


def test_a_write_is_proved_and_keeps_its_attributes(gcs_server: GcsServer) -> None:
    storage = settings_of(gcs_server).open(OPTIONS)
    digest = Digest.of(b"abc")
    attributes = Attributes(content_type="text/x-test", sha256=digest.value)
    stored = storage.put("a", b"abc", attributes)
    assert stored.proof is Proof.WRITE_PROVED
    found = storage.stat("a")
    assert found.content_type == "text/x-test"
    assert digest in found.digests
    writer = storage.write("b", Attributes())
    writer.write(LARGE)
    assert writer.commit(Digest.of(LARGE)).proof is Proof.WRITE_PROVED
    storage.close()


def test_a_copy_stays_in_the_store(gcs_server: GcsServer) -> None:
    origin, goal = settings_of(gcs_server).open(OPTIONS), settings_of(gcs_server).open(OPTIONS)
    origin.put("a b#", b"abc", Attributes())
    assert isinstance(goal, GcsStorage)
    copied = goal.copy_from(origin, "a b#", "c/d", etag=origin.stat("a b#").etag)
    assert copied is not None
    assert copied.size == 3
    assert goal.fetch("c/d").data == b"abc"
    assert names(goal.enumerate()) == ["c/d"]
    origin.close()
    goal.close()


def test_a_service_account_gets_a_token_and_shows_it(faulty_server: FaultyServer) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()

    class Tokens(BaseHTTPRequestHandler):
        """Give everybody the same token."""

        def do_POST(self) -> None:
            body = json.dumps({"access_token": "tok", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Log nothing."""

    tokens = HTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=tokens.serve_forever, args=(0.02,), daemon=True).start()
    storage = GcsSettings(
        bucket="b",
        endpoint=faulty_server.url,
        client_email="robot@project.example",
        private_key=SecretStr(pem),
        token_uri=f"http://127.0.0.1:{tokens.server_address[1]}/token",
    ).open(OPTIONS)
    faulty_server.script("/storage/v1/b/b/o/a", status(403))
    with pytest.raises(AccessDenied):
        storage.stat("a")
    assert faulty_server.seen[-1].headers["Authorization"] == "Bearer tok"
    storage.close()
    tokens.shutdown()
    tokens.server_close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"client_email": "a"}, "private_key is missing"),
        ({"private_key": "a"}, "client_email is missing"),
        ({"service_account_json": "{"}, "not JSON"),
        ({"service_account_json": "[]"}, "not a JSON object"),
        ({"service_account_json": "{}", "anonymous": True}, "either anonymous"),
        ({"service_account_json": "{}", "private_key": "a", "client_email": "b"}, "not both"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object], words: str) -> None:
    given = {"bucket": "b", "anonymous": fields.get("anonymous", False), **fields}
    with pytest.raises(ValidationError, match=words):
        GcsSettings.model_validate(given)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("gs://Bucket/a%20b/", "gs://Bucket/a%20b"),
        ("gcs://bucket", "gs://bucket"),
        ("gs+http://127.0.0.1:9/bucket/x", "gs+http://127.0.0.1:9/bucket/x"),
    ],
)
def test_addresses_are_canonical(url: str, address: str) -> None:
    assert GcsSettings.from_url(url).address() == address


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        GcsSettings.from_url("gs://bob:geheim@bucket/x")
