"""The S3 provider, by the suite."""

# ruff: noqa: D102 - the suite says what a subject is

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import obstore
import pytest
from pydantic import SecretStr

from providers.s3.settings import S3Settings
from providers.testing.conformance import Conformance
from providers.testing.subject import OPTIONS, Subject, seed_through
from tests.servers.process import free_ports
from tests.servers.seaweedfs import S3Server


class TestS3(Conformance):
    """A prefix of a bucket of SeaweedFS."""

    @pytest.fixture
    def subject(self, s3_server: S3Server) -> Iterator[Subject]:
        prefix = f"suite/{uuid4().hex}"
        settings = S3Settings(
            bucket=s3_server.bucket,
            prefix=prefix,
            endpoint=s3_server.endpoint,
            access_key_id=s3_server.access_key,
            secret_access_key=SecretStr(s3_server.secret_key),
        )
        storage = settings.open(OPTIONS)

        def raw() -> Iterator[str]:
            for page in obstore.list(s3_server.store(), prefix):
                for one in page:
                    yield one["path"].removeprefix(prefix + "/")

        dead = settings.model_copy(update={"endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"})
        yield Subject(
            settings,
            storage,
            seed_through(storage),
            raw=raw,
            dead=dead,
            mangled=frozenset({"backslash"}),  # SeaweedFS makes a slash of it
            secret=s3_server.secret_key,
        )
        storage.close()
