"""Directory listings of a version's folders in nginx's format, as HTML or JSON."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.responses import HTMLResponse, JSONResponse, Response

from catalog.queries.files import FolderEntry

WIDTH = 50  # characters of a name, as in nginx
STYLE = "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}pre{overflow-x:auto}"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}


def folder_page(
    title: str, entries: Iterable[FolderEntry], accept: str, *, above: bool
) -> Response:
    """Return the listing of a folder, as JSON if the client prefers that."""
    if "application/json" in accept and "text/html" not in accept:
        return JSONResponse([_json_entry(entry) for entry in entries], headers=HEADERS)
    lines = ['<a href="../">../</a>'] if above else []
    lines += map(_html_line, entries)
    shown = html.escape(title)
    text = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>Index of {shown}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>Index of {shown}</h1><hr><pre>"
        + "\n".join(lines)
        + "\n</pre><hr></body></html>\n"
    )
    return HTMLResponse(text, headers=HEADERS)


def tenant_page(title: str, repositories: Iterable[str], accept: str) -> Response:
    """Return the listing of a tenant: its repositories as folders."""
    entries = [
        FolderEntry(repository, folder=True, files=0, size=None, modified_us=None)
        for repository in repositories
    ]
    return folder_page(title, entries, accept, above=False)


def _html_line(entry: FolderEntry) -> str:
    name = entry.name + ("/" if entry.folder else "")
    shown = name if len(name) <= WIDTH else f"{name[: WIDTH - 3]}..>"
    room = " " * (WIDTH - len(shown))
    size = "-" if entry.folder or entry.size is None else str(entry.size)
    link = quote(name, safe="/")
    if ":" in entry.name.partition("/")[0]:
        link = f"./{link}"
    anchor = f'<a href="{html.escape(link)}">{html.escape(shown)}</a>'
    return f"{anchor}{room} {_format_time(entry)}{size:>20}"


def _json_entry(entry: FolderEntry) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": entry.name,
        "type": "directory" if entry.folder else "file",
        "mtime": _format_time(entry),
    }
    return fields if entry.folder or entry.size is None else {**fields, "size": entry.size}


def _format_time(entry: FolderEntry) -> str:
    if entry.modified_us is None:
        return " " * 17
    try:
        moment = datetime.fromtimestamp(entry.modified_us / 1e6, tz=UTC)
    except (ValueError, OverflowError, OSError):  # out of range
        return " " * 17
    return moment.strftime("%d-%b-%Y %H:%M")
