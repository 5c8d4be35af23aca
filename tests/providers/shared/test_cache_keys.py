"""What decides a connection of each provider, and what does not (PM-10)."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from providers.api.settings import ApiSettings
from providers.azure.settings import AzureSettings
from providers.base import OpenOptions, ProviderSettings, Timeouts
from providers.connection_cache import cache_key
from providers.fsspec.memory import MemorySettings
from providers.fsspec.settings import FsspecSettings
from providers.ftp.connection import FtpTls
from providers.ftp.settings import FtpSettings
from providers.gcs.settings import GcsSettings
from providers.git.settings import GitSettings
from providers.http.settings import HttpSettings
from providers.local.settings import LocalSettings
from providers.registry import BUILT_IN
from providers.s3.settings import S3Settings
from providers.sftp.settings import SftpSettings
from providers.ssh.fields import HostKeys
from providers.webdav.settings import WebdavSettings

OPTIONS = OpenOptions()
SECRET = SecretStr("geheim")
PLAIN: dict[str, ProviderSettings] = {
    "local": LocalSettings(path="/a"),
    "memory": MemorySettings(path="a"),
    "http": HttpSettings(url="http://a/x"),
    "webdav": WebdavSettings(url="http://a/x"),
    "s3": S3Settings(bucket="a"),
    "gcs": GcsSettings(bucket="a"),
    "azure": AzureSettings(account_name="a", container="a"),
    "sftp": SftpSettings(host="a"),
    "ftp": FtpSettings(host="a", username="a"),
    "git": GitSettings(url="http://a/x"),
    "api": ApiSettings(url="http://a/x"),
    "fsspec": FsspecSettings(url="memory://a"),
}
WEB: dict[str, object] = {
    "certificate": "x",
    "client_certificate": "x",
    "client_key": SECRET,
    "verify_tls": False,
    "proxy_url": "http://b",
    "proxy_username": "b",
    "proxy_password": SECRET,
    "username": "b",
    "password": SECRET,
    "bearer_token": SECRET,
    "public_only": True,
}
SIGNS: dict[str, dict[str, object]] = {
    "local": {},
    "memory": {},
    "http": {**WEB, "query": SECRET},
    "webdav": WEB,
    "s3": {
        "endpoint": "http://b",
        "region": "b",
        "access_key_id": "b",
        "secret_access_key": SECRET,
        "session_token": SECRET,
        "anonymous": True,
        "path_style": True,
        "certificate": "x",
        "insecure": True,
    },
    "gcs": {
        "service_account_json": SecretStr("{}"),
        "client_email": "b",
        "private_key": SECRET,
        "token_uri": "http://b",
        "anonymous": True,
        "endpoint": "http://b",
    },
    "azure": {
        "account_name": "b",
        "container": "b",
        "connection_string": SECRET,
        "client_id": "b",
        "client_secret": SECRET,
        "tenant_id": "b",
        "account_key": SECRET,
        "ambient": True,
        "endpoint": "http://b",
    },
    "sftp": {
        "host": "b",
        "port": 23,
        "username": "b",
        "password": SECRET,
        "private_key": SECRET,
        "passphrase": SECRET,
        "host_keys": HostKeys.INSECURE,
        "known_hosts": "b",
    },
    "ftp": {
        "host": "b",
        "port": 23,
        "username": "b",
        "password": SECRET,
        "tls": FtpTls.EXPLICIT,
        "certificate": "x",
        "encoding": "latin-1",
        "verify_tls": False,
    },
    "git": {
        "url": "http://b/y",
        "ref": "b",
        "username": "b",
        "token": SECRET,
        "lfs_url": "http://b/lfs",
        "certificate": "x",
        "client_certificate": "x",
        "client_key": SECRET,
        "verify_tls": False,
        "proxy_url": "http://b",
        "proxy_username": "b",
        "proxy_password": SECRET,
        "private_key": SECRET,
        "passphrase": SECRET,
        "host_keys": HostKeys.INSECURE,
        "known_hosts": "b",
    },
    "api": {
        **WEB,
        "url": "http://b/y",
        "headers": {"X": "1"},
        "parameters": {"a": "b"},
        "items": "b",
        "name": "b",
        "link": "b",
        "id": "b",
        "size": "b",
        "digest": "b",
        "etag": "b",
        "modified": "b",
        "content_type": "b",
        "properties": {"a": "b"},
        "next": "b",
        "next_parameter": "b",
        "page_parameter": "b",
        "first_page": 0,
    },
    "fsspec": {"url": "memory://b", "options": {"a": 1}, "options_json": SecretStr('{"a":1}')},
}
"""Of each provider, the fields that decide the connection; all its others are its place."""

PLACES: dict[str, object] = {
    "path": "/b",
    "folder": "b",
    "placement": "symlink",
    "symlinks": "skip",
    "fsync": True,
    "bucket": "b",
    "prefix": "b",
    "url": "http://b/y",
    "headers": {"X": "1"},
    "targets": ["b"],
    "manifest": "PULP_MANIFEST",
}
KEYED = [(kind, name) for kind, fields in SIGNS.items() for name in fields]
PLACED = [
    (kind, name)
    for kind, plain in PLAIN.items()
    for name in type(plain).model_fields
    if name != "type" and name not in SIGNS[kind]
]


def key_of(settings: ProviderSettings) -> str:
    return cache_key(settings, OPTIONS)


def test_every_provider_is_covered() -> None:
    assert set(PLAIN) == set(SIGNS) == set(BUILT_IN)


@pytest.mark.parametrize(("kind", "name"), KEYED, ids=[" ".join(one) for one in KEYED])
def test_the_key_changes_with_what_decides_the_connection(kind: str, name: str) -> None:
    plain = PLAIN[kind]
    other = plain.model_copy(update={name: SIGNS[kind][name]})
    assert key_of(other) != key_of(plain)
    assert key_of(other) == key_of(other.model_copy())
    assert "geheim" not in key_of(other)


@pytest.mark.parametrize(("kind", "name"), PLACED, ids=[" ".join(one) for one in PLACED])
def test_the_key_does_not_change_with_the_place(kind: str, name: str) -> None:
    plain = PLAIN[kind]
    assert key_of(plain.model_copy(update={name: PLACES[name]})) == key_of(plain)


def test_a_key_has_separators() -> None:
    one = S3Settings(bucket="a", access_key_id="ab", secret_access_key=SecretStr("c"))
    other = S3Settings(bucket="a", access_key_id="a", secret_access_key=SecretStr("bc"))
    assert key_of(one) != key_of(other)


def test_the_key_changes_with_the_options() -> None:
    slow = OpenOptions(timeouts=Timeouts(read_s=1.0))
    assert cache_key(PLAIN["http"], slow) != key_of(PLAIN["http"])
