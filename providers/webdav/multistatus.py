"""The request body of PROPFIND, and the parser of its reply."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from catalog.model.resource import Resource
from providers.http.headers import modified_us

PROPFIND_BODY = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/>'
    b"<getcontentlength/><getetag/><getlastmodified/><getcontenttype/></prop></propfind>"
)


@dataclass(frozen=True, slots=True)
class DavEntry:
    """One entry of a reply: `path` is relative to the root, '' for the root itself."""

    path: str
    folder: bool
    size: int | None
    etag: str | None
    modified: str
    content_type: str | None
    error_status: str | None = None
    """The error status of this entry, which then has no properties."""

    def resource(self, path: str) -> Resource:
        """Return it as a resource."""
        return Resource(
            path,
            size=self.size,
            etag=self.etag,
            modified_us=modified_us(self.modified.encode("ascii", "replace")),
            content_type=self.content_type,
        )


def parse_multistatus(text: bytes, base: str) -> list[DavEntry]:
    """Return the entries at or below the URL `base`; raise ValueError if the reply is invalid."""
    root = unquote(urlsplit(base).path)
    try:
        # Expat has bounded entity expansion since 2.4.1 and never fetches external ones.
        document = ET.fromstring(text)  # noqa: S314 - the same
    except ET.ParseError as error:
        raise ValueError("the reply is not XML") from error
    found: list[DavEntry] = []
    for response in document.iter("{DAV:}response"):
        place = unquote(
            urlsplit(response.findtext("{DAV:}href", "")).path, errors="surrogateescape"
        )
        if not (place + "/").startswith(root):
            raise ValueError(f"it lists {place!r}, which is not below {root!r}")
        prop = next(
            (
                one.find("{DAV:}prop")
                for one in response.iter("{DAV:}propstat")
                if " 200 " in one.findtext("{DAV:}status", "") + " "
            ),
            None,
        )
        path = place[len(root) :].strip("/") if place.endswith("/") else place[len(root) :]
        if prop is None:
            status = response.findtext("{DAV:}status") or response.findtext(
                "{DAV:}propstat/{DAV:}status", "no status"
            )
            found.append(DavEntry(path, place.endswith("/"), None, None, "", None, status))
            continue
        size = prop.findtext("{DAV:}getcontentlength", "")
        found.append(
            DavEntry(
                path=path,
                folder=prop.find("{DAV:}resourcetype/{DAV:}collection") is not None,
                size=int(size) if size.isascii() and size.isdigit() else None,
                etag=_quoted(prop.findtext("{DAV:}getetag", "")),
                modified=prop.findtext("{DAV:}getlastmodified", ""),
                content_type=prop.findtext("{DAV:}getcontenttype") or None,
            )
        )
    return found


def _quoted(etag: str) -> str | None:
    """Return an etag with quotes, as in headers; some servers omit them here."""
    if not etag or etag.startswith(('"', "W/")):
        return etag or None
    return f'"{etag}"'
