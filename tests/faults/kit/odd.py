"""Odd values: what servers, disks and libraries may say of names, sizes, times, modes and etags."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from hypothesis import strategies as st

WORDS = (
    *("", " ", "0", "3", "-1", "+5", "1.5", "1e309", "NaN", "²", "٣", "0x1F", "null", "true"),
    *("9" * 19, "9" * 30, "9" * 5000, "18446744073709551616", "-9223372036854775809"),
    *("Mon, 30 Nov 2026 08:00:00 GMT", "Mon, 99 Foo 99999 99:99:99 GMT", "2026-11-30T08:00:00Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-13-45T99:00:00Z", "today"),
    *('"', '"e"', 'W/"e"', "W/", "*", "d41d8cd98f00b204e9800998ecf8427e", "sha-256=:x:", "md5=="),
    *(
        "../x",
        "/x",
        "a//b",
        ".",
        "a/",
        "%",
        "%2",
        "%ff",
        "%00",
        "a%2Fb",
        "a\\b",
        "é",
        "\udcff",
        "😀",
    ),
    *("bytes 0-0/3", "bytes */0", "bytes 9-1/x", "gzip", "identity", "br, gzip", "text/html"),
    *(
        "text/html; charset=odd",
        "application/json",
        "x" * 300,
        "\x7f",
        "a\tb",
        "&#x110000;",
        "&lt;",
    ),
)
VALUE = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=6
)
NUMBER = st.sampled_from(
    [0, 3, -1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, 2**70, -(2**63), 10**30]
) | st.integers(-5, 5)
ANY = st.one_of(
    *(st.none(), st.booleans(), NUMBER, VALUE),
    st.floats(),
    st.lists(VALUE, max_size=2),
    st.dictionaries(VALUE, VALUE, max_size=2),
)
HEADERS: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from(
        (
            *("ETag", "Last-Modified", "Content-Type", "Content-Encoding", "Content-Range"),
            *("Digest", "Repr-Digest", "Content-MD5", "x-goog-hash", "x-goog-generation"),
            *("x-amz-meta-sha256", "x-amz-checksum-sha256", "x-ms-meta-sha256", "Retry-After"),
            *("x-ms-blob-type", "Link", "Accept-Ranges", "Content-Length", "Transfer-Encoding"),
        )
    ),
    VALUE,
    max_size=5,
)
STATUS = st.sampled_from([200] * 6 + [206, 207, 204, 304, 400, 403, 404, 409, 412, 416, 500, 503])


def xml(root: str, entry: str, fields: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    """Return pages in XML with entries whose fields are odd, missing, or there twice."""
    one = st.lists(st.tuples(st.sampled_from(fields), VALUE), max_size=7).map(
        lambda pairs: f"<{entry}>{''.join(f'<{n}>{_text(v)}</{n}>' for n, v in pairs)}</{entry}>"
    )
    return st.lists(one, max_size=3).map(
        lambda entries: f"<{root}>{''.join(entries)}</{root}>".encode("utf-8", "surrogatepass")
    )


def _text(value: str) -> str:
    return value if value.startswith("&") else value.replace("&", "&amp;").replace("<", "&lt;")


MULTISTATUS = xml(
    'D:multistatus xmlns:D="DAV:"',
    "D:response",
    ("D:href", "D:propstat", "D:status"),
) | st.lists(st.tuples(VALUE, VALUE, VALUE, VALUE), max_size=3).map(
    lambda rows: (
        '<D:multistatus xmlns:D="DAV:">'
        + "".join(
            f"<D:response><D:href>/r/{_text(a)}</D:href><D:propstat><D:prop>"
            f"<D:getcontentlength>{_text(b)}</D:getcontentlength>"
            f"<D:getlastmodified>{_text(c)}</D:getlastmodified>"
            f"<D:getetag>{_text(d)}</D:getetag><D:resourcetype/></D:prop>"
            "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
            for a, b, c, d in rows
        )
        + "</D:multistatus>"
    ).encode("utf-8", "surrogatepass")
)
BUCKET = xml(
    "ListBucketResult",
    "Contents",
    ("Key", "Size", "ETag", "LastModified", "StorageClass", "IsTruncated"),
)
CONTAINER = st.lists(st.tuples(VALUE, VALUE, VALUE, VALUE), max_size=3).map(
    lambda rows: (
        "<EnumerationResults><Blobs>"
        + "".join(
            f"<Blob><Name>{_text(a)}</Name><Properties><Content-Length>{_text(b)}</Content-Length>"
            f"<Last-Modified>{_text(c)}</Last-Modified><Etag>{_text(d)}</Etag></Properties></Blob>"
            for a, b, c, d in rows
        )
        + "</Blobs><NextMarker/></EnumerationResults>"
    ).encode("utf-8", "surrogatepass")
)
OBJECT = st.dictionaries(
    st.sampled_from(
        (
            *("name", "size", "generation", "md5Hash", "crc32c", "updated", "contentType"),
            *("metadata", "url", "tag", "sum", "at"),
        )
    ),
    ANY,
)
ITEMS = st.one_of(
    OBJECT,
    st.lists(OBJECT, max_size=3),
    st.fixed_dictionaries({"items": st.lists(OBJECT, max_size=3)}),
    ANY,
).map(lambda page: json.dumps(page).encode())
LINKS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=4).map(
    lambda rows: (
        "<html><h1>Index of /r/</h1><pre>"
        + "".join(f'<a href="{_text(a)}">{_text(b)}</a> {_text(c)}\n' for a, b, c in rows)
        + "</pre></html>"
    ).encode("utf-8", "surrogatepass")
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class OddServer:
    """A server that answers every request with one reply; a context manager."""

    reply: Reply = field(default=Reply(404, {}, b""))
    url: str = ""
    port: int = 0
    _end: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Listen."""
        handler = type("Handler", (_Handler,), {"owner": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads, server.block_on_close = True, False
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

        def end() -> None:
            server.shutdown()
            server.server_close()

        self._end = end
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._end()


class _Handler(BaseHTTPRequestHandler):
    owner: OddServer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        reply = self.owner.reply
        self.close_connection = True
        lines = {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}
        head = f"HTTP/1.1 {reply.status} Odd\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        data = head.encode("utf-8", "surrogatepass") + b"\r\n"
        try:
            self.wfile.write(data + (b"" if self.command == "HEAD" else reply.body))
        except OSError:
            return  # the client has heard enough

    do_GET = do_HEAD = do_PROPFIND = do_DELETE = do_POST = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing."""
