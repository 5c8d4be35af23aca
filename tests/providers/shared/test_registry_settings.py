"""Every provider by its type and by its scheme, and storages shared only by equal settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import SecretInUrl
from catalog.model.digest import Digest
from providers.base import Attributes
from providers.fsspec.memory import MemorySettings
from providers.layouts.manifest_source import ManifestSource, split_manifest
from providers.local.settings import LocalSettings
from providers.registry import BUILT_IN, SCHEMES, provider, settings_from_url
from providers.testing.subject import OPTIONS, files_of, names, read_all

KNOWN = [one for one, kind in SCHEMES.items() if kind in BUILT_IN]


@pytest.mark.parametrize("kind", BUILT_IN)
def test_each_type_has_settings_that_explain_themselves(kind: str) -> None:
    settings = provider(kind)
    assert settings.model_fields["type"].default == kind
    for name, field in settings.model_fields.items():
        assert field.title, name
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize("scheme", KNOWN)
def test_each_scheme_makes_settings_whose_address_makes_them_again(
    scheme: str, tmp_path: Path
) -> None:
    url = f"{scheme}://host/one/two/three"
    if scheme.endswith("file"):
        url = f"{scheme}://{tmp_path}"
    elif scheme.startswith("abfs"):
        url = f"{scheme}://container@account.dfs.core.windows.net/one"
    settings = settings_from_url(url)
    assert isinstance(settings, provider(SCHEMES[scheme]))
    again = settings_from_url(settings.address())
    assert again == settings
    assert again.address() == settings.address()


@pytest.mark.parametrize("scheme", [one for one in KNOWN if one != "file"])
def test_no_scheme_takes_a_password(scheme: str) -> None:
    with pytest.raises(SecretInUrl) as caught:
        settings_from_url(f"{scheme}://bob:geheim@host/one/two")
    assert "geheim" not in str(caught.value)


def test_any_storage_can_be_listed_by_a_manifest(tmp_path: Path) -> None:
    digest = Digest.of(b"abc")
    lines = f"a,b/c d,{digest.value},3\nother/x,{digest.value},3\n"
    memory = MemorySettings(path=tmp_path.name).open(OPTIONS)
    for storage in (LocalSettings(path=str(tmp_path)).open(OPTIONS), memory):
        storage.put("root/PULP_MANIFEST", lines.encode(), Attributes())
        storage.put("root/a,b/c d", b"abc", Attributes())
        source = ManifestSource(storage, "root/PULP_MANIFEST")
        (one,) = files_of(source.enumerate("a,b"))
        assert (one.path, one.size, one.digests) == ("a,b/c d", 3, (digest,))
        assert names(source.enumerate()) == ["a,b/c d", "other/x"]
        assert names(source.enumerate("other", recursive=False)) == ["other/x"]
        assert source.fetch("a,b/c d").resource.path == "a,b/c d"
        assert read_all(storage, "root/a,b/c d") == b"abc"
        assert source.stat("a,b/c d").size == 3


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket/dir/SHA256SUMS", ("s3://bucket/dir", "SHA256SUMS")),
        ("/srv/x/PULP_MANIFEST", ("/srv/x", "PULP_MANIFEST")),
        ("https://host/SHA256SUMS?token=x", ("https://host?token=x", "SHA256SUMS")),
        ("https://SHA256SUMS", None),
        ("https://host/dir", None),
    ],
)
def test_a_manifest_is_split_off_its_address(url: str, expected: tuple[str, str] | None) -> None:
    assert split_manifest(url) == expected


@pytest.mark.parametrize("scheme", [one for one in KNOWN if not one.startswith("abfs")])
def test_a_folder_below_a_place_is_a_place(scheme: str) -> None:
    settings = settings_from_url(
        f"{scheme}:///host/one/two" if scheme.endswith("file") else f"{scheme}://host/one/two"
    )
    inner = settings.below("a b/c")
    assert inner.address() == settings_from_url(settings.address() + "/a%20b/c").address()
    assert inner.connection_key() == settings.connection_key()
