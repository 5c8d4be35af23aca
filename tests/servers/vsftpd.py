"""vsftpd: no MLSD, and one answer to what is missing and to what is closed.

Its TLS wants data channels to resume the control channel's session.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.certificates import Certificates
from tests.servers.ftp import FtpServer
from tests.servers.process import (
    ServerMissingError,
    free_ports,
    listens,
    program,
    running,
)

_CONFIG = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
no_anon_password=YES
ftp_username=daemon
anon_root={root}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
seccomp_sandbox=NO
secure_chroot_dir={empty}
utf8_filesystem=YES
"""
_TLS = """
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
rsa_cert_file={certificates.server}
rsa_private_key_file={certificates.server_key}
"""


@contextmanager
def vsftpd(certificates: Certificates | None, **options: str) -> Generator[FtpServer, None, None]:
    """Run vsftpd, with TLS where there are certificates; anybody may write to /pub.

    `options` are further lines of its configuration. It insists on being started by root.
    """
    command: list[str | Path] = [program("vsftpd")]
    if os.getuid() != 0:
        raise ServerMissingError("vsftpd can be started by root only")
    (port,) = free_ports(1)
    with TemporaryDirectory() as name:  # not in pytest's folder, which is closed to its user
        folder = Path(name)
        folder.chmod(0o755)
        root, empty = folder / "files", folder / "empty"
        root.mkdir()
        empty.mkdir()
        (root / "pub").mkdir()
        (root / "pub").chmod(0o777)  # vsftpd refuses a root that its user may write to
        config = folder / "vsftpd.conf"
        text = _CONFIG.format(port=port, root=root, empty=empty)
        if certificates is not None:
            text += _TLS.format(certificates=certificates)
        text += "".join(f"{name}={value}\n" for name, value in options.items())
        config.write_text(text)
        with running([*command, config], lambda: listens(port), log=folder / "vsftpd.log"):
            yield FtpServer(port=port, root=root, user="", password="")
