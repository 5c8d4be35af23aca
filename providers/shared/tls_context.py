"""TLS settings to an `ssl.SSLContext`: own authorities, client certificates, PEM text or path."""

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
    """Build a client context; the system's authorities stay trusted beside `authorities`.

    Each text is PEM, or the path of a PEM file. A certificate chain is kept.
    """
    context = ssl.create_default_context()
    if authorities:
        pem = _pem(authorities, "the CA certificate")
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError) as error:
            raise InvalidInput("no valid certificate in the CA certificate text") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    check_pair(client_certificate, client_key)
    if client_certificate and client_key is not None:
        certificate = _pem(client_certificate, "the client certificate")
        key = _pem(client_key.get_secret_value(), "the client key")
        # OpenSSL's chain loader takes files only: two of them, for a moment, for this user alone.
        with TemporaryDirectory() as folder:
            chain, private = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_text(certificate)
            private.write_text(key)
            try:
                context.load_cert_chain(chain, private, password=_no_password)
            except (ssl.SSLError, ValueError) as error:
                raise InvalidInput("failed to parse client TLS key pair") from error
    return context


def check_pair(client_certificate: str, client_key: SecretStr | None) -> None:
    """Refuse one half of a client certificate and key without the other."""
    has_key = client_key is not None and bool(client_key.get_secret_value())
    if client_certificate and not has_key:
        raise InvalidInput("a client certificate was given without its client key")
    if has_key and not client_certificate:
        raise InvalidInput("a client key was given without its client certificate")


def _pem(text: str, what: str) -> str:
    if "-----BEGIN" not in text:
        if "\n" in text:
            raise InvalidInput(f"{what} is neither PEM text nor a path")
        try:
            text = Path(text).expanduser().read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise InvalidInput(f"{what} is neither PEM text nor a file that can be read") from error
    # Prose around the blocks is common in bundles; OpenSSL wants none that is not ASCII.
    return text.encode("ascii", "replace").decode("ascii")


def _no_password() -> str:
    """Answer for an encrypted key, where OpenSSL would ask the terminal."""
    return ""
