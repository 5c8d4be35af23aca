"""Directory pages of six servers, read by one parser."""

from __future__ import annotations

from uuid import uuid4

import pytest

from providers.http.index_parser import parse_index
from providers.http.settings import HttpSettings
from providers.http.storage import HttpStorage
from providers.testing.subject import OPTIONS, files_of
from tests.servers.nginx import NginxServer

NGINX = """<html><head><title>Index of /a b/</title></head><body><h1>Index of /a b/</h1><hr><pre>
<a href="../">../</a>
<a href="sub/">sub/</a>                                          22-Nov-2026 08:00       -
<a href="x%20y.txt">x y.txt</a>                                  22-Nov-2026 08:00    1024
<a href="q%3Fa%23b%26c">q?a#b&amp;c</a>                          22-Nov-2026 08:00       7
<a href="%C3%BC.bin">ü.bin</a>                                   22-Nov-2026 08:00      3M
</pre><hr></body></html>"""
APACHE = """<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last</a></th></tr>
<tr><td><a href="/">Parent Directory</a></td></tr>
<tr><td><img src="/icons/folder.gif" alt="[DIR]"></td><td><a href="sub/">sub/</a></td></tr>
<tr><td><a href="x%20y.txt"><img src="/icons/text.gif"></a> <a href="x%20y.txt">x y.txt</a></td>
<td align="right">1.0K</td></tr>
<tr><td><A class=n HREF='q%3fa%23b&amp;c'>q</A></td></tr>
<tr><td><a href="%c3%bc.bin">u</a></td></tr>
</table><address>Apache/2.4 at <a href="http://httpd.apache.org/">host</a></address>"""
PYTHON = """<!DOCTYPE HTML><html><body><h1>Directory listing for /a%20b/</h1><ul>
<li><a href="sub/">sub/</a></li><li><a href="x%20y.txt">x y.txt</a></li>
<li><a href="q%3Fa%23b%26c">q</a></li><li><a href="%C3%BC.bin">u</a></li></ul></body></html>"""
LIGHTTPD = """<tbody><tr class="d"><td class="n"><a href="../">..</a>/</td></tr>
<tr class="d"><td class="n"><a href="sub/">sub</a>/</td><td class="t">Directory</td></tr>
<tr><td class="n"><a href="x%20y.txt">x y.txt</a></td><td class="s">1.0K</td></tr>
<tr><td class="n"><a href="q%3fa%23b%26c">q</a></td></tr>
<tr><td class="n"><a href="%c3%bc.bin">u</a></td></tr></tbody>"""
CADDY = """<a href="/">/</a> <a href="/a%20b/">a b</a> <a href="./?sort=name&order=desc">Name</a>
<a href=./sub/>sub</a> <a href="./x%20y.txt">x y.txt</a> <a href="./q%3Fa%23b&amp;c">q</a>
<a href="./%C3%BC.bin">u</a> <a rel="noopener" href="https://caddyserver.com">Caddy</a>
<a href="#top">top</a> <a href="javascript:void(0)">x</a> <a href="mailto:a@b">m</a>
<a href="./sub/deeper.txt">no child</a> <a href="//other/a%20b/z">other host</a>"""
ABSOLUTE = """<a href="http://host/a%20b/sub/">s</a><a href="/a b/x%20y.txt">x</a>
<a href="http://host/a%20b/q%3Fa%23b%26c">q</a><a href="/a%20b/%C3%BC.bin">u</a>
<a href="http://host/else">no</a><a href="https://host/a%20b/tls">no</a>"""
NGINX_JSON = """[
{ "name":"sub", "type":"directory", "mtime":"Sun, 22 Nov 2026 08:00:00 GMT" },
{ "name":"x y.txt", "type":"file", "mtime":"Sun, 22 Nov 2026 08:00:00 GMT", "size":1024 },
{ "name":"q?a#b&c", "type":"file", "mtime":"Sun, 22 Nov 2026 08:00:00 GMT", "size":7 },
{ "name":"ü.bin", "type":"file", "mtime":"Sun, 22 Nov 2026 08:00:00 GMT", "size":3 }]"""
CADDY_JSON = """[{"name":"sub/","size":4096,"url":"./sub/","is_dir":true,"is_symlink":false},
{"name":"x y.txt","size":1024,"url":"./x%20y.txt","is_dir":false},
{"name":"q?a#b&c","size":7,"url":"./q","is_dir":false},
{"name":"ü.bin","size":3,"url":"./%C3%BC.bin","is_dir":false}]"""
PAGES = {
    "nginx": NGINX,
    "apache": APACHE,
    "python": PYTHON,
    "lighttpd": LIGHTTPD,
    "caddy": CADDY,
    "absolute": ABSOLUTE,
    "nginx json": NGINX_JSON,
    "caddy json": CADDY_JSON,
}


