"""`cds-service token`: make a key pair for tests, and mint a token with a private key. Not for production.

Exit codes: 0 fine, 2 usage, 7 a key file cannot be read, is not a fitting private key, or is there already.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import orjson
from joserfc.jwk import ECKey, RSAKey

from cds_service.rights import readable_by_others
from cds_service.trust.claims import MOST_LIFE_S
from cds_service.trust.keys import CURVE, KeyProblem, PublicKey
from cds_service.trust.signer import LIFE_S, signer_of
from cds_service.trust.token import ES384

FINE, USAGE, KEY_FILE = 0, 2, 7
NEW_RSA_BITS = 3072


def token_command(args: argparse.Namespace) -> int:
    """Run `cds-service token` with its options."""
    try:
        if args.new_key:
            return _new_key(args)
        return _mint(args)
    except KeyProblem as problem:
        print(problem, file=sys.stderr)
        return KEY_FILE


def _mint(args: argparse.Namespace) -> int:
    missing = [f"--{name}" for name in ("iss", "aud") if not getattr(args, name)]
    if missing:
        return _usage(f"{' and '.join(missing)}: needed with --key")
    life_s = LIFE_S if args.life is None else args.life
    if not 1 <= life_s <= MOST_LIFE_S:
        return _usage(
            f"--life: {life_s} is not from 1 to {MOST_LIFE_S} seconds, which is the longest the service takes"
        )
    signer = signer_of(
        Path(args.key), args.iss, alg=args.alg, kid=args.kid, jku=args.jku, tenant=args.tenant, life_s=life_s
    )
    if warning := readable_by_others(Path(args.key)):
        print(warning, file=sys.stderr)
    print(signer.token(args.aud, time.time()))
    return FINE


def _new_key(args: argparse.Namespace) -> int:
    given = [f"--{name}" for name in ("iss", "aud", "jku", "tenant", "life") if getattr(args, name) is not None]
    if given:
        return _usage(f"{', '.join(given)}: belongs to --key; make the key first, then mint with it")
    private, public = Path(args.new_key), public_path(Path(args.new_key))
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise KeyProblem(f"{path}: is there already and is not overwritten")
    alg = args.alg or ES384
    key: PublicKey = ECKey.generate_key(CURVE) if alg == ES384 else RSAKey.generate_key(NEW_RSA_BITS)
    kid = args.kid or key.thumbprint()
    shared = {"kid": kid, "alg": alg, "use": "sig"}
    _write(private, {**key.as_dict(private=True), **shared}, 0o600)
    _write(public, {"keys": [{**key.as_dict(private=False), **shared}]}, 0o644)
    print(f"private key: {private} (readable by its owner only; give it to nobody)")
    print(f"public keys: {public} (a JWK Set, for `keys` of a client)")
    print(f"kid: {kid}")
    return FINE


def public_path(private: Path) -> Path:
    """Where the public keys go: ehr.json has them in ehr.public.json."""
    return private.with_name(f"{private.stem}.public.json")


def _write(path: Path, value: dict[str, Any], mode: int) -> None:
    """Write a new file; it never replaces one and never has wider rights than `mode`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as fault:
        raise KeyProblem(f"{path}: cannot be written: {fault.strerror}") from None


def _usage(text: str) -> int:
    print(text, file=sys.stderr)
    return USAGE
