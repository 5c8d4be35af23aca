"""SeaweedFS, the real S3 server of the tests: checksums, conditions and multipart as on AWS."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.servers.process import free_ports, program, running


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3 server and one bucket that it has."""

    endpoint: str
    filer: str
    bucket: str = "entrepot"
    access_key: str = "test"
    secret_key: str = "testtesttest"
    region: str = "us-east-1"

    def make_bucket(self, name: str) -> None:
        """Create a bucket (at least three letters), by the folder that it is to SeaweedFS."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{self.filer}/buckets/{name}/", method="POST"
        )
        try:
            urllib.request.urlopen(request).close()  # noqa: S310 - the same
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 409:  # it exists
                raise

    def store(self, bucket: str | None = None) -> S3Store:
        """Return a client of one bucket, for looking at what is really there."""
        return S3Store(
            bucket or self.bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            region=self.region,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=5)},
        )

    def keys(self, bucket: str) -> set[str]:
        """Return the keys of a bucket."""
        return {one["path"] for page in obstore.list(self.store(bucket)) for one in page}


@contextmanager
def seaweedfs(folder: Path, bucket: str = "entrepot") -> Generator[S3Server, None, None]:
    """Run `weed server` in `folder`; a fresh folder each time, deleted data stays on its disk."""
    # Every port opens gRPC at port + 10000 unless that is chosen too, and those clash easily.
    master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3, s3_rpc = free_ports(8)
    identity = {
        "name": "t",
        "credentials": [{"accessKey": "test", "secretKey": "testtesttest"}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    data = folder / "data"
    data.mkdir(exist_ok=True)  # it may be a disk of its own
    command: list[str | Path] = [
        program("weed"),
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-dir={data}",
        f"-master.port={master}",
        f"-master.port.grpc={master_rpc}",
        "-master.volumeSizeLimitMB=1024",
        "-master.telemetry=false",
        f"-volume.port={volume}",
        f"-volume.port.grpc={volume_rpc}",
        "-volume.max=1000",
        f"-filer.port={filer}",
        f"-filer.port.grpc={filer_rpc}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={s3_rpc}",
        f"-s3.config={config}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    server = S3Server(
        endpoint=f"http://127.0.0.1:{s3}", filer=f"http://127.0.0.1:{filer}", bucket=bucket
    )

    def ready() -> bool:
        try:
            server.make_bucket(bucket)
            store = server.store()
            # The port opens seconds before the first write works: poll a write.
            obstore.put(store, "ready", b"yes")
            obstore.delete(store, "ready")
        except (BaseError, OSError):
            return False
        return True

    # SIGTERM has a grace of more than ten seconds, and two instances needed SIGKILL anyway.
    with running(command, ready, log=folder / "weed.log", end_with=signal.SIGKILL):
        yield server
