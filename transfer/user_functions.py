"""Functions that a person names as `module:function`: checks, steps, contracts; what they raise."""

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
    """Return the function that `name` means; `what` it is wanted for is told in errors.

    >>> import_function("posixpath:basename", "step")("a/b")
    'b'

    Raises:
        InvalidInput: the name leads to nothing that can be called.
    """
    module, colon, attribute = name.partition(":")
    if not (colon and module and attribute):
        raise InvalidInput(f"the {what} {name!r} is not of the form module:function")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInput(f"the {what} {name!r} cannot be imported: {error}") from error
    if not callable(found):
        raise InvalidInput(f"the {what} {name!r} is no function")
    return cast("Callable[..., Any]", found)
