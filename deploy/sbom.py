"""Write what the service is made of: a CycloneDX bill of materials of the packages in its lock file.

`python -m deploy.sbom FILE` reads requirements.txt, takes licences and dependencies from the packages as they are
installed here, and writes CycloneDX 1.6 as JSON. Two runs over the same lock differ in nothing but the time.
Source: https://cyclonedx.org/docs/1.6/json/
"""

import argparse
import re
import sys
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cds_service import __version__

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
NAME = "cds-service"
_PIN = re.compile(r"(?m)^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One package of a lock file. sha256: of each of its files that may be installed, hexadecimal."""

    name: str
    version: str
    sha256: tuple[str, ...]


def pinned(lock: str) -> Iterator[Pinned]:
    """The packages of a lock file that pip-compile wrote, in its order."""
    found = list(_PIN.finditer(lock))
    ends = [each.start() for each in found[1:]] + [len(lock)]
    for each, end in zip(found, ends, strict=True):
        yield Pinned(canonicalize_name(each[1]), each[2], tuple(_HASH.findall(lock, each.end(), end)))


def stated_by(each: Pinned) -> metadata.PackageMetadata | None:
    """What the package says of itself; None when that very version is not installed here."""
    try:
        said = metadata.metadata(each.name)
    except metadata.PackageNotFoundError:
        return None
    return said if said["Version"] == each.version else None


def licence_of(said: metadata.PackageMetadata) -> License | None:
    """The licence that a package states: by its SPDX expression, else in its own words; None when it states none."""
    stated = said.get("License-Expression") or said.get("License") or ""
    if not stated or "\n" in stated.strip() or stated == "UNKNOWN":  # whole texts of licences stand there too
        classifiers = said.get_all("Classifier") or []
        named = [each for each in classifiers if each.startswith("License :: OSI Approved :: ")]
        stated = named[0].rpartition(" :: ")[2] if named else ""
    return LicenseFactory().make_from_string(stated.strip()) if stated else None


def needs(name: str, extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """What an installed package asks for on this machine, with some of its extras."""
    try:
        asked = [Requirement(each) for each in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return
    chosen = [{"extra": ""}, *({"extra": each} for each in extras)]
    yield from (each for each in asked if not each.marker or any(each.marker.evaluate(extra) for extra in chosen))


def graph(names: Iterable[str]) -> dict[str, set[str]]:
    """Say which of `names` each of them, and the service, needs. A package has the extras that others ask for."""
    names = set(names)
    extras: dict[str, set[str]] = defaultdict(set)
    for name in (*names, NAME):
        for asked in needs(name):
            extras[canonicalize_name(asked.name)] |= asked.extras
    return {
        name: {canonicalize_name(asked.name) for asked in needs(name, extras[name])} & names for name in (*names, NAME)
    }


def bill(lock: str, now: datetime, version: str = __version__) -> Bom:
    """The bill of materials of a lock file. now: when it is written, with a time zone."""
    parts = {each.name: _component(each) for each in pinned(lock)}
    whole = Component(
        name=NAME,
        version=version,
        type=ComponentType.APPLICATION,
        purl=PackageURL("pypi", name=NAME, version=version),
        bom_ref=f"{NAME}@{version}",
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    made = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{NAME}@{version}\n{lock}"), components=parts.values())
    made.metadata.component = whole
    made.metadata.timestamp = now
    for name, needed in graph(parts).items():
        made.register_dependency(parts.get(name, whole), [parts[each] for each in sorted(needed)])
    return made


def _component(each: Pinned) -> Component:
    said = stated_by(each)
    licence = licence_of(said) if said else None
    return Component(
        name=each.name,
        version=each.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=each.name, version=each.version),
        bom_ref=f"{each.name}@{each.version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in each.sha256],
        licenses=[licence] if licence else [],
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the bill, and say what of it is not known."""
    options = argparse.ArgumentParser(prog="python -m deploy.sbom", description="Write a CycloneDX bill of materials.")
    options.add_argument("file", type=Path, help="file to write")
    file: Path = options.parse_args(arguments).file
    made = bill(LOCK.read_text(encoding="utf-8"), datetime.now(timezone.utc))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(JsonV1Dot6(made).output_as_string(indent=2) + "\n", encoding="utf-8")
    without = [each.name for each in made.components if not each.licenses]
    told = f"; no licence is stated by {', '.join(sorted(without))}" if without else ""
    print(f"{file}: {len(made.components)} packages{told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
