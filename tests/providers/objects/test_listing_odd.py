"""Listings of object stores as they are: odd keys, pages that do not end, objects in an archive."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from pydantic import SecretStr

from catalog.errors import Archived, UnexpectedReply, UnsafePath
from catalog.model.gap import NAME, Gap, files_collecting_gaps
from providers.base import Attributes, Storage
from providers.objects.keys import PaginationGuard, check_key
from providers.s3.settings import S3Settings
from providers.testing.subject import OPTIONS, names

Listing = Callable[[], bytes]


@contextmanager
def bucket(listing: Listing, objects: dict[str, bytes] | None = None) -> Generator[Storage]:
    """Serve a bucket whose pages `listing` makes."""
    held = {} if objects is None else objects

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if unquote(parts.path).rstrip("/") == "/b":
                self.reply(200, listing())
                return
            body = held.get(unquote(parts.path).removeprefix("/b/"))
            if body is None:
                self.reply(
                    403,
                    b"<Error><Code>InvalidObjectState</Code>"
                    b"<StorageClass>GLACIER</StorageClass></Error>",
                )
                return
            start, _, last = (
                self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            )
            part = body[int(start) : int(last or len(body)) + 1]
            self.reply(206 if len(part) < len(body) else 200, part, body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            held[unquote(urlsplit(self.path).path).removeprefix("/b/")] = body
            self.reply(200, body)

        def reply(self, status: int, body: bytes, whole: bytes | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("ETag", f'"{md5(whole or body).hexdigest()}"')
            self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
            length = 0 if self.command == "PUT" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    settings = S3Settings(
        bucket="b",
        endpoint=f"http://127.0.0.1:{server.server_address[1]}",
        access_key_id="x",
        secret_access_key=SecretStr("y"),
        region="us-east-1",
    )
    storage = settings.open(OPTIONS)
    try:
        yield storage
    finally:
        storage.close()
        server.shutdown()
        server.server_close()
        thread.join()


def page(keys: dict[str, int], more: str = "") -> bytes:
    entries = "".join(
        f"<Contents><Key>{escape(quote(key, safe='/'))}</Key><Size>{size}</Size><ETag>&quot;e&quot;"
        "</ETag><LastModified>2026-11-01T00:00:00.000Z</LastModified></Contents>"
        for key, size in keys.items()
    )
    cut = "true" if more else "false"
    return (
        f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{cut}</IsTruncated>{more}"
        f"{entries}</ListBucketResult>"
    ).encode()


def test_a_key_that_looks_like_a_folder_is_a_gap_if_it_has_bytes() -> None:
    with bucket(lambda: page({"a/": 0, "b/": 7, "b/c": 1})) as storage:
        gaps: list[Gap] = []

        assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["b/c"]
        assert [(one.path, one.code, one.below) for one in gaps] == [("b/", NAME, False)]


def test_odd_keys_are_listed_as_they_are() -> None:
    keys = {"/a": 1, "a//b": 1, "./a": 1, "a/./b": 1, "z": 1}
    with bucket(lambda: page(keys)) as storage:
        assert names(storage.enumerate()) == sorted(keys)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("<NextContinuationToken>T</NextContinuationToken>", "listing loops"),
        ("<NextContinuationToken></NextContinuationToken>", "has no token for the next"),
        (" ", "has no token for the next"),
    ],
    ids=["one token for ever", "an empty token", "no token"],
)
def test_a_listing_that_does_not_end_is_an_error(more: str, why: str) -> None:
    asked: list[int] = []

    def listing() -> bytes:
        asked.append(1)
        return page({"a": 1}, more)

    with bucket(listing) as storage, pytest.raises(UnexpectedReply, match=why):
        list(storage.enumerate())
    assert len(asked) <= 2


def test_an_archived_object_says_what_to_do() -> None:
    why = "'cold' is archived as GLACIER; restore it there"
    with bucket(lambda: page({"cold": 3})) as storage, pytest.raises(Archived, match=why):
        storage.fetch("cold")


@pytest.mark.parametrize("key", ["/a", "a//b", "./a", "a/./b", "line\nbreak"])
def test_an_odd_key_is_written_and_read_as_it_is(key: str) -> None:
    held: dict[str, bytes] = {}
    with bucket(lambda: page({one: len(body) for one, body in held.items()}), held) as storage:
        storage.put(key, b"odd", Attributes())

        assert held == {key: b"odd"}
        assert names(storage.enumerate()) == [key]
        assert storage.fetch(key).data == b"odd"
        assert b"".join(bytes(one) for one in storage.read(key, start=1)) == b"dd"


@pytest.mark.parametrize("key", ["", "a/", ".entrepot", ".entrepot/x", "a/../b", "a\x00b"])
def test_a_key_that_no_object_of_ours_bears_is_refused(key: str) -> None:
    with pytest.raises(UnsafePath):
        check_key(key)


def test_a_token_that_came_before_is_refused() -> None:
    pages = PaginationGuard("s3://b")
    assert pages.follow("one") == "one"
    assert pages.follow("two") == "two"
    with pytest.raises(UnexpectedReply, match="listing loops"):
        pages.follow("one")
