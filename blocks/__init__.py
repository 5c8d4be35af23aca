"""What Prefect stores: repositories and their limits.

The one package that re-exports, since `prefect block register -m blocks` looks only here.
"""

from blocks.loading import load_prefect

load_prefect()

from blocks.repository import Repository  # noqa: E402 - Prefect is loaded by then

__all__ = ["Repository"]
