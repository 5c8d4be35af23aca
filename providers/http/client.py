"""A small HTTP/1.1 client for file transfers: keep-alive, TLS, proxies, redirects, our errors.

It follows redirects itself, so that no credential or custom header ever reaches another origin,
and requests the `identity` encoding, so that it receives the file's own bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin

from pydantic import SecretStr

from catalog.errors import UnexpectedReply
from providers.base import Timeouts
from providers.http.egress_policy import EgressPolicy
from providers.http.exchange import Exchange, Route
from providers.http.headers import check_header, cross_origin_headers, extra_lines
from providers.http.pool import Pools
from providers.http.response import Response, Upload
from providers.shared.origin import DEFAULT_PORTS, Proxy, Tls, WebOrigin, basic
from providers.shared.url import parse_url, redact_url

AGENT = "entrepot/0.1"
MAX_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOLLOWED = frozenset({"GET", "HEAD", "PROPFIND"})
HeaderMap = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Options of a client; `headers` are sent to the first origin of a request only."""

    headers: HeaderMap = field(default_factory=dict[str, str | list[str]])
    username: str = ""
    password: SecretStr = field(default=SecretStr(""))
    tls: Tls = field(default=Tls())
    proxy: Proxy | None = None
    timeouts: Timeouts = field(default=Timeouts())
    connections: int = 16
    public_only: bool = False
    egress_policy: EgressPolicy | None = None

    def pools(self) -> Pools:
        """Return connection pools; headers and user are not theirs but each request's."""
        return Pools(
            self.tls,
            self.proxy,
            self.timeouts,
            self.connections,
            public_only=self.public_only,
        )


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """A request as the caller made it."""

    method: str
    url: str
    path: str
    headers: Mapping[str, str] | None
    body: bytes | None


