"""What each target of the matrix is: its provider, how it speaks, and what of it can be checked.

A target is a provider before a real server. Several providers have two: with and without digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.faults.kit.fault_kinds import Fault, Operation

LISTING, READING = Operation.LISTING, Operation.READING
WRITING, REMOVING = Operation.WRITING, Operation.REMOVING
EVERY = frozenset(Operation)


class Speech(StrEnum):
    """How a place is spoken to."""

    NONE = "nothing lies between"
    HTTP = "HTTP"
    FTP = "FTP"
    SSH = "SSH"


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """A place; `proves` are the operations in which a flipped bit has to be noticed."""

    name: str
    provider: str
    server: str
    speech: Speech
    proves: frozenset[Operation] = frozenset()
    takes_word: frozenset[tuple[Fault, Operation]] = frozenset()
    """Where whoever answers is believed, since nothing else tells."""
    read_only: str = ""
    """Why it cannot be written."""
    no_disk: str = ""
    """Why its disk cannot be filled."""


PAGES = "a web server's pages cannot be written"
MEMORY = "its server keeps everything in memory"
PROFILES = (
    TargetProfile("local", "local", "this machine's file system", Speech.NONE, EVERY),
    TargetProfile(
        "memory", "memory", "this process", Speech.NONE, EVERY, no_disk="it lies on no disk"
    ),
    TargetProfile("http", "http", "nginx, its pages", Speech.HTTP, read_only=PAGES),
    TargetProfile(
        "http, manifest",
        "http",
        "nginx, a list with sha256",
        Speech.HTTP,
        frozenset({READING}),
        takes_word=frozenset({(Fault.SIZE, LISTING)}),
        read_only=PAGES,
    ),
    TargetProfile(
        "api",
        "api",
        "nginx, a page of JSON with sha256",
        Speech.HTTP,
        frozenset({READING}),
        read_only="an API of ours is only read",
    ),
    TargetProfile(
        "git",
        "git",
        "git http-backend and dulwich's LFS",
        Speech.HTTP,
        frozenset({LISTING, READING}),
        read_only="a git repository is only read",
    ),
    TargetProfile("s3", "s3", "SeaweedFS", Speech.HTTP, frozenset({WRITING})),
    TargetProfile(
        "gcs", "gcs", "fake-gcs-server", Speech.HTTP, frozenset({READING, WRITING}), no_disk=MEMORY
    ),
    TargetProfile("azure", "azure", "Azurite", Speech.HTTP, no_disk=MEMORY),
    TargetProfile("sftp", "sftp", "OpenSSH", Speech.SSH, EVERY),
    TargetProfile("ftp", "ftp", "pyftpdlib", Speech.FTP),
    TargetProfile("webdav", "webdav", "WsgiDAV", Speech.HTTP),
    TargetProfile(
        "fsspec",
        "fsspec",
        "s3fs before SeaweedFS",
        Speech.HTTP,
        takes_word=frozenset({(Fault.AWAY, LISTING)}),  # the library takes any page for a listing
    ),
)
BY_NAME = {one.name: one for one in PROFILES}
