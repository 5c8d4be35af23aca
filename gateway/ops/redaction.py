"""Blanks secrets in whatever is about to be logged.

>>> redacted("GET https://ann:secret@host/a?X-Amz-Signature=abc&part=1")
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


def redacted(text: str) -> str:
    """Return a text without its secrets."""
    for pattern, blank in _RULES:
        text = pattern.sub(blank, text)
    return text


def cleaned(value: object) -> object:
    """Return a value without secrets in its texts, and without what bears a secret's name."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {
            str(name): BLANK if _SECRET.match(str(name)) else cleaned(one)
            for name, one in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [cleaned(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def extras(record: logging.LogRecord) -> dict[str, object]:
    """Return what a log record carries beyond the usual, given as `extra`."""
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


class Secrets(logging.Filter):
    """Blanks secrets in a record, its arguments and its extra fields, for every handler after."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Write the message out without secrets, and let the record pass."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit: told as they are
            message = f"{record.msg} {record.args!r}"
        record.msg, record.args = redacted(message), None
        for name, value in extras(record).items():
            setattr(record, name, BLANK if _SECRET.match(name) else cleaned(value))
        return True
