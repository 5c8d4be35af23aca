"""Whatever a storage says of names, sizes, times, modes and etags: no foreign error leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from catalog.errors import CatalogError
from providers.api.settings import ApiSettings
from providers.azure.settings import AzureSettings
from providers.base import Attributes, OpenOptions, ProviderSettings, Storage, Timeouts
from providers.fsspec.memory import MemorySettings
from providers.gcs.settings import GcsSettings
from providers.http.settings import HttpSettings
from providers.s3.settings import S3Settings
from providers.webdav.settings import WebdavSettings
from tests.faults.kit import odd
from tests.faults.kit.odd import OddServer, Reply
from tests.faults.kit.target import OPTIONS, Target
from tests.faults.test_double import READS

QUICK = OpenOptions(
    connections=2, timeouts=Timeouts(connect_s=1.0, read_s=0.3, write_s=0.3, total_s=0.6)
)
LATE = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture)
SOAKS = "ENTREPOT_SOAK_S" in os.environ
pytestmark = pytest.mark.timeout(3600 if SOAKS else 600)
ODD = settings(
    max_examples=200 if SOAKS else 15, deadline=None, suppress_health_check=LATE, derandomize=True
)

SPEAKERS: dict[str, tuple[Callable[[str], ProviderSettings], st.SearchStrategy[bytes]]] = {
    "http": (lambda url: HttpSettings(url=f"{url}/r"), odd.LINKS),
    "http, manifest": (
        lambda url: HttpSettings(url=f"{url}/r", manifest="SHA256SUMS"),
        st.lists(st.tuples(odd.VALUE, odd.VALUE), max_size=3).map(
            lambda rows: "\n".join(f"{a}  {b}" for a, b in rows).encode("utf-8", "surrogatepass")
        ),
    ),
    "api": (
        lambda url: ApiSettings(
            url=f"{url}/r", size="size", digest="sum", etag="tag", modified="at"
        ),
        odd.ITEMS,
    ),
    "webdav": (lambda url: WebdavSettings(url=f"{url}/r"), odd.MULTISTATUS),
    "gcs": (lambda url: GcsSettings(bucket="b", endpoint=url, anonymous=True), odd.ITEMS),
    "s3": (
        lambda url: S3Settings(
            bucket="b", endpoint=url, access_key_id="a", secret_access_key=SecretStr("b")
        ),
        odd.BUCKET,
    ),
    "azure": (
        lambda url: AzureSettings(
            account_name="a", container="c", endpoint=f"{url}/a", account_key=SecretStr("eA==")
        ),
        odd.CONTAINER,
    ),
}


@pytest.fixture(scope="module")
def speaking() -> Iterator[dict[str, tuple[OddServer, Storage]]]:
    """Open a storage of each kind, at a server of its own."""
    with ExitStack() as stack:
        made: dict[str, tuple[OddServer, Storage]] = {}
        for kind, (settled, _) in SPEAKERS.items():
            server = stack.enter_context(OddServer())
            made[kind] = server, stack.enter_context(closing(settled(server.url).open(QUICK)))
        yield made


def ours_alone(storage: Storage) -> None:
    """Do all that reads; only errors of ours may come."""
    for operation in READS.values():
        with suppress(CatalogError):
            operation(storage)


@pytest.mark.parametrize("kind", SPEAKERS)
@ODD
@given(data=st.data())
def test_a_server_may_say_anything(
    kind: str, speaking: dict[str, tuple[OddServer, Storage]], data: st.DataObject
) -> None:
    server, storage = speaking[kind]
    body = SPEAKERS[kind][1] | st.binary(max_size=50)
    server.reply = Reply(data.draw(odd.STATUS), data.draw(odd.HEADERS), data.draw(body))
    ours_alone(storage)


NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not set(name) & {0, 47} and name not in (b".", b"..")
)
TIMES = st.integers(-(2**33), 2**34)  # seconds, from 1697 to 2514


@pytest.mark.parametrize("kind", ["local", "sftp", "ftp", "webdav"])
@ODD
@given(name=NAMES, time_s=TIMES, mode=st.integers(0o400, 0o777))
def test_a_disk_may_hold_any_name_time_and_mode(
    kind: str, place_of: Callable[[str], Target], name: bytes, time_s: int, mode: int
) -> None:
    place = place_of(kind)
    assert place.disk is not None
    others = set(place.disk.glob("*/d"))  # what other tests left
    corner = place.fresh()
    corner.seed("d/a", b"abc")
    (folder,) = set(place.disk.glob("*/d")) - others
    file = os.fsencode(folder) + b"/" + name
    try:
        with open(file, "wb") as made:  # noqa: PTH123 - a name of bytes
            made.write(b"abc")
        os.utime(file, (time_s, time_s))
        os.chmod(file, mode)  # noqa: PTH101 - a name of bytes
        with closing(corner.settings.open(OPTIONS)) as storage:
            with suppress(CatalogError):
                for one in list(storage.enumerate()):
                    with suppress(CatalogError):
                        storage.fetch(one.path)
            ours_alone(storage)
    finally:
        corner.clear()


def saying(answer: object) -> Callable[..., object]:
    """Return what answers everybody the same."""

    def say(*_: object, **__: object) -> object:
        return answer

    return say


KINDS = st.sampled_from(["file", "directory", "other", "", None])
INFO = st.fixed_dictionaries(
    {"name": st.just("/odd/d/a"), "type": KINDS},
    optional={
        **dict.fromkeys(("size", "etag", "ETag", "mtime", "created", "LastModified"), odd.ANY),
        "generation": odd.ANY,
    },
)


@ODD
@given(info=INFO, below=st.lists(INFO, max_size=3))
def test_a_library_may_describe_a_file_in_any_way(info: Any, below: list[Any]) -> None:  # noqa: ANN401
    with closing(MemorySettings(path="odd").open(OPTIONS)) as storage:
        storage.put("d/a", b"abc", Attributes())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MemoryFileSystem, "info", saying(info))
            patch.setattr(MemoryFileSystem, "ls", saying(below))
            ours_alone(storage)


ATTRS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("size", "mtime", "atime", "mtime_ns", "permissions"), odd.NUMBER | st.none()
        ),
        "type": st.integers(0, 9),
    },
)


@ODD
@given(attrs=ATTRS)
def test_an_ssh_server_may_describe_a_file_in_any_way(
    place_of: Callable[[str], Target], attrs: dict[str, Any]
) -> None:
    import asyncssh  # noqa: PLC0415 - it takes a while

    async def told(*_: object, **__: object) -> asyncssh.SFTPAttrs:
        return asyncssh.SFTPAttrs(**attrs)

    corner = place_of("sftp").filled()
    with closing(corner.settings.open(OPTIONS)) as storage, pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncssh.SFTPClient, "stat", told)
        patch.setattr(asyncssh.SFTPClientFile, "stat", told)
        ours_alone(storage)


@pytest.mark.parametrize("kind", ["local", "memory", "sftp", "ftp", "webdav", "s3", "gcs", "azure"])
@ODD
@given(
    modified_us=odd.NUMBER | st.none(),
    mode=odd.NUMBER | st.none(),
    content_type=odd.VALUE | st.none(),
    properties=st.dictionaries(odd.VALUE, odd.VALUE, max_size=2),
)
def test_what_travels_with_a_file_may_be_anything(
    kind: str,
    place_of: Callable[[str], Target],
    modified_us: int | None,
    mode: int | None,
    content_type: str | None,
    properties: dict[str, str],
) -> None:
    corner = place_of(kind).fresh()
    attributes = Attributes(content_type, modified_us, properties=properties, mode=mode)
    try:
        with closing(corner.settings.open(OPTIONS)) as storage, suppress(CatalogError):
            storage.put("d/a", b"abc", attributes)
    finally:
        corner.clear()
