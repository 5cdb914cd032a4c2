"""`cds-service rules schema`: the JSON Schema of every sort of file that people write, for editors.

The committed ones stand in rules/schemas. A sort of file is one line in SCHEMAS. Exit codes: 0 written, 2 usage.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cds_service.clients.forms import FORM as CLIENTS
from cds_service.rulebook.files import write_whole
from cds_service.rulebook.json_schema import Schema, json_schema
from cds_service.rulebook.reader_cases import DEFINITION_TESTS, RULE_TESTS
from cds_service.rulebook.reader_forms import file_form
from cds_service.rulebook.reader_shapes import Form
from cds_service.rulebook.release_file import FORM as RELEASE
from cds_service.rulebook.site_forms import FORM as SITE

FINE, USAGE = 0, 2

# Sort of file: its form, what an editor calls it, where such files stand.
SCHEMAS: Mapping[str, tuple[Form, str, str]] = {
    "rule": (file_form(False, RULE_TESTS), "Rule", "rules/<id>/<version>.yaml"),
    "definition": (file_form(True, DEFINITION_TESTS), "Definition", "rules/definitions/<id>/<version>.yaml"),
    "release": (RELEASE, "Release", "rules/release.yaml"),
    "site": (SITE, "Site", "the file that CDS_SITE names"),
    "clients": (CLIENTS, "Clients", "the file that CDS_CLIENTS names"),
}


def schema_of(kind: str) -> Schema:
    """Give the schema of one sort of file. Raises KeyError for a sort that there is not."""
    form, title, _ = SCHEMAS[kind]
    return json_schema(form, kind, title)


def as_text(schema: Schema) -> str:
    """Write a schema as it is committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_command(args: argparse.Namespace) -> int:
    """Print one schema, or write one or all into a folder; without either say which there are.

    args: `kind`, None for all; `out`, the folder, None for standard output.
    """
    if args.out is None:
        if args.kind is None:
            print("\n".join(f"{kind:<11} {where}" for kind, (_, _, where) in SCHEMAS.items()))
        else:
            print(as_text(schema_of(args.kind)), end="")
        return FINE
    folder = Path(args.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in [args.kind] if args.kind else SCHEMAS:
            path = folder / f"{kind}.json"
            write_whole(path, as_text(schema_of(kind)))
            print(path)
    except OSError as fault:
        if fault.filename is None:  # of standard output, not of a file
            raise
        print(f"rules schema: {fault.filename}: {fault.strerror}", file=sys.stderr)
        return USAGE
    return FINE
