"""The pages of a bucket's listing: read as botocore reads them, for a sixth of the CPU."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import botocore.parsers
import botocore.session
import pytest
from pydantic import SecretStr

from providers.base import Attributes
from providers.s3.listing import read_page
from providers.s3.settings import S3Settings
from providers.testing.subject import NAMES, OPTIONS, files_of, names
from tests.servers.seaweedfs import S3Server

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
TIME = "<LastModified>2026-01-02T03:04:05.678Z</LastModified>"
ENTRY = f'<Contents><Key>a</Key>{TIME}<ETag>"e"</ETag><Size>1</Size></Contents>'
WHOLE = {
    "empty": f'<ListBucketResult xmlns="{SPACE}"><IsTruncated>false</IsTruncated>'
    "</ListBucketResult>",
    "one": f'{HEAD}<ListBucketResult xmlns="{SPACE}">{ENTRY}</ListBucketResult>',
    "more to come": f"<ListBucketResult><IsTruncated>true</IsTruncated>{ENTRY}"
    "<NextContinuationToken>a%2F&amp;=</NextContinuationToken></ListBucketResult>",
    "entities": f"<ListBucketResult><Contents><Key>&lt;b&gt;&amp;amp;&#x1F600;</Key>{TIME}"
    "<ETag>&quot;e&#34;</ETag><Size>1</Size></Contents></ListBucketResult>",
    "character data": f"<ListBucketResult><Contents><Key>a<![CDATA[<&]]>b</Key>{TIME}"
    "<ETag>e</ETag><Size>1</Size></Contents></ListBucketResult>",
    "white space": "<ListBucketResult>\n  <Contents>\n    <Key> a\n b </Key>\n    "
    f"{TIME}\n    <ETag>e</ETag>\n    <Size>1</Size>\n  </Contents>\n</ListBucketResult>",
    "raw percent": "<ListBucketResult>" + ENTRY.replace(">a<", ">%2Fa+b<") + "</ListBucketResult>",
    "owner inside": "<ListBucketResult>"
    + ENTRY.replace("<Size>", "<Owner><ID>1</ID><Key>other</Key><Size>9</Size></Owner><Size>")
    + "</ListBucketResult>",
    "whole seconds": f"<ListBucketResult>{ENTRY.replace('.678', '')}</ListBucketResult>",
    "another zone": f"<ListBucketResult>{ENTRY.replace('678Z', '678+02:00')}</ListBucketResult>",
    "long key": f"<ListBucketResult>{ENTRY.replace('>a<', '>' + 'ü&amp;' * 9000 + '<')}"
    "</ListBucketResult>",
}
ODD = {
    "broken off": f"<ListBucketResult>{ENTRY}<Contents><Key>b",
    "an error": "<Error><Code>InternalError</Code></Error>",
    "no size": f"<ListBucketResult>{ENTRY.replace('<Size>1</Size>', '')}</ListBucketResult>",
    "no zone": f"<ListBucketResult>{ENTRY.replace('678Z', '678')}</ListBucketResult>",
    "another time": f"<ListBucketResult>{ENTRY.replace('2026-01', 'January')}</ListBucketResult>",
    "nothing": "",
}


def of_botocore(body: str) -> dict[str, Any]:
    """Parse a page as botocore does; keys stay encoded."""
    model = botocore.session.Session().get_service_model("s3").operation_model("ListObjectsV2")
    reply = {"status_code": 200, "headers": {}, "body": body.encode()}
    parsed = botocore.parsers.create_parser("rest-xml").parse(reply, model.output_shape)
    return dict(parsed)


@pytest.mark.parametrize("kind", WHOLE)
def test_a_page_is_read_as_botocore_reads_it(kind: str) -> None:
    page = read_page(WHOLE[kind].encode())
    expected = of_botocore(WHOLE[kind])
    assert page is not None
    assert page["Contents"] == [
        {name: one[name] for name in ("Key", "Size", "ETag", "LastModified")}
        for one in expected.get("Contents", ())
    ]
    assert page["IsTruncated"] is expected.get("IsTruncated", False)
    assert page.get("NextContinuationToken") == expected.get("NextContinuationToken")


def test_an_encoded_key_is_decoded_once() -> None:
    encoded = ENTRY.replace(">a<", ">a%2Fb%0A%25zz+%2B%2B%C3%BC<")
    body = f"<ListBucketResult>{encoded}<EncodingType>url</EncodingType></ListBucketResult>"
    page = read_page(body.encode())
    assert page is not None
    assert page["Contents"][0]["Key"] == "a/b\n%zz ++ü"


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_whole_page_is_left_to_botocore(kind: str) -> None:
    assert read_page(ODD[kind].encode()) is None


def test_a_listing_is_the_one_that_s3fs_gives(s3_server: S3Server) -> None:
    prefix = f"listing/{uuid4().hex}"
    settings = S3Settings(
        bucket=s3_server.bucket,
        prefix=prefix,
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    storage = settings.open(OPTIONS)
    plain: Any = settings.filesystem()
    for number, path in enumerate(NAMES.values()):
        storage.put(path, b"x" * (number % 3), Attributes())  # a third of them empty
    for marker in ("marker/", "both/"):
        plain.call_s3("put_object", Bucket=s3_server.bucket, Key=f"{prefix}/{marker}", Body=b"")
    storage.put("both/file", b"x", Attributes())
    expected: list[tuple[object, ...]] = []
    reply = plain.call_s3("list_objects_v2", Bucket=s3_server.bucket, Prefix=prefix + "/")
    for one in reply["Contents"]:
        path = one["Key"].removeprefix(prefix + "/")
        if not path.endswith("/"):
            modified_us = int(one["LastModified"].timestamp() * 1_000_000)
            expected.append((path, one["Size"], one["ETag"], modified_us))
    listed = [
        (one.path, one.size, one.etag, one.modified_us) for one in files_of(storage.enumerate())
    ]
    assert listed == expected
    assert len(listed) == len(NAMES) + 1
    assert "marker" not in names(storage.enumerate())
    assert names(storage.enumerate("both")) == ["both/file"]
    storage.close()


def test_a_storage_has_its_pages_read_here(s3_server: S3Server) -> None:
    settings = S3Settings(
        bucket=s3_server.bucket,
        prefix=f"pages/{uuid4().hex}",
        endpoint=s3_server.endpoint,
        access_key_id=s3_server.access_key,
        secret_access_key=SecretStr(s3_server.secret_key),
    )
    connection = settings.connect(OPTIONS)
    settings.storage(connection, OPTIONS).put("a", b"x", Attributes())
    page: Any = connection.filesystem.call_s3(
        "list_objects_v2", Bucket=settings.bucket, Prefix=settings.prefix
    )
    # botocore would tell the storage class too.
    assert [set(one) for one in page["Contents"]] == [{"Key", "Size", "ETag", "LastModified"}]
    assert page["ResponseMetadata"]["HTTPStatusCode"] == 200
    connection.close()
