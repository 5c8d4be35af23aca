"""Digests as `algorithm:hex`; several can be computed in one pass over the bytes.

>>> str(Digest.of(b"abc"))[:23]
'sha256:ba7816bf8f01cfea'
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import DigestNotAllowed, InvalidInput

if TYPE_CHECKING:
    from hashlib import _Hash  # pyright: ignore[reportPrivateUsage] - typeshed names it so

HEX_LENGTHS = {  # algorithm -> hex digits, in order of preference
    "sha256": 64,
    "sha512": 128,
    "sha384": 96,
    "sha224": 56,
    "sha1": 40,
    "md5": 32,
}
TRUSTED = ("sha256", "sha512", "sha384", "sha224")
"""Algorithms trusted by default: those that Pulp allows (ALLOWED_CONTENT_CHECKSUMS)."""

_HEX = re.compile(r"[0-9a-f]+\Z")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """One digest of some bytes: `algorithm` and lower-case `value` in hex."""

    algorithm: str
    value: str

    def __post_init__(self) -> None:
        """Refuse an unknown algorithm, a wrong length, or what is not lower-case hex."""
        length = HEX_LENGTHS.get(self.algorithm)
        if length is None:
            raise InvalidInput(
                f"unknown digest algorithm {self.algorithm!r}; known: {', '.join(HEX_LENGTHS)}"
            )
        if len(self.value) != length or not _HEX.match(self.value):
            raise InvalidInput(
                f"{self.value!r} is not a {self.algorithm} digest of {length} hex digits"
            )

    def __str__(self) -> str:
        """Return `algorithm:hex`."""
        return f"{self.algorithm}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Parse `algorithm:hex`, or bare hex, whose length tells the algorithm."""
        algorithm, colon, value = text.strip().partition(":")
        if colon:
            return cls(algorithm.lower(), value.lower())
        for name, length in HEX_LENGTHS.items():
            if length == len(algorithm):
                return cls(name, algorithm.lower())
        raise InvalidInput(f"{text!r} is not a digest: expected 'algorithm:hex'")

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview, algorithm: str = "sha256") -> Digest:
        """Compute the digest of `data`."""
        return cls(algorithm, hashlib.new(algorithm, data, usedforsecurity=False).hexdigest())


class Hasher:
    """Computes sha256 and further digests, and counts bytes, in one pass."""

    __slots__ = ("_hashes", "size")

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        """Compute `algorithms` in addition to sha256."""
        self._hashes: dict[str, _Hash] = {
            name: hashlib.new(name, usedforsecurity=False)
            for name in dict.fromkeys(("sha256", *algorithms))
        }
        self.size = 0  # bytes seen

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add the next bytes."""
        for running in self._hashes.values():
            running.update(chunk)
        self.size += len(chunk)

    def digest(self, algorithm: str = "sha256") -> Digest:
        """Return the digest of all bytes so far."""
        return Digest(algorithm, self._hashes[algorithm].hexdigest())


def trusted_digests(
    path: str, declared: Iterable[Digest], allowed: tuple[str, ...] = TRUSTED
) -> tuple[Digest, ...]:
    """Return the declared digests that are trusted, before any byte is read.

    None declared is fine; declared but none trusted is an error (Pulp's rule, PD-7). An untrusted
    digest beside a trusted one is ignored.
    """
    every = tuple(declared)
    good = tuple(one for one in every if one.algorithm in allowed)
    if every and not good:
        raise DigestNotAllowed(path, tuple(one.algorithm for one in every), allowed)
    return good