class HttpClient:
    """Send requests; safe to share between threads."""

    def __init__(
        self, options: ClientOptions, pools: Pools | None = None, *, home: str | None = None
    ) -> None:
        """Check `options`; use `pools`, or else its own.

        If the URL `home` is given, headers and credentials are sent to its origin only.
        """
        self.options = options
        self.pools = pools or options.pools()
        self._own_headers = _header_lines(options)
        self._bare_headers = _header_lines(ClientOptions())
        self._routes: dict[tuple[str, str, bool, bool], Route] = {}
        self._home = self._route(home, None)[0].origin if home else None

    def request(
        self,
        method: str,
        url: str,
        *,
        path: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request, follow redirects, and return the response, whatever its status.

        `path` names the resource in errors; `url` must be percent-encoded.
        """
        route, target = self._route(url, self._home)
        message = _message(method, route, target, extra_lines(headers, body), body)
        pool = route.pool
        response = Exchange(pool, pool.take(path), method, message, path).read_response(url)
        if response.status in _REDIRECTS:
            return self.follow(RequestSpec(method, url, path, headers, body), response)
        return response

    def begin_get(
        self, url: str, *, path: str, headers: Mapping[str, str] | None = None
    ) -> PendingResponse | None:
        """Send a GET without waiting for its response; None if no connection is free."""
        route, target = self._route(url, self._home)
        taken = route.pool.take_nowait(path)
        if taken is None:
            return None
        message = _message("GET", route, target, extra_lines(headers, None), None)
        exchange = Exchange(route.pool, taken, "GET", message, path)
        return PendingResponse(self, RequestSpec("GET", url, path, headers, None), exchange)

    def follow(self, request: RequestSpec, response: Response) -> Response:
        """Follow redirects until a response is not a redirect."""
        home = self._home or self._route(request.url, None)[0].origin
        url, path, method = request.url, request.path, request.method
        for _ in range(MAX_REDIRECTS):
            location = _redirect_location(method, response)
            if location is None:
                return response
            url = _resolve_location(url, location, path)
            route, target = self._route(url, home)
            headers = request.headers
            if route.origin != home:
                headers = cross_origin_headers(headers)
            extra = extra_lines(headers, request.body)
            message = _message(method, route, target, extra, request.body)
            pool = route.pool
            response = Exchange(pool, pool.take(path), method, message, path).read_response(url)
        if _redirect_location(method, response) is None:
            return response
        raise UnexpectedReply(
            f"too many redirects: over {MAX_REDIRECTS}, the last to {redact_url(url)!r}", path=path
        )

    def get(
        self, url: str, *, path: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a GET; raise our error for any status but 200 and 206."""
        response = self.request("GET", url, path=path, headers=headers)
        return response.expect(200, 206)

    def upload(
        self,
        method: str,
        url: str,
        *,
        path: str = "",
        size: int | None,
        headers: Mapping[str, str] | None = None,
    ) -> Upload:
        """Begin a request with a streamed body: of `size` bytes, or chunked if None."""
        route, target = self._route(url, None)
        framing = (
            {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}
        )
        extra = extra_lines({**(headers or {}), **framing}, None)
        message = _message(method, route, target, extra, None)
        connection, used = route.pool.take(path)
        if used and connection.is_stale():  # a streamed body cannot be sent twice
            connection = route.pool.replace(connection, path)
        upload = Upload(connection, route.pool, method, url, chunked=size is None)
        try:
            connection.begin(path)
            connection.send(message)
        except BaseException:
            upload.close()
            raise
        return upload

    def close(self) -> None:
        """Close every idle connection."""
        self.pools.close()

    def _route(self, url: str, home: WebOrigin | None) -> tuple[Route, bytes]:
        scheme, _, rest = url.partition("://")
        netloc, slash, target = rest.partition("/")
        if not slash and "?" in netloc:
            netloc, _, query = netloc.partition("?")
            target = "?" + query
        egress_policy = self.options.egress_policy
        if egress_policy is not None:
            listed, own_part = egress_policy.is_listed(url), egress_policy.is_own(url)
            found = self._new_route(scheme, netloc, home, listed=listed, own_part=own_part)
            return found, b"/" + target.encode("ascii")
        own = self._routes.get((scheme, netloc, True, True))
        if own is None or (home is not None and own.origin != home):
            own = self._new_route(scheme, netloc, home)
        return own, b"/" + target.encode("ascii")

    def _new_route(
        self,
        scheme: str,
        netloc: str,
        home: WebOrigin | None,
        *,
        listed: bool = True,
        own_part: bool = True,
    ) -> Route:
        parsed = parse_url(f"{scheme}://{netloc}")
        if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            raise UnexpectedReply(
                f"{redact_url(f'{scheme}://{netloc}')!r} is not an http(s) address"
            )
        origin = WebOrigin(
            parsed.scheme, parsed.host.lower(), parsed.port or DEFAULT_PORTS[parsed.scheme]
        )
        trusted = own_part and (home is None or home == origin)
        key = (scheme, netloc, trusted, listed)
        route = self._routes.get(key)
        if route is not None:
            return route
        options = self.options
        host = parsed.netloc.encode("idna")
        before, proxied = b"", b""
        if options.proxy is not None and origin.scheme == "http":
            before, proxied = b"http://" + host, options.proxy.authorization()
        lines = self._own_headers if trusted else self._bare_headers
        after = b" HTTP/1.1\r\nHost: " + host + b"\r\n" + proxied + lines
        pool = self.pools.pool(origin, trusted=trusted, public_only=not listed)
        route = Route(origin, pool, before, after)
        return self._routes.setdefault(key, route)


class PendingResponse:
    """A request that was sent and whose response was not read yet."""

    __slots__ = ("_client", "_exchange", "_request")

    def __init__(self, client: HttpClient, request: RequestSpec, exchange: Exchange) -> None:
        """Own the `exchange` that sent `request`."""
        self._client, self._request, self._exchange = client, request, exchange

    def response(self) -> Response:
        """Wait for the response and follow redirects."""
        response = self._exchange.read_response(self._request.url)
        if response.status in _REDIRECTS:
            return self._client.follow(self._request, response)
        return response

    def close(self) -> None:
        """Abandon the request."""
        self._exchange.close()


def _message(method: str, route: Route, target: bytes, extra: bytes, body: bytes | None) -> bytes:
    head = (method.encode(), b" ", route.before, target, route.after, extra, b"\r\n", body or b"")
    return b"".join(head)


def _header_lines(options: ClientOptions) -> bytes:
    """Return the header lines for every request to the first origin."""
    agent = AGENT
    lines: list[str] = []
    for name, values in options.headers.items():
        for value in [values] if isinstance(values, str) else values:
            check_header(name, value)
            if name.lower() == "user-agent":
                agent = f"{agent}, {value}"
            else:
                lines.append(f"{name}: {value}\r\n")
    lines.append(f"User-Agent: {agent}\r\nAccept-Encoding: identity\r\nAccept: */*\r\n")
    text = "".join(lines).encode("latin-1")
    if options.username:
        text += b"Authorization: " + basic(options.username, options.password) + b"\r\n"
    return text


def _redirect_location(method: str, response: Response) -> str | None:
    """Return a redirect's location and discard its body; None if it is not a redirect."""
    if response.status not in _REDIRECTS or method not in _FOLLOWED:
        return None
    location = response.header(b"location")
    response.close()
    return location


def _resolve_location(url: str, location: str, path: str) -> str:
    """Resolve a Location header against the URL that sent it, keeping its percent-encoding."""
    target = urljoin(url, location).partition("#")[0]
    if target.partition("://")[0] not in DEFAULT_PORTS:
        raise UnexpectedReply(f"{redact_url(url)!r} redirects to {redact_url(target)!r}", path=path)
    return quote(target, safe="%/?#[]@!$&'()*+,;=:-._~")
