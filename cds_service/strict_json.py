"""Strict JSON at the door: bytes to a Python value, or a RequestProblem that says where and never what.

Refused: anything but UTF-8, duplicate keys, NaN and infinities in any spelling, nesting beyond the parser's limit
(about 200), text after the value. Source: RFC 8259, https://www.rfc-editor.org/rfc/rfc8259
"""

import re
import sys

import jiter

from cds_service.core.problem import Issue, RequestProblem

_PLACE = re.compile(r"line (\d+) column (\d+)$")

# A number can leave the range of a double only with an exponent of three digits or with very many digits. Both are
# sought in a copy whose digits are all "0", which costs a tenth of parsing; only a suspect body is walked.
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_RUN = b"0" * 100
_LARGE_EXPONENTS = (b"0e000", b"0e+000")
_NUMBER = b"0.-"
_BEFORE_A_NUMBER = b":,[ \t\r\n"
_LARGEST = sys.float_info.max


def parse_json(body: bytes) -> object:
    """Read `body` as one JSON value.

    Raises RequestProblem 400 with line and column. The parser's own message is not passed on, for it quotes keys.
    """
    try:
        value: object = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as fault:
        raise RequestProblem(400, Issue("structure", "", _explain(str(fault)))) from None
    if _may_overflow(body) and _overflows(value):
        raise RequestProblem(400, Issue("value", "", "a number is too large for a JSON number (IEEE 754 double)"))
    return value


def _explain(message: str) -> str:
    place = _PLACE.search(message)
    where = f" at line {place[1]} column {place[2]}" if place else ""
    if message.startswith("Detected duplicate key"):
        return f"the body has a duplicate key{where}"
    if message.startswith("recursion limit"):
        return f"the body is nested too deeply{where}"
    if message.startswith("number out of range"):
        return f"a number is too large{where}"
    return f"the body is not valid JSON{where}"


def _may_overflow(body: bytes) -> bool:
    flat = body.translate(_DIGITS_TO_ZERO)
    if _LONG_RUN in flat:
        return True
    return any(_has_exponent(flat, pattern) for pattern in _LARGE_EXPONENTS)


def _has_exponent(flat: bytes, pattern: bytes) -> bool:
    """Whether `pattern` stands in what looks like a number, and not in an identifier such as a UUID."""
    at = flat.find(pattern)
    while at >= 0:
        start = at
        while start >= 0 and flat[start] in _NUMBER:
            start -= 1
        if start < 0 or flat[start] in _BEFORE_A_NUMBER:
            return True
        at = flat.find(pattern, at + 1)
    return False


def _overflows(value: object) -> bool:
    """Whether a number in `value` is infinite, or an integer that no double can hold."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, float | int) and not -_LARGEST <= each <= _LARGEST:
            return True
    return False
