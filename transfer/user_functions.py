"""The user's own functions, named as `module:function`: checks, steps, contracts."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from catalog.errors import InvalidInput


class Refused(InvalidInput):
    """A check refuses an item; the message is the reason."""

    code = "refused"


class Dropped(InvalidInput):
    """A step leaves an item out; the message is the reason."""

    code = "dropped"


def import_function(name: str, what: str) -> Callable[..., Any]:
    """Return the function called `name`; `what` says what it is for, in errors.

    >>> import_function("posixpath:basename", "step")("a/b")
    'b'

    Raises:
        InvalidInput: the name does not lead to a callable.
    """
    module, colon, attribute = name.partition(":")
    if not (colon and module and attribute):
        raise InvalidInput(f"the {what} {name!r} must have the form module:function")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInput(f"the {what} {name!r} cannot be imported: {error}") from error
    if not callable(function):
        raise InvalidInput(f"the {what} {name!r} is not a function")
    return cast("Callable[..., Any]", function)
