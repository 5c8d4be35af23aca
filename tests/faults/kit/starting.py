"""What the starts of several places share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TypeVar

from tests.faults.kit.fault_kinds import Operation
from tests.faults.kit.http_proxy import HttpProxy
from tests.faults.kit.tcp_proxy import TcpProxy

Proxy = TypeVar("Proxy", TcpProxy, HttpProxy)


def every(one: Proxy) -> dict[Operation, Proxy]:
    """Use one proxy for every operation."""
    return dict.fromkeys(Operation, one)


def behind_a_web(port: int, stack: ExitStack) -> tuple[TcpProxy, HttpProxy]:
    """Put both kinds of proxies before a web server, one behind the other."""
    web = stack.enter_context(HttpProxy("127.0.0.1", port))
    return stack.enter_context(TcpProxy("127.0.0.1", web.port)), web
