"""What Prefect stores: repositories and their limits, contracts, and webhooks.

The one package that re-exports, since `prefect block register -m blocks` looks only here.
"""

from blocks.prefect_loading import load_prefect

load_prefect()

from blocks.contract import Contract  # noqa: E402 - Prefect is loaded by then
from blocks.repository import Repository  # noqa: E402 - the same
from blocks.webhook import Webhook  # noqa: E402 - the same

__all__ = ["Contract", "Repository", "Webhook"]
