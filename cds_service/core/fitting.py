"""Fits an answer to the client it is for: what its profile says a card may hold."""

from collections.abc import Mapping
from typing import Any

from cds_service.core.profile import Profile


def fitted(body: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """Give the body of a 200 as this client can take it."""
    return body


def hook_by_trigger(hook: str, context: Mapping[str, Any], extension: Mapping[str, Any], profile: Profile) -> str:
    """Give the hook whose rules answer a call: its own, or the one that its trigger stands for."""
    return hook
