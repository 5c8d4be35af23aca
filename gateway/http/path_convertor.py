"""A path convertor for names with line breaks, which Starlette's `path` does not match."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

ANY = "any"


class AnyPath(Convertor[str]):
    """Matches every character, including line breaks."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        """Return it unchanged."""
        return value

    def to_string(self, value: str) -> str:
        """Return it unchanged."""
        return value


register_url_convertor(ANY, AnyPath())
