"""What a deployment is shown of the caller: a token that was given, or one minted for each call from a key."""

import argparse
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cds_service.calling.target import Target, TargetProblem, read_target
from cds_service.rights import readable_by_others
from cds_service.trust.signer import Signer, signer_of
from cds_service.trust.token import MOST_AUTHORIZATION

NOT_IN_THE_CLEAR = (
    "a token is not sent over http to another machine, for everybody on the way could read it; call the https URL"
)
_OF_KEY = ("iss", "alg", "kid", "jku", "tenant", "public_url")


class CredentialProblem(ValueError):
    """Options that give no credential; the text repeats no token."""


@dataclass(frozen=True, slots=True)
class Credential:
    """How a call shows who it is from; without `token` and `signer` it shows nothing.

    token:      one that was given, good for one call.
    signer:     mints one for each call.
    base:       the URL that was given, and
    public_url: what the deployment is known by, if that is not the URL that is called; "" = it is.
    """

    token: str = field(default="", repr=False)
    signer: Signer | None = None
    base: str = ""
    public_url: str = ""
    clock: Callable[[], float] = time.time

    def __bool__(self) -> bool:
        return bool(self.token or self.signer)

    def headers(self, url: str) -> dict[str, str]:
        """The headers of a call of `url`, which begins with `base`."""
        token = self.token
        if self.signer:
            token = self.signer.token((self.public_url or self.base) + url.removeprefix(self.base), self.clock())
        return {"Authorization": f"Bearer {token}"} if token else {}

    def known_as(self, public_url: str) -> "Credential":
        """The same, for a deployment that is known by another URL."""
        return replace(self, public_url=public_url)


NOBODY = Credential()


def ca_file_of(args: argparse.Namespace) -> str | None:
    """The file of --ca-file, None for none. Raises CredentialProblem when it holds no certificates."""
    path: str | None = args.ca_file
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except ssl.SSLError:
            raise CredentialProblem(f"--ca-file: {path}: holds no certificates in PEM") from None
        except OSError as fault:
            raise CredentialProblem(f"--ca-file: {path}: {fault.strerror or fault}") from None
    return path


def credential_of(args: argparse.Namespace, target: Target) -> Credential:
    """Give what the options say. Raises CredentialProblem, and KeyProblem for a key file that cannot be used."""
    if args.key:
        if not args.iss:
            raise CredentialProblem("--iss: needed with --key: one of the client's `issuers`")
        signer = signer_of(Path(args.key), args.iss, alg=args.alg, kid=args.kid, jku=args.jku, tenant=args.tenant)
        found = Credential(signer=signer, base=target.base, public_url=_public_url(args.public_url))
    else:
        given = [f"--{name.replace('_', '-')}" for name in _OF_KEY if getattr(args, name)]
        if given:
            raise CredentialProblem(f"{', '.join(given)}: belongs to --key")
        found = Credential(token=_token(args))
    for path in filter(None, (args.key, args.token_file)):
        if warning := readable_by_others(Path(path)):
            print(warning, file=sys.stderr)
    return found


def _public_url(text: str | None) -> str:
    if not text:
        return ""
    try:
        return read_target(text).base
    except TargetProblem as problem:
        raise CredentialProblem(f"--public-url: the URL {problem}") from None


def _token(args: argparse.Namespace) -> str:
    """The token of --token or --token-file, "" for none. Raises CredentialProblem."""
    if args.token_file:
        option = "--token-file"
        try:
            text = Path(args.token_file).read_text(encoding="utf-8")
        except OSError as fault:
            raise CredentialProblem(f"--token-file: {args.token_file}: {fault.strerror or fault}") from None
        except UnicodeDecodeError:
            raise CredentialProblem(f"--token-file: {args.token_file}: holds no text") from None
    elif args.token is not None:
        option, text = "--token", (sys.stdin.readline() if args.token == "-" else args.token)
    else:
        return ""
    text = text.strip().removeprefix("Bearer ").strip()
    if not text or len(text) > MOST_AUTHORIZATION or not all("!" <= each <= "~" for each in text):
        raise CredentialProblem(
            f"{option}: a token of up to {MOST_AUTHORIZATION} visible characters without a blank is wanted"
        )
    return text
