"""What goes wrong because of how this process runs verbs."""

from __future__ import annotations

from catalog.errors import CatalogError, InvalidInput


class PrefectNeeded(CatalogError):
    """Something is stored at a Prefect server, and this process runs verbs without one."""

    def __init__(self, what: str) -> None:
        """Say `what` is needed, as the subject of the sentence."""
        super().__init__(
            f"{what} can only be read with Prefect: set ENTREPOT_PREFECT to 'server' or 'auto', "
            "or PREFECT_API_URL to the URL of a server's API"
        )


class InvalidArguments(InvalidInput):
    """A verb was called with arguments that its parameters do not take."""
