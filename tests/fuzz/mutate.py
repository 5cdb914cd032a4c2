"""Requests that are almost good: a fixture or a feedback body, changed in places that chance picks by a fixed seed.

Whatever is put in carries SENTINEL where it can, so that an error that repeats a value of the request is noticed.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SENTINEL = "zqSENTINELqz"
DEEP = 250  # beyond what the parser takes
Way = tuple[Any, ...]
Chance = random.Random

STRINGS = (
    "", " ", SENTINEL, f"{SENTINEL}\u0000", f"\u202e{SENTINEL}\u00e9\U0001f9ea", f"{SENTINEL}\n{SENTINEL}", "\ud800",
    f"<script>{SENTINEL}</script>", f"[{SENTINEL}](javascript:1)", f"Patient/{SENTINEL}", f"{SENTINEL}/../..",
    f"https://{SENTINEL}.example/fhir", f"urn:uuid:{SENTINEL}", f"#{SENTINEL}",
    "2026-02-30", "0000-00-00", "9999-12-31", "2026-13",
    "2026-03-01T24:00:00Z", "2026-03-01T10:00:00+99:00", "0001-01-01T00:00:00-23:59", "2026-03-01T10:00",
    "-2026", "1e400", "NaN", "null", "entered-in-error", "active", "Bundle", "OperationOutcome", "patient-view",
    "order-sign", "0f1e2d3c-4b5a-11f0-8977-123456789abc", "{{context.patientId}}", "${" + SENTINEL + "}", "%s%n%x",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30, 10**300, 1e308, -1e308, 5e-324, 0.1, -0.0, 3.0)
OTHERS = (None, True, False, [], {}, [None], [[]], [{}], {"": None}, {SENTINEL: SENTINEL}, [SENTINEL] * 3)


@dataclass(frozen=True, slots=True)
class Template:
    """A good request to begin with: its body as text, and every place in it."""

    name: str
    path: str
    text: str
    ways: tuple[Way, ...]


@dataclass(slots=True)
class Request:
    """What is sent. headers: as they stand on the wire; a length is added where none is given."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def template(name: str, path: str, body: dict[str, Any]) -> Template:
    return Template(name, path, json.dumps(body), tuple(places(body)))


