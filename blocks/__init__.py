"""What Prefect stores: repositories and their limits.

The one package that re-exports, since `prefect block register -m blocks` looks only here.
"""

from blocks.repository import Repository

__all__ = ["Repository"]
