"""Every parser of text from outside reads it, or says what is wrong in an error of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.filters.condition import render_condition
from catalog.filters.labels import parse_terms
from catalog.formats.archive_lists import parse_artifacts, parse_content
from catalog.formats.manifest import parse_manifest
from catalog.formats.quantities import parse_bytes, parse_duration
from catalog.glob import globs_to_regex
from catalog.model.gap import Gap
from catalog.model.plan import Selection
from flows.workflows.syntax import expand_variables
from providers.api.entries import Fields
from providers.ftp.list_parser import parse_facts, parse_list, parse_time
from providers.http.headers import declared_digests, modified_us, retry_after_s
from providers.http.index_parser import parse_index
from providers.s3.listing import read_page
from providers.shared.overlap import path_inside
from providers.shared.raw_names import to_printable, to_raw
from providers.shared.url import parse_url
from providers.webdav.multistatus import parse_multistatus
from transfer.archive.tar import read_members, write_end, write_member

Parse = Callable[[str], object]

WORDS: dict[str, tuple[Parse, tuple[str, ...]]] = {
    "MLSD": (
        parse_facts,
        ("type=", "file", "dir;", "size=", "modify=", "20261122080000", ";", "; "),
    ),
    "LIST": (parse_list, ("-rw-r--r-- ", "drwx", " 1 ", "u g ", " 12 ", "Nov 22 08:00 ", "<DIR> ")),
    "FTP time": (parse_time, ("2026", "13", "32", "25", "60", ".", "999")),
    "manifest": (
        lambda text: list(parse_manifest("PULP_MANIFEST", text.splitlines())),
        ("a/b,", "0" * 64, ",3", "\n", "../", "#"),
    ),
    "sums": (
        lambda text: list(parse_manifest("SHA256SUMS", text.splitlines())),
        ("0" * 64, "  a", " *b", "\\", "\n", "./"),
    ),
    "labels": (parse_terms, ("a", "=", "!=", "~", ",", " ", "'", '"', "\\")),
    "glob": (
        lambda text: globs_to_regex((text,)),
        ("*", "**", "/", "?", "[", "]", "!", "-", "\\", "("),
    ),
    "URL": (parse_url, ("s3", "://", "host", ":", "@", "/", "%", "[", "]", "?", "#", "99999999")),
    "size": (parse_bytes, ("1", ".", "e", "-", " ", "KiB", "MB", "inf", "nan")),
    "duration": (parse_duration, ("1", ".", "-", " ", "h", "d", "weeks", "inf", "nan", "e9")),
    "variables": (
        lambda text: expand_variables(text, {"A": "x"}),
        ("$", "{", "}", "A", "B", "#", "\n", "$$"),
    ),
    "archive content": (
        lambda text: list(parse_content(text.splitlines())),
        ("{", "}", '"path":', "1"),
    ),
    "archive artifacts": (
        lambda text: list(parse_artifacts(text.splitlines())),
        ("0" * 64, " ", "3"),
    ),
}
BYTES: dict[str, Callable[[bytes], object]] = {
    "S3 page": read_page,
    "HTTP date": modified_us,
    "Retry-After": lambda data: retry_after_s({b"retry-after": data}),
    "digest headers": lambda data: declared_digests(
        {b"repr-digest": data, b"digest": data, b"content-md5": data}
    ),
    "tar": lambda data: [(one.name, b"".join(one.body())) for one in read_members(BytesIO(data))],
}
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=SLOW)


def told(error: Exception) -> None:
    """Insist on words: an error without any helps nobody."""
    if not str(error):
        raise AssertionError(repr(error))


def text_of(words: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Return text that is nearly right: the format's own words, in any order, among others."""
    piece = st.sampled_from(words) | st.text(max_size=3)
    return st.lists(piece, max_size=12).map("".join)


@pytest.mark.parametrize("kind", WORDS)
@FUZZ
@given(data=st.data())
def test_text_is_read_or_refused_in_words_of_ours(kind: str, data: st.DataObject) -> None:
    parse, words = WORDS[kind]
    try:
        parse(data.draw(text_of(words)))
    except CatalogError as error:
        told(error)


@pytest.mark.parametrize("kind", BYTES)
@FUZZ
@given(data=st.binary(max_size=2000))
def test_bytes_are_read_or_refused_in_words_of_ours(kind: str, data: bytes) -> None:
    try:
        BYTES[kind](data)
    except CatalogError as error:
        told(error)


