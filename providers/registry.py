"""Maps types and URL schemes to providers; each provider is imported on first use.

Plug-ins register a settings class in the entry point group `entrepot.providers`; the entry's name
is the type. Registering a type twice is a programming error.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from importlib.metadata import entry_points

from catalog.errors import InvalidInput, UnknownProvider
from catalog.settings import Settings
from providers.base import ProviderSettings

GROUP = "entrepot.providers"

BUILT_IN: dict[str, str] = {
    "local": "providers.local.settings:LocalSettings",
    "memory": "providers.fsspec.memory:MemorySettings",
    "http": "providers.http.settings:HttpSettings",
    "s3": "providers.s3.settings:S3Settings",
    "webdav": "providers.webdav.settings:WebdavSettings",
    "sftp": "providers.sftp.settings:SftpSettings",
    "ftp": "providers.ftp.settings:FtpSettings",
    "gcs": "providers.gcs.settings:GcsSettings",
    "azure": "providers.azure.settings:AzureSettings",
    "git": "providers.git.settings:GitSettings",
    "api": "providers.api.settings:ApiSettings",
    "fsspec": "providers.fsspec.settings:FsspecSettings",
}
"""Type -> `module:class`."""

SCHEMES: dict[str, str] = {
    "file": "local",
    "memory": "memory",
    "http": "http",
    "https": "http",
    "s3": "s3",
    "s3+http": "s3",
    "s3+https": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "gs+http": "gcs",
    "gs+https": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "az+http": "azure",
    "az+https": "azure",
    "sftp": "sftp",
    "ssh": "sftp",
    "ftp": "ftp",
    "ftps": "ftp",
    "webdav": "webdav",
    "webdavs": "webdav",
    "dav": "webdav",
    "davs": "webdav",
    "git+http": "git",
    "git+https": "git",
    "git+ssh": "git",
    "git+file": "git",
}
"""URL scheme -> type; any other scheme that fsspec knows goes to `fsspec`."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")


@cache
def registered_providers() -> dict[str, str]:
    """Return `module:class` by type, of built-in providers and of plug-ins."""
    found = dict(BUILT_IN)
    if Settings().rehearsal:
        found["faulty"] = "providers.testing.faulty:FaultySettings"
    for entry in entry_points(group=GROUP):
        register(found, entry.name, entry.value)
    return found


def register(known: dict[str, str], kind: str, target: str) -> None:
    """Add a provider to `known`; raise if the type is taken by another one (PM-2)."""
    if kind in known and known[kind] != target:
        raise RuntimeError(f"two providers are registered as {kind!r}: {known[kind]} and {target}")
    known[kind] = target


def provider(kind: str) -> type[ProviderSettings]:
    """Return the settings class of a type; the error for an unknown type lists the known ones."""
    target = BUILT_IN.get(kind) or registered_providers().get(
        kind
    )  # plug-ins are looked for when needed
    if target is None:
        raise UnknownProvider(kind, tuple(registered_providers()))
    module, _, name = target.partition(":")
    found: type[ProviderSettings] = getattr(importlib.import_module(module), name)
    return found


def scheme_of(text: str) -> str | None:
    """Return the URL scheme of `text`, or None if it is a path or a name."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else None


def settings_from_url(url: str) -> ProviderSettings:
    """Return settings for a URL; its scheme names the provider."""
    scheme = scheme_of(url)
    if scheme is None:
        raise InvalidInput(f"{url!r} is not a URL: expected scheme://…")
    kind = SCHEMES.get(scheme)
    if kind is None and scheme in registered_providers():
        kind = scheme  # a plug-in's type is its scheme too
    if kind is None:
        from fsspec.registry import known_implementations  # noqa: PLC0415 - odd schemes only

        if scheme not in known_implementations:
            raise UnknownProvider(scheme, (*SCHEMES, *known_implementations))
        kind = "fsspec"
    return provider(kind).from_url(url)


def settings_from_mapping(values: dict[str, object]) -> ProviderSettings:
    """Return settings from a plain mapping with a `type` (PM-4)."""
    if "type" not in values:
        raise InvalidInput("the repository's configuration lacks the field 'type'")
    kind = values["type"]
    if not isinstance(kind, str):
        raise InvalidInput(f"the field 'type' must be a string, not {kind!r}")
    return provider(kind).model_validate(values)
