"""By which software rules are judged: what one found sound, another may refuse.

Whatever is kept of a judgement names it, and counts for a process of the same name alone: the code of this package,
and what reads rule files besides it, Python and PyYAML. The version of the package would not do: code changes within
one, in a source tree and in an image that is built again.
"""

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import yaml

import cds_service

PACKAGE = Path(cds_service.__file__).parent


@cache
def this_software() -> str:
    """Name the software that this process runs, as it was when that was first asked: at the start, before any fork."""
    return installed_software()


def installed_software(package: Path = PACKAGE) -> str:
    """Name the software that a process begun now would run."""
    python = ".".join(map(str, sys.version_info[:3]))
    return f"code {code_digest(package)}, Python {python}, PyYAML {yaml.__version__}"


def code_digest(package: Path = PACKAGE) -> str:
    """Give the sha256 over the modules of a package, names and contents. Each start waits for it."""
    walked = os.walk(package)
    paths = sorted(os.path.join(folder, name) for folder, _, names in walked for name in names if name.endswith(".py"))
    told = hashlib.sha256()
    for path in paths:
        with open(path, "rb", buffering=0) as module:
            told.update(f"{hashlib.sha256(module.read()).hexdigest()} {path[len(str(package)) :]}\n".encode())
    return told.hexdigest()
