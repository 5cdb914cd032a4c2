"""Probe a running service: `python -m tests.probe --url URL [--key FILE --iss ISS] [--public-url URL] [--strict]`.

Prints one line a number of the checklist: pass, fail or not-applicable, its strength, what was sent and found. The exit
code is 1 when a MUST is not met; with --strict, when anything is not.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.probe import checks_answers, checks_calls, checks_cards, checks_feedback, checks_trust
from tests.probe.charts import Service
from tests.probe.judge import CHECKS, Failed, Probe, Result, counts, judge, wanted
from tests.probe.numbers import STRENGTH, WITHOUT_CHECK
from tests.probe.wire import Wire, signer

# Judged last, over all that was heard.
OF_ALL = {101, 103, 104, 105, 106, 415, 503, 505, 506, 507, 508, 509, 901, 902, 1104}
MODULES = (checks_answers, checks_calls, checks_cards, checks_feedback, checks_trust)


def probe_of(wire: Wire) -> Probe:
    """Ask for discovery. Raises Failed when nothing can be probed."""
    heard = wire.get("/cds-services")
    wanted(heard.status == 200, f"GET /cds-services: {heard.status}, wanted 200: {heard.text[:200]}")
    listed = heard.value.get("services") if isinstance(heard.value, dict) else None
    wanted(isinstance(listed, list), "GET /cds-services: no array of services")
    known = [Service(each["id"], each["hook"], each.get("prefetch", {})) for each in listed or []]
    return Probe(wire, [each for each in known if each.callable], heard)


def results(wire: Wire) -> list[Result]:
    """Run every check, those of single calls first, and give the results by number."""
    try:
        probe = probe_of(wire)
        wanted(probe.services, "no service has a hook that the probe can call")
    except Failed as why:
        return [Result(202, STRENGTH[202], "fail", str(why))]
    # A card is needed before cards can be judged, so answers come first of all.
    order = sorted(STRENGTH, key=lambda number: (number in OF_ALL, number != 501, number))
    found = [judge(probe, each, STRENGTH[each], WITHOUT_CHECK.get(each, "no check")) for each in order]
    return sorted(found, key=lambda each: each.number)


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.probe", description="Probe a running CDS Hooks service.")
    options.add_argument("--url", required=True, help="base URL, to which /cds-services is added")
    options.add_argument("--key", type=Path, help="file with a private JWK; without it no token is sent")
    options.add_argument("--iss", help="issuer of the tokens")
    options.add_argument("--public-url", help="what `aud` begins with, where it is not --url")
    options.add_argument("--strict", action="store_true", help="count what is not a MUST too")
    args = options.parse_args(arguments)
    if bool(args.key) != bool(args.iss):
        options.error("--key and --iss go together")
    url = args.url.rstrip("/")
    key = json.loads(args.key.read_text(encoding="utf-8")) if args.key else None
    base = (args.public_url or url).rstrip("/")
    found = results(Wire(url, signer(key, args.iss, base) if key else None))
    for each in found:
        print(each)
    failures = [each for each in found if counts(each, args.strict)]
    print(
        f"{len(found)} numbers, {len(failures)} failures: {', '.join(str(each.number) for each in failures) or 'none'}"
    )
    return 1 if failures else 0


__all__ = ["CHECKS", "MODULES", "main", "results"]

if __name__ == "__main__":
    sys.exit(main())
