"""Secrets never show: one is planted in every secret field, then everything is searched."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from catalog.catalog import Catalog
from providers.base import ProviderSettings
from providers.registry import BUILT_IN, provider

PLANTED = "hunter2-never-show-this"

EXAMPLES: dict[str, dict[str, Any]] = {
    "local": {"path": "/nowhere"},
    "memory": {},
    "http": {"url": "http://127.0.0.1:1/x", "username": "u"},
    "s3": {"bucket": "bucket", "endpoint": "http://127.0.0.1:1", "access_key_id": "key"},
    "gcs": {"bucket": "bucket", "endpoint": "http://127.0.0.1:1"},
    "azure": {"account": "account", "container": "container", "endpoint": "http://127.0.0.1:1"},
    "sftp": {"host": "127.0.0.1", "port": 1, "username": "u"},
    "ftp": {"host": "127.0.0.1", "port": 1, "username": "u"},
    "webdav": {"url": "http://127.0.0.1:1/x", "username": "u"},
    "git": {"url": "http://127.0.0.1:1/x.git"},
    "api": {"url": "http://127.0.0.1:1/x", "username": "u"},
    "fsspec": {"url": "memory://x"},
}


def secret_fields(settings: type[ProviderSettings]) -> list[str]:
    return [name for name, one in settings.model_fields.items() if one.annotation is SecretStr]


def planted(kind: str) -> list[ProviderSettings]:
    """Make settings with the secret in each secret field that validation lets stand alone."""
    settings = provider(kind)
    made: list[ProviderSettings] = []
    refused: list[str] = []
    for name in secret_fields(settings):
        try:
            made.append(settings.model_validate({**EXAMPLES[kind], name: PLANTED}))
        except ValueError as error:
            refused.append(str(error))
    assert PLANTED not in "".join(refused)
    return made


@pytest.mark.parametrize("kind", BUILT_IN)
def test_settings_and_keys_never_show_a_secret(kind: str) -> None:
    from providers.base import OpenOptions  # noqa: PLC0415
    from providers.connection_cache import cache_key  # noqa: PLC0415 - beside its use

    for settings in planted(kind):
        for shown in (
            repr(settings),
            str(settings),
            settings.address(),
            settings.model_dump_json(),
            cache_key(settings, OpenOptions()),
        ):
            assert PLANTED not in shown


@pytest.mark.parametrize("kind", [kind for kind in BUILT_IN if kind not in ("local", "memory")])
def test_a_run_never_shows_a_secret(
    kind: str,
    source: Path,
    catalog: Catalog,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from prefect import get_client  # noqa: PLC0415 - imports Prefect

    from blocks.repository import Repository, RetrySettings, TimeoutSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    for settings in planted(kind)[:2]:
        place = Repository(
            storage=settings,
            retry=RetrySettings(retries=0),
            timeouts=TimeoutSettings(connect_s=1, read_s=1),
        )
        assert PLANTED not in repr(place)
        for given, ends in ((place, [str(source)]), (str(source), [place])):
            try:
                sync(given, ends)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
                errors.append(repr(error) + str(error) + repr(error.__cause__))
    with get_client(sync_client=True) as client:
        shown = [
            client.request("POST", "/flow_runs/filter", json={}).text,
            client.request("POST", "/task_runs/filter", json={}).text,
            client.request("POST", "/artifacts/filter", json={}).text,
            client.request("POST", "/logs/filter", json={}).text,
            client.request("POST", "/block_documents/filter", json={}).text,
        ]
    assert "sync" in shown[0]
    shown += [str(row) for row in catalog.sql("SELECT * FROM runs")]
    shown += [str(row) for row in catalog.sql("SELECT * FROM outcomes")]
    out, err = capfd.readouterr()
    for text in (*shown, *errors, caplog.text, out, err):
        assert PLANTED not in text


def test_a_stored_block_keeps_its_secret_and_hides_it() -> None:
    from blocks.repository import Repository  # noqa: PLC0415
    from providers.s3.settings import S3Settings  # noqa: PLC0415

    place = Repository(
        storage=S3Settings(
            bucket="b", access_key_id="k", secret_access_key=SecretStr(PLANTED), prefix="p"
        ),
        path="inner",
    )
    place.save("planted", overwrite=True)
    loaded = Repository.named("planted")
    assert isinstance(loaded.storage, S3Settings)
    assert loaded.storage.secret_access_key.get_secret_value() == PLANTED
    assert loaded.address == "s3://b/p/inner"
    assert loaded.name == "planted"
    assert PLANTED not in repr(loaded)
