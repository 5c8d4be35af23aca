"""Nginx: listings in HTML and JSON, basic auth, TLS, WebDAV writes, capped connections."""

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
    log_format served "$connection $status $msec $request_time $body_bytes_sent $http_range";
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
        location /.capped/ {{
            alias {root}/;
            limit_rate {capped_rate};
            access_log {folder}/capped.log served;
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


CAPPED_RATE = 16 * 2**20  # bytes a second that one connection below /.capped gets


@dataclass(frozen=True, slots=True)
class Served:
    """One request as the log of /.capped tells it."""

    connection: int
    status: int
    began_s: float
    ended_s: float
    bytes: int
    range: str  # "-" without one


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

    @property
    def capped(self) -> str:
        """Return the address of the same files at `CAPPED_RATE` a connection."""
        return self.http + "/.capped"

    def served(self) -> list[Served]:
        """Return the requests below /.capped that have ended."""
        log = self.root.parent / "capped.log"
        found: list[Served] = []
        for line in log.read_text().splitlines():
            connection, status, ended_s, took_s, count, *asked = line.split()
            ended = float(ended_s)
            found.append(
                Served(
                    int(connection),
                    int(status),
                    ended - float(took_s),
                    ended,
                    int(count),
                    " ".join(asked),
                )
            )
        return found


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
            capped_rate=CAPPED_RATE,
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
