"""What may be told of an exception: its class and where it came from. Its text may quote a request."""

import traceback
from pathlib import Path


def places(fault: BaseException) -> list[str]:
    """The places it came through, the innermost first, as "reader.py:12"."""
    return [f"{Path(each.filename).name}:{each.lineno}" for each in reversed(traceback.extract_tb(fault.__traceback__))]
