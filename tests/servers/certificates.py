"""Throw-away certificates by openssl: an authority, a server at 127.0.0.1, a client."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import program


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the PEM files lie."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make all of them in `folder`, valid for a day or so."""
    made = Certificates(
        ca=folder / "ca.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
        client=folder / "client.pem",
        client_key=folder / "client.key",
    )
    authority_key = folder / "ca.key"
    key: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority: list[str | Path] = ["req", "-x509", *key, "-days", "2", "-subj", "/CN=authority"]
    authority += ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    _openssl(folder, *authority, "-keyout", authority_key, "-out", made.ca)
    for name, public, private, extra in (
        ("localhost", made.server, made.server_key, "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ("client", made.client, made.client_key, "extendedKeyUsage=clientAuth"),
    ):
        request = public.with_suffix(".csr")
        extensions = public.with_suffix(".ext")
        extensions.write_text(extra + "\n")
        _openssl(folder, "req", *key, "-subj", f"/CN={name}", "-keyout", private, "-out", request)
        sign: list[str | Path] = ["x509", "-req", "-in", request, "-CA", made.ca]
        sign += ["-CAkey", authority_key, "-CAcreateserial", "-days", "2"]
        _openssl(folder, *sign, "-extfile", extensions, "-out", public)
    return made


def _openssl(folder: Path, *arguments: str | Path) -> None:
    command = [program("openssl"), *(str(one) for one in arguments)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
