"""A sync tells its webhook what it stored, once, and never fails for it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook as Verifier

from catalog.errors import RepositoryNotFound, SecretInUrl
from catalog.model.outcome import Outcome, Status
from tests.servers.webhook_receiver import Inbox


def test_each_batch_tells_what_it_newly_stored_at_every_destination(
    source: Path, tmp_path: Path
) -> None:
    from flows.forms.options import BatchSettings  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    one, two = tmp_path / "one", tmp_path / "two"
    sync(str(source), [str(one)], include=["a.txt"])  # it is there already, at one of them
    with Inbox() as inbox:
        result = sync(
            str(source),
            [str(one), str(two)],
            webhook=inbox.url,
            batches=BatchSettings(files=2, threads=1),
        )
        wanted = [f"file://{one}/{name}" for name in ("empty", "sub/b.bin")]
        wanted += [f"file://{two}/{name}" for name in ("a.txt", "empty", "sub/b.bin")]
        assert inbox.urls() == wanted
        assert (result.batches, len(inbox.posts)) == (2, 2)
        assert len({post.headers["webhook-id"] for post in inbox.posts}) == 2
        sync(str(source), [str(one), str(two)], webhook=inbox.url)
        assert len(inbox.posts) == 2


def test_a_webhook_that_never_answers_well_is_a_warning(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from blocks.webhook import Webhook  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    with Inbox() as inbox, caplog.at_level(logging.INFO):
        inbox.answer(500, 500)
        told = Webhook(url=SecretStr(f"{inbox.url}/hidden"), retries=1, first_s=0.01)
        result = sync(str(source), [str(tmp_path / "end")], webhook=told)
    assert (result.added, result.failed) == (3, 0)
    assert result.webhook_failures == (
        f"batch 0 (3 files stored) was not announced: webhook to {inbox.url}: status 500",
    )
    assert f"warning: {result.webhook_failures[0]}" in str(result)
    warned = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert result.webhook_failures[0] in warned
    assert "hidden" not in caplog.text


@pytest.mark.prefect
def test_a_plan_is_applied_with_a_stored_webhook(source: Path, tmp_path: Path) -> None:
    from blocks.webhook import Webhook  # noqa: PLC0415 - imports Prefect
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from transfer.webhook import Body  # noqa: PLC0415

    with Inbox() as inbox:
        one = Webhook(url=SecretStr(inbox.url), secret=SecretStr("whsec_c2VjcmV0"), body=Body.FULL)
        one.save("listener")
        planned = plan(str(source), [str(tmp_path / "end")])
        assert inbox.posts == []
        result = apply(planned.plan_id, webhook="listener")
    (post,) = inbox.posts
    told = Verifier("whsec_c2VjcmV0").verify(post.content, dict(post.headers.items()))
    assert (told["data"]["run_id"], told["data"]["plan_id"]) == (result.run_id, planned.plan_id)
    assert [one["path"] for one in told["data"]["files"]] == ["a.txt", "empty", "sub/b.bin"]
    assert "hidden" not in json.dumps(told)


def test_what_cannot_be_a_webhook_is_refused() -> None:
    from blocks.webhook import Webhook, webhook  # noqa: PLC0415 - imports Prefect

    with pytest.raises(ValidationError, match="expected a webhook's URL with http"):
        webhook("ftp://host/x")
    with pytest.raises(ValidationError, match="must continue with valid base64"):
        Webhook(url=SecretStr("https://host"), secret=SecretStr("whsec_?"))
    with pytest.raises(SecretInUrl):
        webhook("https://user:password@host")
    with pytest.raises(RepositoryNotFound, match="there is no webhook block named 'nobody'"):
        webhook("nobody")


def test_a_run_that_is_stopped_tells_once_what_it_stored(tmp_path: Path) -> None:
    from blocks.resolve import repository  # noqa: PLC0415 - imports Prefect
    from blocks.webhook import Webhook  # noqa: PLC0415
    from tasks.batch.webhook import notify_afterwards  # noqa: PLC0415
    from tasks.job import Job, forget_run, run_resources  # noqa: PLC0415

    end = repository(str(tmp_path))
    stored = Outcome(end.address, "a", "a", "add", Status.STORED)
    with Inbox() as inbox:
        job = Job("stopped", end, (end,), webhook=Webhook(url=SecretStr(inbox.url)))
        run_resources(job.run_id).stop.set()
        with notify_afterwards(job, 0) as announcement:
            announcement.outcomes = [stored]
        assert inbox.urls() == [f"file://{tmp_path}/a"]
    forget_run(job.run_id)