def archive() -> bytes:
    """Return a tar of two files."""
    made = BytesIO()
    for name in ("a", "b/c"):
        write_member(made, name, 700, [b"x" * 700])
    write_end(made)
    return made.getvalue()


@FUZZ
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=20))
def test_a_spoilt_archive_is_read_or_refused(place: int, spoilt: bytes) -> None:
    whole = archive()
    data = whole[:place] + spoilt + whole[place + len(spoilt) :]
    try:
        found = [(one.name, len(b"".join(one.body()))) for one in read_members(BytesIO(data))]
    except CatalogError as error:
        told(error)
    else:
        assert len(found) <= 2


HTML = (
    "<a ",
    "href=",
    '"',
    "x/",
    ">",
    "</a>",
    "http://",
    "[",
    "../",
    "%2F",
    "%ff",
    "&amp;",
    "?",
    "#",
)


@FUZZ
@given(text_of(HTML))
def test_a_page_names_only_direct_children(text: str) -> None:
    for one in parse_index(
        text if not text.lstrip().startswith("[") else "x" + text, "http://h/d/"
    ):
        assert one.name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ENTRY = st.dictionaries(st.sampled_from(["name", "url", "size", "sum", "at", "etag"]), JSON)


@FUZZ
@given(st.lists(ENTRY, max_size=4))
def test_each_entry_of_an_api_is_a_file_or_a_gap(page: list[Mapping[str, object]]) -> None:
    fields = Fields(size="size", digest="sum", modified="at", etag="etag")

    found = list(fields.entries(page, "https://h/v1"))

    assert len(found) == len(page)


XML = (
    "<D:response>",
    "</D:response>",
    "<D:href>/d/a</D:href>",
    "<D:href>",
    "<D:propstat>",
    "</D:propstat>",
    "<D:prop>",
    "</D:prop>",
    "<D:status>200</D:status>",
    "<D:getcontentlength>",
    "</D:getcontentlength>",
    "²",
    "3",
    "&lt;",
    "<D:resourcetype><D:collection/></D:resourcetype>",
)


@FUZZ
@given(text_of(XML))
def test_a_multistatus_reply_is_read_or_is_none(text: str) -> None:
    whole = f'<D:multistatus xmlns:D="DAV:">{text}</D:multistatus>'.encode("utf-8", "replace")
    try:
        parse_multistatus(whole, "http://h/d/")
    except ValueError as error:  # what its caller tells as an UnexpectedReply
        told(error)


SQL = (
    "size",
    " > ",
    "1",
    "'a'",
    " LIKE ",
    "path",
    "(",
    ")",
    " AND ",
    "sqrt(",
    "::int",
    ";",
    "SELECT ",
)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(text_of(SQL))
def test_a_condition_is_rendered_or_refused(text: str) -> None:
    try:
        render_condition(text)
    except CatalogError as error:
        told(error)


@FUZZ
@given(st.binary(max_size=20))
def test_any_name_of_bytes_comes_back_as_it_was(name: bytes) -> None:
    text = to_printable(name.decode("utf-8", "surrogateescape"))

    text.encode()  # it can be stored anywhere
    assert to_raw(text).encode("utf-8", "surrogateescape") == name


@FUZZ
@given(st.binary(max_size=8), st.binary(max_size=8))
def test_two_names_of_bytes_never_share_a_form(one: bytes, other: bytes) -> None:
    forms = [to_printable(name.decode("utf-8", "surrogateescape")) for name in (one, other)]

    assert (forms[0] == forms[1]) is (one == other)


@FUZZ
@given(text_of(("s3://", "file://", "/", "a", "@", ":", "80", "?", "%2F", "[", "..")), st.text())
def test_any_two_addresses_can_be_compared(outer: str, inner: str) -> None:
    if "\x00" in outer + inner:
        return
    assert path_inside(outer, outer) == ""
    path_inside(outer, outer + inner)


PATHS = text_of(("a", "b", "/", "*", "**", "?", "[ab]"))


@FUZZ
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=3), PATHS)
def test_a_gap_that_concerns_nobody_hides_no_selected_file(folder: list[str], glob: str) -> None:
    gap = Gap("/".join(folder), "denied", below=True)
    try:
        selection = Selection(include=(glob,))
        concerned = gap.affects(selection)
        matches = re.compile(globs_to_regex((glob,))).fullmatch
    except CatalogError:
        return
    for rest in ("a", "b", "a/b", "b/a/a", "ab"):
        if matches(f"{gap.path}/{rest}"):
            assert concerned
