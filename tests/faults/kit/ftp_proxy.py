"""The proxies of an FTP server: one for words, and one for each passive data connection.

What strikes does so on both. The words of lies and of refusal are FTP's: sizes in listings, 421.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Self

from tests.faults.kit import corrupt_replies
from tests.faults.kit.fault_kinds import Fault
from tests.faults.kit.tcp_proxy import Change, TcpProxy
from tests.faults.kit.trigger import Armed

_EXTENDED = re.compile(rb"^229 .*?\(\|\|\|(\d+)\|\)", re.MULTILINE)
_PASSIVE = re.compile(rb"^227 .*?\((\d+,\d+,\d+,\d+),(\d+),(\d+)\)", re.MULTILINE)
_REPLY = re.compile(rb"^\d\d\d[ -]")
BUSY = b"421 too many are here, come back later.\r\n"


class _Data(TcpProxy):
    """A data connection: it strikes as the wire of words does."""

    def __init__(self, words: TcpProxy, target: int, change: Change) -> None:
        super().__init__(words.host, target, down=change)
        self._words = words

    def waiting(self) -> Armed | None:
        """Return the strike of the words."""
        return self._words.waiting()


class FtpProxy(TcpProxy):
    """The proxy; a context manager, armed as a `TcpProxy` is."""

    def __init__(self, host: str, target: int) -> None:
        """Lead to a server."""
        super().__init__(host, target, down=self._words)
        self._data = ExitStack()

    def __enter__(self) -> Self:
        """Listen."""
        super().__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        """End every connection."""
        super().__exit__(*details)
        self._data.close()

    def vanish(self) -> None:
        """Go away whole."""
        super().vanish()
        self._data.close()

    def _words(self, text: bytes) -> bytes:
        """Lead data connections by a wire of their own, and say what a fault says."""
        armed = self.strike
        if _asks(armed, Fault.BUSY) and _REPLY.match(text):
            return BUSY
        text = _EXTENDED.sub(
            lambda found: found[0].replace(found[1], str(self._wire(int(found[1]))).encode()), text
        )
        return _PASSIVE.sub(self._passive, self._lied(text))

    def _passive(self, found: re.Match[bytes]) -> bytes:
        port = self._wire(int(found[2]) * 256 + int(found[3]))
        return b"227 Entering passive mode (127,0,0,1,%d,%d)" % divmod(port, 256)

    def _lied(self, text: bytes) -> bytes:
        lied = self.strike is not None and self.strike.strike.fault is Fault.SIZE
        return corrupt_replies.sizes(text) if lied else text

    def _wire(self, target: int) -> int:
        return self._data.enter_context(_Data(self, target, self._lied)).port


def _asks(armed: Armed | None, fault: Fault) -> bool:
    return armed is not None and armed.strike.fault is fault and armed.request()
