"""Reads the body of an upload as a stream: raw, or a file in a form.

Forms are parsed by python-multipart. Fields before the file are known when it begins, and all of
them when the body has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from catalog.errors import InvalidInput

MAX_BOUNDARY = 200  # characters; RFC 2046 allows 70
MAX_FIELD_BYTES = 2**16  # per field
MAX_FIELDS = 50
MAX_HEADER_BYTES = 2**13  # per header of a part
BLOCK = 2**20  # bytes per event, because each needs a call in a thread
FILE = "input"
"""The name of the file's field, as in the Punch Resource Manager."""


@dataclass(frozen=True, slots=True)
class FileBegins:
    """A file begins; `fields` are those before it."""

    field_name: str
    file_name: str | None
    content_type: str | None
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The next bytes of the file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FileEnds:
    """The file is complete."""


Event = FileBegins | FileBytes | FileEnds


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    header_name: bytes = b""
    header_value: bytes = b""
    name: str = ""
    is_file: bool = False
    text: bytearray = field(default_factory=bytearray)


class FormReader:
    """Parses one form into events, and collects its fields."""

    def __init__(self, content_type: str, names: tuple[str, ...] = (FILE,)) -> None:
        """Start; `names` are the fields that contain files."""
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise InvalidInput("the form has no boundary")
        if len(boundary) > MAX_BOUNDARY:
            raise InvalidInput(f"the form's boundary is longer than {MAX_BOUNDARY} characters")
        self.fields: dict[str, str] = {}
        self._names = names
        self._part = _Part()
        self._events: list[Event] = []
        self._ended = False
        self._parser = _create_parser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finished,
            },
        )

    def feed(self, data: bytes) -> list[Event]:
        """Parse the next bytes of the body.

        Raises:
            InvalidInput: the form is invalid.
        """
        self._events = []
        try:
            self._parser.write(data)
        except ValueError as error:  # the base class of the parser's errors
            raise InvalidInput(f"invalid form: {error}") from error
        return self._events

    def check_ended(self) -> None:
        """Refuse an incomplete form."""
        if not self._ended:
            raise InvalidInput("the form ends before its closing boundary")

    def _begin(self) -> None:
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]
        if len(self._part.header_value) > MAX_HEADER_BYTES:
            raise InvalidInput(f"a part's header is longer than {MAX_HEADER_BYTES:,} bytes")

    def _header_end(self) -> None:
        part = self._part
        part.headers[part.header_name.decode("latin-1").lower()] = part.header_value
        part.header_name, part.header_value = b"", b""

    def _headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition", b""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if not part.name:
            raise InvalidInput("a part of the form has no name")
        part.is_file = part.name in self._names
        if part.is_file:
            name = options.get(b"filename")
            kind = part.headers.get("content-type")
            self._events.append(
                FileBegins(
                    part.name,
                    None if name is None else name.decode("utf-8", "replace"),
                    None if kind is None else kind.decode("latin-1"),
                    dict(self.fields),
                )
            )
        elif len(self.fields) >= MAX_FIELDS:
            raise InvalidInput(f"the form has more than {MAX_FIELDS} fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self._events.append(FileBytes(data[start:end]))
            return
        self._part.text += data[start:end]
        if len(self._part.text) > MAX_FIELD_BYTES:
            raise InvalidInput(
                f"the field {self._part.name!r} is longer than {MAX_FIELD_BYTES:,} bytes"
            )

    def _end(self) -> None:
        if self._part.is_file:
            self._events.append(FileEnds())
            return
        try:
            self.fields[self._part.name] = self._part.text.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the field {self._part.name!r} is not UTF-8 text") from error

    def _finished(self) -> None:
        self._ended = True


def _create_parser(boundary: bytes, callbacks: Any) -> MultipartParser:  # noqa: ANN401 - the parser's
    try:
        return MultipartParser(boundary, callbacks)
    except ValueError as error:
        raise InvalidInput(f"invalid form: {error}") from error


CURL_DEFAULT_TYPE = "application/x-www-form-urlencoded"  # what curl sends by default


async def events(request: Request, reader: FormReader | None) -> AsyncIterator[Event]:
    """Yield the files of a request's form, or its body as one file.

    Every `FileBytes` has at least `BLOCK` bytes, except for the last of each file.
    """
    waiting = bytearray()
    async for event in _raw_events(request, reader):
        if isinstance(event, FileBytes):
            waiting += event.data
            if len(waiting) < BLOCK:
                continue
        if waiting:
            yield FileBytes(bytes(waiting))
            waiting.clear()
        if not isinstance(event, FileBytes):
            yield event


async def _raw_events(request: Request, reader: FormReader | None) -> AsyncIterator[Event]:
    if reader is None:
        content_type = request.headers.get("content-type")
        yield FileBegins("", None, None if content_type == CURL_DEFAULT_TYPE else content_type, {})
        async for data in request.stream():
            yield FileBytes(data)
        yield FileEnds()
        return
    async for data in request.stream():
        for event in reader.feed(data):
            yield event
    reader.check_ended()


def form_reader(request: Request, names: tuple[str, ...] = (FILE,)) -> FormReader | None:
    """Return the reader of a request's form; None if its body is the file itself."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    return FormReader(kind, names)
