"""What a request says, as a JSON body or as a query, where no key may be unknown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A body or a query; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")
