"""A file that a repository could give up: its bytes are known to lie elsewhere as well."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.model.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class OtherCopy:
    """Another place of the bytes of a file, with the marks that it had when they were known."""

    address: str
    path: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class ReclaimCandidate:
    """A stored file as it was when it was stored, and where else its bytes should lie."""

    path: str
    fingerprint: Fingerprint
    copies: tuple[OtherCopy, ...]
