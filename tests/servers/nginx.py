"""Nginx: listings in HTML and JSON, basic auth, TLS, client certificates, WebDAV writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.process import free_ports, listens, program, running

_CONFIG = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    root {root};
    keepalive_requests 1000000;
    client_max_body_size 0;
    default_type application/octet-stream;
    types {{ text/plain txt; application/json json; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    autoindex on;
    server {{
        listen 127.0.0.1:{http};
        location / {{ }}
        location /.json/ {{ alias {root}/; autoindex_format json; }}
        location /.private/ {{
            alias {root}/;
            auth_basic "test";
            auth_basic_user_file {folder}/users;
        }}
        location /.write/ {{
            alias {root}/;
            dav_methods PUT DELETE MKCOL COPY MOVE;
            create_full_put_path on;
        }}
        location /.away/ {{ return 302 http://127.0.0.1:{other}$request_uri; }}
    }}
    server {{
        listen 127.0.0.1:{other};
        location / {{ return 200 "authorization=$http_authorization x=$http_x_test"; }}
    }}
    ssl_certificate {certificates.server};
    ssl_certificate_key {certificates.server_key};
    server {{ listen 127.0.0.1:{https} ssl; }}
    server {{
        listen 127.0.0.1:{mutual} ssl;
        ssl_client_certificate {certificates.ca};
        ssl_verify_client on;
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class NginxServer:
    """A running nginx: one tree of files behind four ports."""

    root: Path
    http: str
    other: str
    https: str
    mutual: str
    certificates: Certificates
    user: str = "alice"
    password: str = "s3cret"


@contextmanager
def nginx(folder: Path) -> Generator[NginxServer, None, None]:
    """Run nginx in `folder`; what it shows lies in the server's `root`."""
    http, other, https, mutual = free_ports(4)
    root = folder / "root"
    root.mkdir()
    certificates = make_certificates(folder)
    secret = subprocess.run(
        [program("openssl"), "passwd", "-apr1", "s3cret"], check=True, capture_output=True
    )
    (folder / "users").write_bytes(b"alice:" + secret.stdout)
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            # pytest's folders are closed to others, and a root nginx's workers would be nobody
            user="user root;" if os.getuid() == 0 else "",
            folder=folder,
            root=root,
            http=http,
            other=other,
            https=https,
            mutual=mutual,
            certificates=certificates,
        )
    )
    command: list[str | Path] = [program("nginx"), "-c", config, "-p", folder, "-e", "stderr"]
    with running(command, lambda: listens(http), log=folder / "nginx.log"):
        yield NginxServer(
            root=root,
            http=f"http://127.0.0.1:{http}",
            other=f"http://127.0.0.1:{other}",
            https=f"https://127.0.0.1:{https}",
            mutual=f"https://127.0.0.1:{mutual}",
            certificates=certificates,
        )
