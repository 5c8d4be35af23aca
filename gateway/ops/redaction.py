"""Redacts secrets in log records.

>>> redact("GET https://ann:secret@host/a?X-Amz-Signature=abc&part=1")
'GET https://***@host/a?X-Amz-Signature=***&part=1'
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

BLANK = "***"
_NAME = (
    r"[\w.%-]*(?:token|signature|passw(?:or)?d|secret|credential|api[_-]?key|access[_-]?key)[\w-]*"
    r"|sig|(?:[\w-]+-)?authorization|(?:set-)?cookie"
)
_SECRET = re.compile(rf"\A(?:{_NAME})\Z", re.IGNORECASE)
_RULES = (
    # https://user:password@host
    (re.compile(r"(://)[^/\s@'\"]*:[^/\s'\"]*@"), rf"\g<1>{BLANK}@"),
    # an Authorization header as text, as JSON, in a dict or in a pair of bytes: all of the value
    (
        re.compile(
            r"((?:\b|-)authorization['\"]?\s*[:=,]\s*(?:b(?=['\"]))?)(?:'[^']*'|\"[^\"]*\"|[^\r\n'\"]+)",
            re.IGNORECASE,
        ),
        rf"\g<1>{BLANK}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\g<1>{BLANK}"),
    # token=… in a query, a form or a message
    (re.compile(rf"((?<![\w.%-])(?:{_NAME})=)[^&\s'\",;)]+", re.IGNORECASE), rf"\g<1>{BLANK}"),
    # 'token': '…' in JSON or a repr
    (
        re.compile(
            rf"((['\"])(?:{_NAME})\2\s*[:,]\s*(?:b(?=['\"]))?)(?:'[^']*'|\"[^\"]*\")", re.IGNORECASE
        ),
        rf"\g<1>'{BLANK}'",
    ),
)
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


def redact(text: str) -> str:
    """Redact the secrets in a text."""
    for pattern, blank in _RULES:
        text = pattern.sub(blank, text)
    return text


def redact_value(value: object) -> object:
    """Redact secrets in a value's texts, and fields with the name of a secret."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {
            str(name): BLANK if _SECRET.match(str(name)) else redact_value(one)
            for name, one in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [redact_value(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def extras(record: logging.LogRecord) -> dict[str, object]:
    """Return the `extra` fields of a log record."""
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


class Secrets(logging.Filter):
    """A filter that redacts secrets in a record, its arguments and its extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record, and let it pass."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # the arguments do not match the message
            message = f"{record.msg} {record.args!r}"
        record.msg, record.args = redact(message), None
        for name, value in extras(record).items():
            setattr(record, name, BLANK if _SECRET.match(name) else redact_value(value))
        return True
