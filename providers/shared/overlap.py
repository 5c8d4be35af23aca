"""Detects whether one location is the same as another or inside it, under whatever names.

>>> path_inside("file:///srv/data", "file:///srv/data/backup")
'backup'
>>> path_inside("file:///srv/data", "file:///srv/database") is None
True
>>> path_inside("sftp://localhost/in", "sftp://127.0.0.1/in")
''
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from urllib.parse import unquote

from catalog.paths import is_below

_LOCAL = ("file", "local")
_SAME = {"webdav": "http", "webdavs": "https"}  # schemes of one tree
_ONE_TREE_A_HOST = ("sftp", "ftp", "ftps")  # no virtual hosts: equal machines are equal places


def path_inside(outer: str, inner: str) -> str | None:
    """Return the path of `inner` relative to `outer`: '' if equal, None if outside.

    Local symbolic links are resolved, and host names where possible.
    """
    one, other = _parse_place(outer), _parse_place(inner)
    if (one.scheme, one.user, one.query) != (other.scheme, other.user, other.query):
        return None
    if not is_below(one.path, other.path):
        return None
    if one.host != other.host and not (
        one.scheme in _ONE_TREE_A_HOST and _is_same_machine(one.host, other.host)
    ):
        return None
    return other.path[len(one.path) :].lstrip("/")


@dataclass(frozen=True, slots=True)
class _Place:
    """A normalized address: loopback addresses have one name, and local links are resolved."""

    scheme: str
    user: str
    host: str  # with its port
    path: str
    query: str


def _parse_place(address: str) -> _Place:
    scheme, _, rest = address.removeprefix("faulty+").partition("://")
    if scheme in _LOCAL:
        path = os.path.realpath(unquote(rest.removeprefix("localhost")))
        return _Place("file", "", "", path.strip("/"), "")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name, port = host, ""
    return _Place(
        _SAME.get(scheme, scheme),
        user,
        f"{_canonical_host(name)}:{port}",
        unquote(path).strip("/"),
        query,
    )


def _canonical_host(host: str) -> str:
    try:
        return "localhost" if ipaddress.ip_address(host.strip("[]")).is_loopback else host
    except ValueError:
        return host


def _is_same_machine(host: str, other: str) -> bool:
    """Return whether two host names are known to be the same machine and port."""
    name, _, port = host.rpartition(":")
    its_name, _, its_port = other.rpartition(":")
    return port == its_port and bool(_addresses(name) & _addresses(its_name))


def _addresses(host: str) -> frozenset[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(one[4][0]) for one in found)
