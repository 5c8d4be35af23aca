"""Builds an `ssl.SSLContext` from TLS settings: CA and client certificates as PEM text or path."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from catalog.errors import InvalidInput


def make_context(
    *,
    authorities: str = "",
    client_certificate: str = "",
    client_key: SecretStr | None = None,
    verify: bool = True,
) -> ssl.SSLContext:
    """Build a client context that trusts the system's authorities and `authorities`.

    Each text is PEM, or the path of a PEM file. The client certificate may be a chain.
    """
    context = ssl.create_default_context()
    if authorities:
        pem = _pem(authorities, "the CA certificate")
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError) as error:
            raise InvalidInput("the CA certificates contain no valid certificate") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    check_pair(client_certificate, client_key)
    if client_certificate and client_key is not None:
        certificate = _pem(client_certificate, "the client certificate")
        key = _pem(client_key.get_secret_value(), "the client key")
        # OpenSSL loads a chain from files only, so write them briefly, readable by this user only.
        with TemporaryDirectory() as folder:
            chain, private = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_text(certificate)
            private.write_text(key)
            try:
                context.load_cert_chain(chain, private, password=_no_password)
            except (ssl.SSLError, ValueError) as error:
                raise InvalidInput(
                    "the client certificate and key cannot be loaded: check that both are valid "
                    "PEM, belong together, and the key is not encrypted"
                ) from error
    return context


def check_pair(client_certificate: str, client_key: SecretStr | None) -> None:
    """Require a client certificate and its key together."""
    has_key = client_key is not None and bool(client_key.get_secret_value())
    if client_certificate and not has_key:
        raise InvalidInput("a client certificate needs its client key")
    if has_key and not client_certificate:
        raise InvalidInput("a client key needs its client certificate")


def _pem(text: str, what: str) -> str:
    if "-----BEGIN" not in text:
        if "\n" in text:
            raise InvalidInput(f"{what} is neither PEM text nor the path of a file")
        try:
            text = Path(text).expanduser().read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise InvalidInput(f"{what} is neither PEM text nor a readable file") from error
    # Bundles often have comments around the blocks, and OpenSSL accepts only ASCII.
    return text.encode("ascii", "replace").decode("ascii")


def _no_password() -> str:
    """Return no password, because OpenSSL would otherwise prompt on the terminal."""
    return ""
