"""What the starts of several places share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TypeVar

from tests.faults.kit.kinds import Operation
from tests.faults.kit.web import Web
from tests.faults.kit.wire import Wire

Proxy = TypeVar("Proxy", Wire, Web)


def every(one: Proxy) -> dict[Operation, Proxy]:
    """Use one proxy for every operation."""
    return dict.fromkeys(Operation, one)


def behind_a_web(port: int, stack: ExitStack) -> tuple[Wire, Web]:
    """Put both kinds of proxies before a web server, one behind the other."""
    web = stack.enter_context(Web("127.0.0.1", port))
    return stack.enter_context(Wire("127.0.0.1", web.port)), web
