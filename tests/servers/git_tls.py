"""Nginx before a git server: TLS by an own authority, with client certificates too."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.git import GitServer
from tests.servers.process import free_ports, listens, program, running

_CONFIG = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {certificates.server};
    ssl_certificate_key {certificates.server_key};
    server {{
        listen 127.0.0.1:{https} ssl;
        location /lfs/ {{ proxy_pass {lfs}/; }}
        location /lfs/objects/batch {{
            proxy_pass {lfs}/objects/batch;
            sub_filter_types *;
            sub_filter {lfs} https://127.0.0.1:{https}/lfs;
        }}
        location / {{ proxy_pass {git}; }}
    }}
    server {{
        listen 127.0.0.1:{mutual} ssl;
        ssl_client_certificate {certificates.ca};
        ssl_verify_client on;
        location / {{ proxy_pass {git}; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class GitTls:
    """The same repositories over TLS; `mutual` asks for a client certificate."""

    git: GitServer
    https: str
    mutual: str
    certificates: Certificates


@contextmanager
def git_tls(folder: Path, git: GitServer) -> Generator[GitTls, None, None]:
    """Run nginx in `folder` before a running git server."""
    https, mutual = free_ports(2)
    certificates = make_certificates(folder)
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            user="user root;" if os.getuid() == 0 else "",
            folder=folder,
            https=https,
            mutual=mutual,
            certificates=certificates,
            git=git.url,
            lfs=git.lfs_url,
        )
    )
    command: list[str | Path] = [program("nginx"), "-c", config, "-p", folder, "-e", "stderr"]
    with running(command, lambda: listens(https), log=folder / "nginx.log"):
        yield GitTls(git, f"https://127.0.0.1:{https}", f"https://127.0.0.1:{mutual}", certificates)
