"""Resolve a repository given on the command line to its address, if possible without Prefect."""

from __future__ import annotations

from cli.terminal.quiet_prefect import load_repository
from providers.local.settings import LocalSettings
from providers.registry import scheme_of, settings_from_url
from providers.shared.url import parse_url


def address_of(text: str) -> str:
    """Return the address of a repository given as a path, a URL or a block's name.

    Raises:
        RepositoryNotFound: no block has that name.
        SecretInUrl: the URL contains a password.
    """
    if scheme_of(text) is not None:
        parse_url(text)  # refuses a password
        return settings_from_url(text).address()
    if text[:1] in ("/", ".", "~") or "/" in text:
        return LocalSettings(path=text).address()
    return load_repository(text).address
