"""The HTTP client: framing, faults, redirects, credentials, TLS and proxies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    InvalidInput,
    ResourceChanged,
    ResourceNotFound,
    SecretInUrl,
    SizeMismatch,
    StorageBusy,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)
from providers.base import Timeouts
from providers.http.client import ClientOptions, HttpClient
from providers.http.headers import modified_us
from providers.http.response import Response
from providers.shared.origin import Proxy, Tls
from tests.servers.faulty import (
    Fault,
    FaultyServer,
    chunked,
    close_after,
    half_body,
    hang_up,
    redirect,
    slowly,
    stall,
    status,
    until_close,
)
from tests.servers.nginx import NginxServer
from tests.servers.process import free_ports
from tests.servers.proxy import ProxyServer

BODY = bytes(range(256)) * 1000
WAYS: dict[str, Callable[[Response], object]] = {
    "read": Response.read,
    "stream": lambda response: [len(piece) for piece in response.stream()],
}


@contextmanager
def client(options: ClientOptions | None = None) -> Generator[HttpClient, None, None]:
    made = HttpClient(options or ClientOptions())
    try:
        yield made
    finally:
        made.close()


def text(url: str, options: ClientOptions | None = None) -> str:
    with client(options) as one:
        return one.get(url).read().decode()


@pytest.mark.parametrize("fault", [chunked, until_close, close_after], ids=lambda one: one.__name__)
@pytest.mark.parametrize("size", [0, 1, 1000, 70_000, len(BODY)])
def test_every_framing_gives_the_whole_body(
    faulty_server: FaultyServer, fault: Callable[[], Fault], size: int
) -> None:
    faulty_server.files["/a"] = BODY[:size]
    faulty_server.script("/a", fault(), fault())
    with client() as one:
        assert one.get(faulty_server.url + "/a").read() == BODY[:size]
        streamed = b"".join(bytes(piece) for piece in one.get(faulty_server.url + "/a").stream())
        assert streamed == BODY[:size]
        assert one.get(faulty_server.url + "/a").read() == BODY[:size]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (status(404), ResourceNotFound),
        (status(410), ResourceNotFound),
        (status(401), AccessDenied),
        (status(403), AccessDenied),
        (status(412), ResourceChanged),
        (status(416), UnexpectedReply),
        (status(418), UnexpectedReply),
        (status(429), StorageBusy),
        (status(503), StorageBusy),
        (status(500), StorageFailed),
        (status(204, body=b""), UnexpectedReply),
        (half_body(), SizeMismatch),
        (half_body(reset=True), (ConnectionFailed, SizeMismatch)),
        (chunked(cut=True), ConnectionFailed),
        (hang_up(), ConnectionFailed),
        (hang_up(reset=True), ConnectionFailed),
        (stall(5), TransferTimeout),
        (stall(5, after=10), TransferTimeout),
        (redirect("ftp://127.0.0.1/a"), UnexpectedReply),
        (status(302), UnexpectedReply),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_every_fault_is_an_error_of_ours(
    faulty_server: FaultyServer, fault: Fault, error: type[Exception], way: str
) -> None:
    faulty_server.files["/a"] = BODY
    faulty_server.script("/a", fault)
    with client(ClientOptions(timeouts=Timeouts(read_s=0.2))) as one:
        with pytest.raises(error):
            WAYS[way](one.get(faulty_server.url + "/a", path="a"))
        assert one.get(faulty_server.url + "/a").read() == BODY


def test_a_total_time_out_ends_a_slow_body(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = BODY
    faulty_server.script("/a", slowly(20_000))
    with (
        client(ClientOptions(timeouts=Timeouts(total_s=0.3))) as one,
        pytest.raises(TransferTimeout, match=r"longer than|timed out"),
    ):
        one.get(faulty_server.url + "/a").read()


@pytest.mark.parametrize(
    ("value", "expected"), [("7", 7.0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("soon", None)]
)
def test_retry_after_is_seconds_or_a_date(
    faulty_server: FaultyServer, value: str, expected: float | None
) -> None:
    faulty_server.script("/a", status(429, {"Retry-After": value}))
    with client() as one, pytest.raises(StorageBusy) as caught:
        one.get(faulty_server.url + "/a")
    assert caught.value.retry_after_s == expected


def test_a_connection_gone_stale_costs_no_error(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = BODY
    with client() as one:
        for _ in range(3):
            faulty_server.script("/a", close_after())
            assert one.get(faulty_server.url + "/a").read() == BODY
    assert faulty_server.requests["/a"] == 3


def test_one_thread_keeps_to_one_connection(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = BODY
    with client() as one:
        for _ in range(5):
            one.get(faulty_server.url + "/a").read()
        with pytest.raises(ResourceNotFound):
            one.get(faulty_server.url + "/missing")
        one.request("HEAD", faulty_server.url + "/a").close()
    assert len({each.peer for each in faulty_server.seen}) == 1


def test_a_pool_bounds_its_connections(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = BODY
    results: list[bytes] = []
    with client(ClientOptions(connections=2)) as one:
        threads = [
            threading.Thread(
                target=lambda: results.append(one.get(faulty_server.url + "/a").read())
            )
            for _ in range(20)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert results == [BODY] * 20


def test_waiting_for_a_connection_that_is_held_ends(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = BODY
    options = ClientOptions(connections=1, timeouts=Timeouts(read_s=0.05))
    with client(options) as one, one.get(faulty_server.url + "/a") as held:
        with pytest.raises(TransferTimeout, match="all 1 are in use"):
            one.get(faulty_server.url + "/a")
        assert held.read() == BODY
        assert one.get(faulty_server.url + "/a").read() == BODY


def test_a_reply_longer_than_it_says_spoils_no_other(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = b"abc"
    faulty_server.script("/a", status(200, {"Content-Length": "3"}, b"abcdef"))
    with client() as one:
        assert one.get(faulty_server.url + "/a").read() == b"abc"
        assert one.get(faulty_server.url + "/a").read() == b"abc"


def test_a_refused_connection_and_an_unknown_host_are_connection_errors() -> None:
    (port,) = free_ports(1)
    with client() as one:
        for url in (f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/"):
            with pytest.raises(ConnectionFailed):
                one.get(url)


def test_a_forked_child_makes_its_own_connections(nginx_server: NginxServer) -> None:
    (nginx_server.root / "f").write_bytes(b"fork")
    with client() as one:
        assert one.get(nginx_server.http + "/f").read() == b"fork"
        child = os.fork()
        if child == 0:
            os._exit(0 if one.get(nginx_server.http + "/f").read() == b"fork" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert one.get(nginx_server.http + "/f").read() == b"fork"


def test_headers_arrive_once_and_the_agent_is_appended(faulty_server: FaultyServer) -> None:
    faulty_server.files["/a"] = b""
    headers: dict[str, str | list[str]] = {"X-Test": ["1", "2"], "User-Agent": "mine/2"}
    text(faulty_server.url + "/a", ClientOptions(headers=headers))
    seen = faulty_server.seen[-1].headers
    assert seen.get_all("X-Test") == ["1", "2"]
    assert seen.get_all("User-Agent") == ["entrepot/0.1, mine/2"]
    assert seen.get_all("Accept-Encoding") == ["identity"]


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nY: b"), ("", "a"), ("a b", "c"), ("Host", "x"), ("X", "\u20ac")]
)
def test_a_header_that_cannot_be_one_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        HttpClient(ClientOptions(headers={name: value}))


def test_basic_auth_lets_in_and_its_absence_does_not(nginx_server: NginxServer) -> None:
    (nginx_server.root / "p").write_text("private")
    url = nginx_server.http + "/.private/p"
    password = SecretStr(nginx_server.password)
    assert text(url, ClientOptions(username="alice", password=password)) == "private"
    for options in (None, ClientOptions(username="alice", password=SecretStr("wrong"))):
        with pytest.raises(AccessDenied):
            text(url, options)


def test_a_redirect_elsewhere_takes_no_credentials_along(nginx_server: NginxServer) -> None:
    options = ClientOptions(
        username="alice",
        password=SecretStr("s3cret"),
        headers={"X-Test": "mine", "Cookie": "c=1", "Authorization-Extra": "x"},
    )
    with client(options) as one:
        for _ in range(2):
            reply = one.get(nginx_server.http + "/.away/x").read().decode()
            assert reply == "authorization= x="
        assert "s3cret" not in repr(options)
        # Asked for directly it is the first origin, and gets them.
        assert one.get(nginx_server.other + "/").read().decode().endswith("x=mine")


def test_a_redirect_within_the_origin_keeps_credentials(faulty_server: FaultyServer) -> None:
    faulty_server.files["/b"] = b"here"
    faulty_server.script("/a", redirect("/b"))
    assert text(faulty_server.url + "/a", ClientOptions(headers={"X-Test": "mine"})) == "here"
    assert faulty_server.seen[-1].headers["X-Test"] == "mine"


def test_redirects_without_end_are_given_up(faulty_server: FaultyServer) -> None:
    faulty_server.script("/a", *[redirect("/a")] * 20)
    with pytest.raises(UnexpectedReply, match="too many redirects"):
        text(faulty_server.url + "/a")
    assert faulty_server.requests["/a"] == 11


def test_a_message_shows_no_signature(faulty_server: FaultyServer) -> None:
    with pytest.raises(ResourceNotFound) as caught:
        text(faulty_server.url + "/a?X-Signature=geheim")
    assert "geheim" not in str(caught.value)


def test_tls_trusts_the_given_authority_only(nginx_server: NginxServer) -> None:
    (nginx_server.root / "t").write_text("tls")
    pem = nginx_server.certificates.ca.read_text()
    url = nginx_server.https + "/t"
    assert text(url, ClientOptions(tls=Tls(authorities=pem))) == "tls"
    assert (
        text(url, ClientOptions(tls=Tls(authorities="# our CA\n" + pem + "\ntrailer\n"))) == "tls"
    )
    assert text(url, ClientOptions(tls=Tls(authorities=str(nginx_server.certificates.ca)))) == "tls"
    assert text(url, ClientOptions(tls=Tls(verify=False))) == "tls"
    with pytest.raises(UnexpectedReply, match="not trusted"):
        text(url)


def test_a_tls_body_that_stalls_times_out(nginx_server: NginxServer) -> None:
    (nginx_server.root / "large").write_bytes(BODY * 20)
    pem = nginx_server.certificates.ca.read_text()
    with client(ClientOptions(tls=Tls(authorities=pem), timeouts=Timeouts(total_s=5))) as one:
        assert one.get(nginx_server.https + "/large").read() == BODY * 20


def test_mutual_tls_wants_the_client_certificate(nginx_server: NginxServer) -> None:
    (nginx_server.root / "t").write_text("tls")
    pems = nginx_server.certificates
    url = nginx_server.mutual + "/t"
    authorities = pems.ca.read_text()
    key = SecretStr(pems.client_key.read_text())
    both = Tls(authorities, pems.client.read_text(), key)
    assert text(url, ClientOptions(tls=both)) == "tls"
    with pytest.raises((UnexpectedReply, AccessDenied)):
        text(url, ClientOptions(tls=Tls(authorities)))
    for tls, words in (
        (Tls(authorities, pems.client.read_text()), "needs its client key"),
        (Tls(authorities, "", key), "needs its client certificate"),
        (Tls(authorities, pems.ca.read_text(), key), "cannot be loaded"),
        (
            Tls("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n"),
            "no valid certificate",
        ),
    ):
        with pytest.raises(InvalidInput, match=words):
            text(url, ClientOptions(tls=tls))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", ["", "bob"])
def test_a_proxy_carries_both_schemes(nginx_server: NginxServer, scheme: str, user: str) -> None:
    (nginx_server.root / "t").write_text("by proxy")
    base = nginx_server.http if scheme == "http" else nginx_server.https
    tls = Tls(authorities=nginx_server.certificates.ca.read_text())
    with ProxyServer(user=user, password="pw") as proxy:
        through = Proxy(proxy.url, user, SecretStr("pw" if user else ""))
        assert text(base + "/t", ClientOptions(tls=tls, proxy=through)) == "by proxy"
        method = "GET" if scheme == "http" else "CONNECT"
        assert [line.split()[0] for line in proxy.lines] == [method]
        if user:
            with pytest.raises(AccessDenied):
                text(base + "/t", ClientOptions(tls=tls, proxy=Proxy(proxy.url)))


def test_a_proxy_address_with_a_password_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        text("http://127.0.0.1/", ClientOptions(proxy=Proxy("http://bob:pw@127.0.0.1:1")))


def test_an_upload_is_pushed_whole_or_seen_as_cut(nginx_server: NginxServer) -> None:
    url = nginx_server.http + "/.write/up.bin"
    with client() as one:
        for size in (len(BODY), None):
            upload = one.upload("PUT", url, size=size)
            for start in range(0, len(BODY), 100_000):
                upload.send(BODY[start : start + 100_000])
            assert upload.finish().status in (201, 204)
            assert (nginx_server.root / "up.bin").read_bytes() == BODY
        cut = one.upload("PUT", url, size=len(BODY))
        cut.send(b"other")
        cut.close()
        assert one.request("PUT", url, body=b"whole").status == 204
    assert (nginx_server.root / "up.bin").read_bytes() == b"whole"


@pytest.mark.parametrize("date", [b"Sun, 06 Nov 1994 08:49:37 GMT", b"06 Nov 1994 08:49:37 +0000"])
def test_dates_are_read_in_every_form(date: bytes) -> None:
    assert modified_us(date) == 784111777 * 10**6


@pytest.mark.parametrize("date", [b"", b"yesterday", b"Sun, 99 Foo 1994 08:49:37 GMT", None])
def test_a_date_that_is_none_says_nothing(date: bytes | None) -> None:
    assert modified_us(date) is None
