"""Whether others on this machine can read a file that is nobody else's: a private key, a token, the records."""

import stat
from pathlib import Path


def readable_by_others(path: Path) -> str:
    """Give a warning for a file that its group or everybody can read; "" for any other, and for none.

    A warning, not a refusal: secrets that an orchestrator mounts have the rights that it gives them.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    if not mode & (stat.S_IRGRP | stat.S_IROTH):
        return ""
    return f"warning: {path}: others on this machine can read it (mode {mode:04o})\n  chmod 600 {path}"
