"""A real PostgreSQL, set up as the image of its name does it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import ServerMissingError, free_ports, running

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, and one database of it."""

    port: int
    user: str
    password: str
    database: str
    programs: Path

    def program(self, name: str, *words: str, check: bool = True) -> str | None:
        """Run one of its client programs as the user; return what it prints, none if it failed."""
        done = subprocess.run(
            [
                self.programs / name,
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                self.user,
                *words,
            ],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=check,
        )
        return done.stdout if done.returncode == 0 else None

    def sql(self, statement: str) -> None:
        """Carry out a statement in the database."""
        self.program("psql", "-d", self.database, "-c", statement)


@contextmanager
def postgres(log: Path, environment: Mapping[str, str]) -> Generator[Postgres]:
    """Run it as the image of its name would, with the `POSTGRES_…` variables of that image."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise ServerMissingError("postgresql is not installed; run tests/servers/install")
    programs = found[-1].parent
    with tempfile.TemporaryDirectory(prefix="entrepot-postgres-") as name:
        folder = Path(name)
        as_somebody: list[str] = []
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            os.chown(folder, NOBODY, NOBODY)
            who = str(NOBODY)
            as_somebody = ["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups"]
        user, password = environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"]
        secret = folder / "password"
        secret.write_text(password)
        secret.chmod(0o644)
        made: list[str | Path] = [
            "-D",
            folder / "data",
            "-U",
            user,
            "-A",
            "scram-sha-256",
            "--pwfile",
            secret,
        ]
        subprocess.run(
            [*as_somebody, programs / "initdb", *made], check=True, capture_output=True, cwd=folder
        )
        (port,) = free_ports(1)
        server = Postgres(port, user, password, environment["POSTGRES_DB"], programs)
        settings = ["-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        settings += ["-c", f"unix_socket_directories={folder}/data"]
        with running(
            [*as_somebody, programs / "postgres", "-D", folder / "data", *settings],
            lambda: (
                server.program("psql", "-d", "postgres", "-c", "SELECT 1", check=False) is not None
            ),
            log=log,
        ):
            server.program("createdb", server.database)
            yield server