@pytest.mark.parametrize("server", PAGES)
def test_each_page_shows_its_direct_children_only(server: str) -> None:
    found = parse_index(PAGES[server], "http://host/a%20b/")
    assert [(one.name, one.folder) for one in found] == [
        ("sub", True),
        ("x y.txt", False),
        ("q?a#b&c", False),
        ("ü.bin", False),
    ]


def test_exact_sizes_are_taken_rounded_ones_are_not() -> None:
    sizes = {one.name: one.size for one in parse_index(NGINX_JSON, "http://host/")}
    assert sizes == {"sub": None, "x y.txt": 1024, "q?a#b&c": 7, "ü.bin": 3}
    sizes = {one.name: one.size for one in parse_index(NGINX, "http://host/a%20b/")}
    assert sizes == {"sub": None, "x y.txt": 1024, "q?a#b&c": 7, "ü.bin": None}


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("<a href=x>x</a>      22-Nov-2026 08:00          1234567890\r\n", 1234567890),
        ("<a href='./x'>x</a>  22-Nov-2026 08:00       0\n", 0),
        ("<a href='x'>x</a>    22-Nov-2026 08:00     10K\n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00    1.2M\n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00  123 \n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00  2024 annual report\n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00  2024\n", None),
        ("<a href='x'>x</a>    2026-11-22 08:00    1024\n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00:00    1024\n", None),
        ("<a href='x'>x</a></td><td>22-Nov-2026 08:00</td><td>1024</td>\n", None),
        ("<a href='x' title='x'>x</a> 22-Nov-2026 08:00    1024\n", None),
        ("<a href='x'>x</a>    22-Nov-2026 08:00    1024", None),
    ],
    ids=lambda value: str(value).strip(),
)
def test_a_size_is_taken_from_nginx_only_and_when_all_digits(line: str, size: int | None) -> None:
    assert [(one.name, one.size) for one in parse_index(line, "http://host/")] == [("x", size)]


def test_nginx_itself_tells_every_size(nginx_server: NginxServer) -> None:
    folder = nginx_server.root / uuid4().hex
    folder.mkdir()
    sizes = {"empty": 0, "small name": 9, "k": 10_240, "ü" * 40: 1_048_577, "a&b;c": 12}
    for name, size in sizes.items():
        (folder / name).write_bytes(b"x" * size)
    storage = HttpSettings(url=f"{nginx_server.http}/{folder.name}").open(OPTIONS)
    assert isinstance(storage, HttpStorage)
    found = storage.list_names()
    assert found is not None
    assert {one.path: one.size for one in files_of(found)} == sizes
    storage.close()


def test_a_name_with_blanks_around_it_is_cut_as_browsers_do() -> None:
    assert [
        one.name for one in parse_index('<a href=" x ">x</a><a href="y ">y</a>', "http://h/")
    ] == [
        "x",
        "y",
    ]


def test_an_empty_page_lists_nothing() -> None:
    assert parse_index("<html></html>", "http://host/") == []
    assert parse_index("[]", "http://host/") == []
