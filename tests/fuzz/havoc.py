"""Bytes changed by chance: signs, pieces, numbers and words of the format, from a seed of one target into another.

The same number gives the same bytes in every run.
"""

import random
from collections.abc import Sequence

from tests.fuzz.mutate import SENTINEL

WORDS = (
    SENTINEL.encode(), b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"\r\n",
    b"\t", b"\n", b" ",
    b"null", b"true", b"1e999", b"-0", b"NaN", b"99999999999999999999", b"1.10", b"0123", b"2026-02-30", b"9999-12-31",
    b"0000", b"{}", b"[]", b'""', b"[" * 300, b'{"a":' * 300, b"]" * 50, b"{", b"}", b"[", b"]", b":",
    b",", b'"', b"'", b"#",
    b"&a ", b"*a ", b"!!str ", b"<<: ", b"---\n", b"%YAML 1.1\n", b"? ", b"- ", b"| ", b"> ", b"none",
    b"HS384", b"RS384",
    b"ES384", b"jku", b"crit", b"resourceType", b"Bundle", b"contained", b"reference", b"Patient/", b"urn:uuid:",
    b"link",
)  # fmt: skip


def mutated(seeds: Sequence[bytes], number: int) -> bytes:
    """Give the body of a number: one of the seeds with one to eight changes."""
    chance = random.Random(f"havoc/{number}")
    body = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        at, size = chance.randrange(len(body) + 1), chance.choice((1, 1, 2, 4, 16, 64))
        match chance.randrange(9):
            case 0:
                body[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del body[at : at + size]
            case 2:
                body[at:at] = body[at : at + size] * chance.choice((1, 1, 2, 30))
            case 3 | 4:
                body[at:at] = chance.choice(WORDS)
            case 5:
                body[at : at + size] = chance.choice(WORDS)
            case 6:
                other = chance.choice(seeds)
                begin = chance.randrange(len(other) + 1)
                body[at : at + size] = other[begin : begin + size]
            case 7:
                other_at = chance.randrange(len(body) + 1)
                body[at:at] = body[other_at : other_at + size]
            case 8:
                _line(body, at, chance)
    return bytes(body)


def _line(body: bytearray, at: int, chance: random.Random) -> None:
    """Take a line away, write it twice, or move it in or out: what people do to a file."""
    begin, end = body.rfind(b"\n", 0, at) + 1, body.find(b"\n", at) + 1 or len(body)
    line = bytes(body[begin:end])
    body[begin:end] = chance.choice((b"", line * 2, b" " * chance.randrange(1, 5) + line, line.lstrip(b" ")))
