"""The providers that rest on fsspec: memory, and any filesystem by URL."""

# pyright: reportPrivateUsage=false
# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import SecretStr, ValidationError

from catalog.errors import SecretInUrl
from catalog.model.gap import Gap, files_collecting_gaps
from providers.base import Attributes
from providers.fsspec.memory import MemorySettings
from providers.fsspec.settings import FsspecSettings
from providers.fsspec.storage import FsspecStorage
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, seed_through


class TestMemory(Conformance):
    """A folder in memory."""

    @pytest.fixture
    def subject(self) -> Iterator[Subject]:
        root = uuid4().hex
        settings = MemorySettings.from_url(f"memory://{root}")
        storage = settings.open(OPTIONS)
        filesystem = MemoryFileSystem()

        def raw() -> Iterator[str]:
            for name in filesystem.find("/" + root):
                yield name.removeprefix(f"/{root}/")

        yield Subject(settings, storage, seed_through(storage), raw=raw)
        if filesystem.exists("/" + root):
            filesystem.rm("/" + root, recursive=True)


class TestGeneric(Conformance):
    """fsspec's own local filesystem: one that renames."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        settings = FsspecSettings(
            url=f"file://{tmp_path}", options_json=SecretStr('{"x": "s3cret"}')
        )
        storage = settings.open(OPTIONS)
        return Subject(
            settings,
            storage,
            seed_through(storage),
            raw=lambda: (
                str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()
            ),
        )


def test_a_folder_that_cannot_be_listed_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FsspecSettings(url=f"file://{tmp_path}").open(OPTIONS)
    assert isinstance(storage, FsspecStorage)
    storage.put("open/a", b"a", Attributes())
    storage.put("shut/b", b"b", Attributes())
    real = storage._fs.ls

    def ls(path: str, detail: bool = True) -> object:  # noqa: FBT001, FBT002 - fsspec's own
        if path.endswith("shut"):
            raise PermissionError(13, "no", path)
        return real(path, detail=detail)

    monkeypatch.setattr(storage._fs, "ls", ls)  # root may read what nobody else may
    gaps: list[Gap] = []
    assert [one.path for one in files_collecting_gaps(storage.enumerate(), gaps)] == ["open/a"]
    assert [(one.path, one.code, one.below) for one in gaps] == [("shut", "access-denied", True)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "nosuch://x"}, "no provider registered"),
        ({"url": "file:///x", "options_json": "{"}, "not JSON"),
        ({"url": "file:///x", "options_json": "[]"}, "not a JSON object"),
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FsspecSettings.model_validate(fields)


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(SecretInUrl):
        FsspecSettings.from_url("smb://bob:geheim@host/share")
