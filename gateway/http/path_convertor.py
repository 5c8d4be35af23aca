"""The rest of a path, whatever it holds: names may hold line ends, which `path` passes by."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

ANY = "any"


class AnyPath(Convertor[str]):
    """Every character, line ends too."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        """Return it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it is."""
        return value


register_url_convertor(ANY, AnyPath())
