"""Links that let whoever has them read one file for a while, without credentials of their own."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Signer(Protocol):
    """A storage that makes such links."""

    def signed_link(self, path: str, seconds: int, *, file_name: str) -> str | None:
        """Return a link that holds for `seconds`, under which a browser saves it as `file_name`.

        None where the storage was opened without credentials to sign with.
        """
        ...
