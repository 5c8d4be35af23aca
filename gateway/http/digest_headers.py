"""The digests that a request declares for its content.

`Repr-Digest` and `Content-Digest` (RFC 9530), `Content-MD5` (RFC 1864), `X-Checksum-<Algorithm>`,
and the form fields `sha256`, `sha512` …. A digest of an untrusted algorithm is refused, unless a
trusted one is declared as well.

>>> declared_digests({"x-checksum-sha512": "0" * 128}, {"sha256": "ab" * 32})[0].algorithm
'sha512'
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from catalog.errors import InvalidInput
from catalog.model.digest import HEX_LENGTHS, Digest, trusted_digests
from catalog.settings import Settings

FIELD = re.compile(r"([a-z0-9*.\-]+)=:([A-Za-z0-9+/=]+):")
ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sha-384": "sha384", "md5": "md5"}


def declared_digests(
    headers: Mapping[str, str], fields: Mapping[str, str] | None = None, name: str = "the upload"
) -> tuple[Digest, ...]:
    """Return the declared digests of trusted algorithms.

    Raises:
        InvalidInput: one is invalid, or none is trusted.
    """
    every = (*_parse_headers(headers), *_parse_fields(fields or {}))
    return trusted_digests(name, dict.fromkeys(every), Settings().trusted_digests)


def trusted_hex_digests(name: str, digests: Mapping[str, str]) -> tuple[Digest, ...]:
    """Return the digests of trusted algorithms, given in hex by algorithm.

    Raises:
        InvalidInput: one is invalid, or none is trusted.
    """
    every = [Digest(algorithm, value.lower()) for algorithm, value in digests.items()]
    return trusted_digests(name, every, Settings().trusted_digests)


def _parse_headers(headers: Mapping[str, str]) -> Iterator[Digest]:
    for header in ("repr-digest", "content-digest"):
        for member in filter(None, map(str.strip, headers.get(header, "").split(","))):
            found = FIELD.fullmatch(member)
            if found is None:  # an invalid digest must not be ignored
                raise InvalidInput(
                    f"the header {header!r} is invalid at {member[:100]!r}: "
                    "expected algorithm=:base64:"
                )
            known = ALGORITHMS.get(found[1])
            if known is not None:
                yield _parse_base64(known, found[2], header)
    if headers.get("content-md5"):
        yield _parse_base64("md5", headers["content-md5"], "content-md5")
    for algorithm in HEX_LENGTHS:
        if headers.get(f"x-checksum-{algorithm}"):
            yield Digest(algorithm, headers[f"x-checksum-{algorithm}"].strip().lower())


def _parse_base64(algorithm: str, text: str, header: str) -> Digest:
    try:
        return Digest(algorithm, base64.b64decode(text.strip(), validate=True).hex())
    except binascii.Error as error:
        raise InvalidInput(f"the header {header!r} is not base64: {text[:100]!r}") from error


def _parse_fields(fields: Mapping[str, str]) -> Iterator[Digest]:
    for algorithm in HEX_LENGTHS:
        if fields.get(algorithm):
            yield Digest(algorithm, fields[algorithm].strip().lower())


def repr_digest(sha256: str) -> str:
    """Return the Repr-Digest header of a sha256 (hex).

    >>> repr_digest("00" * 32)
    'sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:'
    """
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