def places(value: Any, way: Way = ()) -> Iterator[Way]:
    """Every member and item inside `value`, by the way that leads to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*way, name)
        yield from places(inner, (*way, name))


def request(templates: list[Template], seed: str) -> Request:
    """Give the request of a seed: the same seed gives the same one."""
    chance = Chance(seed)
    chosen = chance.choice(templates)
    body = json.loads(chosen.text)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 6))):
        ways = [way for way in chosen.ways if len(way) < 4] if chance.random() < 0.2 else chosen.ways
        chance.choice(CHANGES)(body, chance.choice(ways), chance, templates)
    sent = Request("POST", chosen.path, written(body, chance), {"Content-Type": "application/json"})
    if chance.random() < 0.12:
        sent.body = chance.choice(BYTES)(sent.body, chance)
    if chance.random() < 0.08:
        chance.choice(HEADS)(sent, chance)
    return sent


def written(body: Any, chance: Chance) -> bytes:
    """The JSON text, escaped to ASCII or as UTF-8; a lone surrogate becomes bytes that are no UTF-8."""
    if chance.random() < 0.5:
        return json.dumps(body).encode()
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


# --- a change at one place of the JSON ------------------------------------------------------------------------------

Change = Callable[[Any, Way, Chance, list[Template]], None]


def _inside(body: Any, way: Way) -> tuple[Any, Any] | None:
    """The container and the name of a place, unless an earlier change took it away."""
    for name in way[:-1]:
        if not _has(body, name):
            return None
        body = body[name]
    return (body, way[-1]) if _has(body, way[-1]) else None


def _has(value: Any, name: Any) -> bool:
    if isinstance(value, dict):
        return name in value
    return isinstance(value, list) and isinstance(name, int) and name < len(value)


def surprise(chance: Chance) -> Any:
    pick = chance.random()
    if pick < 0.5:
        return chance.choice(STRINGS)
    if pick < 0.7:
        return chance.choice(NUMBERS)
    if pick < 0.95:
        return json.loads(json.dumps(chance.choice(OTHERS)))
    return SENTINEL * chance.choice((100, 3000))


def _at(change: Callable[[Any, Any, Chance], None]) -> Change:
    def apply(body: Any, way: Way, chance: Chance, templates: list[Template]) -> None:
        if found := _inside(body, way):
            change(*found, chance)

    return apply


def _replace(inside: Any, name: Any, chance: Chance) -> None:
    inside[name] = surprise(chance)


def _delete(inside: Any, name: Any, chance: Chance) -> None:
    del inside[name]


def _nest(inside: Any, name: Any, chance: Chance) -> None:
    for _ in range(chance.choice((1, 1, 2, 50, DEEP))):
        inside[name] = [inside[name]] if chance.random() < 0.7 else {SENTINEL: inside[name]}


def _repeat(inside: Any, name: Any, chance: Chance) -> None:
    if isinstance(inside, list):
        inside.extend([inside[name]] * chance.choice((1, 2, 40)))
    else:
        inside[f"{name}{SENTINEL}"] = inside[name]


def _other_type(inside: Any, name: Any, chance: Chance) -> None:
    value = inside[name]
    if isinstance(value, str):
        inside[name] = chance.choice((len(value), [value], {"value": value}, {"coding": [{"code": value}]}, True))
    elif isinstance(value, dict):
        inside[name] = chance.choice((list(value.values()), [value], json.dumps(value), len(value)))
    elif isinstance(value, list):
        inside[name] = chance.choice((dict(enumerate(value)), value[:1], value[0] if value else None, str(len(value))))
    else:
        inside[name] = chance.choice((str(value), [value], {"value": value}))


def _text(inside: Any, name: Any, chance: Chance) -> None:
    value = str(inside[name])[:500] if not isinstance(inside[name], dict | list) else SENTINEL
    cut = chance.randrange(len(value) + 1)
    inside[name] = chance.choice(
        (
            value[:cut],
            value[:cut] + SENTINEL + value[cut:],
            value.swapcase(),
            f" {value} ",
            value[:cut] + "\u0000" + value[cut:],
            value * 2,
            value[::-1],
            f"{value}\u0301",
        )
    )


def _rename(inside: Any, name: Any, chance: Chance) -> None:
    if isinstance(inside, dict):
        new = chance.choice((SENTINEL, f"_{name}", str(name).swapcase(), "resourceType", "extension", "", "id", "code"))
        inside[new] = inside.pop(name)


def _shuffle(inside: Any, name: Any, chance: Chance) -> None:
    if isinstance(inside, list):
        chance.shuffle(inside)
    else:
        items = list(inside.items())
        chance.shuffle(items)
        values = [value for _, value in items]
        inside.update(zip(list(inside), values, strict=True))


def _cross(body: Any, way: Way, chance: Chance, templates: list[Template]) -> None:
    """Put a piece of another request here."""
    found = _inside(body, way)
    other = chance.choice(templates)
    taken = _inside(json.loads(other.text), chance.choice(other.ways))
    if found and taken:
        found[0][found[1]] = taken[0][taken[1]]


CHANGES: tuple[Change, ...] = (
    _at(_replace), _at(_replace), _at(_replace), _at(_delete), _at(_delete), _at(_nest), _at(_repeat),
    _at(_other_type), _at(_other_type), _at(_text), _at(_text), _at(_rename), _at(_shuffle), _cross, _cross,
)  # fmt: skip


# --- a change of bytes ----------------------------------------------------------------------------------------------


def _flip(body: bytes, chance: Chance) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 4, 40)) if body else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(body: bytes, chance: Chance) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _insert(body: bytes, chance: Chance) -> bytes:
    pieces = (
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b",",
        b"}",
        b"[" * 300,
        b'"',
        b"\\",
        b"\\u0000",
        b"NaN",
        b"1e999",
        b"//",
    )
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(pieces) + body[at:]


def _twice(body: bytes, chance: Chance) -> bytes:
    """A duplicate key, or something behind the end."""
    if chance.random() < 0.7 and body.startswith(b"{"):
        return b'{"hook": "%s", ' % SENTINEL.encode() + body[1:]
    return body + chance.choice((body, b"{}", b" null", SENTINEL.encode()))


def _encode(body: bytes, chance: Chance) -> bytes:
    text = body.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7")))


BYTES: tuple[Callable[[bytes, Chance], bytes], ...] = (_flip, _flip, _cut, _insert, _insert, _twice, _encode)


# --- a change of the request line or a header -----------------------------------------------------------------------


def _media_type(sent: Request, chance: Chance) -> None:
    types = (
        "",
        "text/plain",
        "application/fhir+json",
        SENTINEL,
        "application/json; charset=utf-16",
        "application/json;;=",
    )
    sent.headers["Content-Type"] = chance.choice(types)


def _encoding(sent: Request, chance: Chance) -> None:
    sent.headers["Content-Encoding"] = chance.choice(("gzip", "br", SENTINEL, "identity", ",", "deflate, gzip"))


def _token(sent: Request, chance: Chance) -> None:
    tokens = (
        "Bearer",
        f"Bearer {SENTINEL}",
        f"Bearer {SENTINEL}.{SENTINEL}.",
        "Basic " + SENTINEL,
        SENTINEL * 200,
        "\xff",
    )
    sent.headers["Authorization"] = chance.choice(tokens)


def _path(sent: Request, chance: Chance) -> None:
    paths = (
        "/", "//cds-services", "/cds-services/../rules", "/cds-services/%ff%fe", "/cds-services/oud-patient-view/",
        f"/cds-services/{SENTINEL}", f"/cds-services/%00{SENTINEL}", f"/cds-services?x={SENTINEL}",
        f"/cds-services/oud-patient-view/{SENTINEL}", f"/rules/{SENTINEL}", f"/{SENTINEL * 50}",
    )  # fmt: skip
    sent.path = chance.choice(paths)


def _method(sent: Request, chance: Chance) -> None:
    sent.method = chance.choice(
        ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "QUERY", SENTINEL.upper())
    )


def _other_header(sent: Request, chance: Chance) -> None:
    name = chance.choice(
        ("Accept", "Origin", "X-Forwarded-For", "X-Forwarded-Host", "Cookie", "Range", "If-Match", "X-A")
    )
    sent.headers[name] = chance.choice(("", SENTINEL, f"{SENTINEL}," * 50, "*/*;q=zz", "null", "bytes=0-"))


def _length(sent: Request, chance: Chance) -> None:
    sent.headers["Content-Length"] = chance.choice(("", "-1", SENTINEL, "0", "1e3", str(max(len(sent.body) - 3, 0))))


HEADS: tuple[Callable[[Request, Chance], None], ...] = (
    _media_type, _encoding, _token, _path, _method, _other_header, _length,
)  # fmt: skip
