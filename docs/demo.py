"""The main job on real input, start to end: what `make demo` runs.

Serves the running Python's standard library over HTTP, syncs it into a local folder and a real S3
server at once, changes the source, syncs again, and checks every byte at both ends.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".entrepot-demo"
SKIPPED = shutil.ignore_patterns("__pycache__", "site-packages", "*.pyc", "*.so")


@contextmanager
def serving(folder: Path) -> Generator[str]:
    """Serve `folder` with Python's own web server, in a process of its own, and yield its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    command += ["--protocol", "HTTP/1.1", "--directory", str(folder)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            until_it_answers(port)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.kill()


def until_it_answers(port: int) -> None:
    """Wait until something listens on `port`."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no web server on port {port}")


def say(text: str) -> None:
    """Print a step of the demonstration."""
    sys.stdout.write(f"\n\033[1m{text}\033[0m\n" if sys.stdout.isatty() else f"\n{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the demonstration; return 0 when every byte is right."""
    shutil.rmtree(PLACE, ignore_errors=True)
    source, copy = PLACE / "source", PLACE / "copy"
    shutil.copytree(sysconfig.get_path("stdlib"), source, ignore=SKIPPED, symlinks=False)
    os.environ["PREFECT_HOME"] = str(PLACE / "prefect")
    os.environ["ENTREPOT_CATALOG"] = str(PLACE / "catalog.duckdb")
    os.environ.pop("PREFECT_API_URL", None)

    from blocks.repository import Repository  # noqa: PLC0415 - after the environment is set
    from catalog.model.plan import Mode  # noqa: PLC0415
    from catalog.catalog import Catalog  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    with ExitStack() as stack:
        url = stack.enter_context(serving(source))
        ends = [Repository(storage={"type": "local", "path": str(copy)}), second_end(stack)]
        count = sum(path.is_file() for path in source.rglob("*"))
        say(f"1. {count:,} files of Python's standard library, served at {url},")
        sys.stdout.write("   go to\n")
        for end in ends:
            sys.stdout.write(f"     {end.address}\n")
        sys.stdout.write(f"{sync(url, ends, mode=Mode.MIRROR)}\n")

        say("2. The same again: there is nothing to do, and no version is made.")
        sys.stdout.write(f"{sync(url, ends, mode=Mode.MIRROR)}\n")

        say("3. Two files change, one keeping its size; one is new; one goes. Only that moves.")
        change(source)
        sys.stdout.write(f"{sync(url, ends, mode=Mode.MIRROR)}\n")

        say("4. What the catalog remembers")
        catalog = Catalog.open()
        for end in ends:
            for version in catalog.versions.all(end.address):
                sys.stdout.write(
                    f"   {end.address}  version {version.number}: {version.total} files, "
                    f"+{version.added} ~{version.replaced} -{version.removed}\n"
                )

        say("5. Every byte, read back and compared with the source")
        wrong = sum(compare(end, source) for end in ends)
    say("All of it is right." if not wrong else f"{wrong} files are wrong.")
    return 1 if wrong else 0


def second_end(stack: ExitStack):  # noqa: ANN201 - Repository, which is imported late
    """Return a bucket on a real S3 server, or a second folder where there is no such server."""
    from blocks.repository import Repository  # noqa: PLC0415 - as in main
    from tests.servers.process import ServerMissingError  # noqa: PLC0415
    from tests.servers.seaweedfs import seaweedfs  # noqa: PLC0415

    place = PLACE / "s3"
    place.mkdir()
    try:
        server = stack.enter_context(seaweedfs(place))
    except ServerMissingError as missing:
        sys.stdout.write(f"   ({missing}; a second folder takes its place)\n")
        return Repository(storage={"type": "local", "path": str(PLACE / "copy-2")})
    return Repository(
        storage={
            "type": "s3",
            "bucket": server.bucket,
            "endpoint": server.endpoint,
            "access_key_id": server.access_key,
            "secret_access_key": server.secret_key,
        }
    )


def change(source: Path) -> None:
    """Edit, add and delete files of the source, an equal-size edit among them."""
    time.sleep(1.1)  # HTTP tells times in whole seconds
    same = source / "abc.py"
    same.write_bytes(same.read_bytes()[:-1] + b"#")
    grown = source / "json" / "decoder.py"
    grown.write_bytes(grown.read_bytes() + b"\n# grown\n")
    (source / "new file, with ünicode & #signs.txt").write_text("new\n")
    (source / "this.py").unlink()


def compare(end, source: Path) -> int:  # noqa: ANN001 - Repository, which is imported late
    """Read every file of `end` back and return how many differ from the source's."""
    expected = {
        path.relative_to(source).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in source.rglob("*")
        if path.is_file()
    }
    storage = end.settings.open(end.open_options())
    found = {
        resource.path: hashlib.sha256(storage.fetch(resource.path).data).hexdigest()
        for resource in storage.enumerate()
    }
    storage.close()
    wrong = {
        path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)
    }
    sys.stdout.write(f"   {end.address}: {len(found):,} files read back, {len(wrong):,} differ\n")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
