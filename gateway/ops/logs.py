"""Log lines of the gateway: JSON or text on stderr, with request ids and without secrets.

>>> configure_logs(LogFormat.JSON, "info")                       # doctest: +SKIP
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from catalog.errors import InvalidInput
from gateway.http.request_id import request_id
from gateway.ops.redaction import Secrets, extras, redact

LEVELS = {
    "all": 1,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "none": logging.CRITICAL + 1,
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LogFormat(StrEnum):
    """The format of log lines."""

    JSON = "json"
    TEXT = "text"


class _Lines(logging.Formatter):
    """Shared by both formats: times in UTC, and tracebacks without secrets."""

    def trace(self, record: logging.LogRecord) -> str:
        fields = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            fields.append(record.stack_info)
        return redact("\n".join(fields))


class JsonLines(_Lines):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        fields: dict[str, object] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id(),
        }
        fields = {**extras(record), **fields}
        if trace := self.trace(record):
            fields["exception"] = trace
        return json.dumps(fields, default=str)


class TextLines(_Lines):
    """Readable lines: `time level logger [request] message name=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and the traceback below it if there is one."""
        rest = "".join(f" {name}={value}" for name, value in extras(record).items())
        message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.getMessage() + rest)
        level = record.levelname.lower()
        line = f"{_timestamp(record)} {level} {record.name} [{request_id() or '-'}] {message}"
        trace = self.trace(record)
        return f"{line}\n{trace}" if trace else line


class GatewayHandler(logging.StreamHandler[TextIO]):
    """The handler that `configure_logs` installs."""


def configure_logs(
    form: LogFormat = LogFormat.JSON, level: str = "info", stream: TextIO | None = None
) -> None:
    """Log everything, including the server, to stderr; another call replaces the first.

    Run uvicorn with `log_config=None, access_log=False`: `AccessLog` logs each request.

    Raises:
        InvalidInput: the level is unknown.
    """
    if level not in LEVELS:
        raise InvalidInput(f"unknown log level {level!r}: use one of {', '.join(LEVELS)}")
    handler = GatewayHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else TextLines())
    handler.addFilter(Secrets())
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, GatewayHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
