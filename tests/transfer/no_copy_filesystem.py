"""A filesystem that cannot copy by itself: local files at `uncopying:///path`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from providers.fsspec.settings import FsspecSettings

SCHEME = "uncopying"


class Uncopying(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types for mypy
    """Local files, without what makes a copy of one."""

    protocol = SCHEME

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:  # noqa: ANN401 - fsspec's own
        stripped: Any = LocalFileSystem._strip_protocol  # pyright: ignore[reportPrivateUsage] - fsspec has no public name for it
        return stripped(str(path).removeprefix(f"{SCHEME}://"))

    def cp_file(self, path1: str, path2: str, **_: object) -> None:
        """Refuse, as fsspec's own default does."""
        raise NotImplementedError

    def put_file(self, path1: str, path2: str, callback: object = None, **_: object) -> None:  # noqa: ARG002 - its own
        """Send a file, which local files do by copying."""
        super().cp_file(path1, path2)


fsspec.register_implementation(SCHEME, f"{__name__}.Uncopying", clobber=True)


def uncopying(path: Path) -> FsspecSettings:
    """Return a folder of that filesystem."""
    path.mkdir(exist_ok=True)
    return FsspecSettings(url=f"{SCHEME}://{path}")
