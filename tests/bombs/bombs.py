"""Bodies that are small to send and large, deep or odd to read. None holds a person's data.

Each is made here, because a file of a megabyte of brackets is no reading for anybody.
"""

import gzip
from collections.abc import Mapping

DEEP = 10_000
WIDE = 200_000  # signs, keys or items: what fits in a rule file of the largest size that is read

_LAUGHS = "".join(f"l{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 9)}]\n" for at in range(1, 10))

YAML: Mapping[str, bytes] = {
    "aliases that multiply": f"l0: &l0 [lol]\n{_LAUGHS}".encode(),
    "an alias of itself": b"a: &a [*a]\n",
    "a block that holds itself": b"a: &a\n  b: *a\n",
    "many anchors": "".join(f"a{at}: &a{at} x\n" for at in range(20_000)).encode(),
    "many aliases in a line": b"a: &a x\nb: [" + b"*a," * 100_000 + b"]\n",
    "merge keys": b"a: &a {x: 1}\nb:\n  <<: [*a, *a]\n",
    "a tag that runs code": b"a: !!python/object/apply:os.system ['true']\n",
    "many tags in a line": b"a: [" + b"!!str x," * 50_000 + b"]\n",
    "lists in lists": b"a: " + b"[" * DEEP,
    "blocks in blocks, flow": b"a: " + b"{a: " * DEEP,
    "blocks in blocks, by dashes": b"- " * DEEP + b"x\n",
    "keys that are keys": b"? " * DEEP + b"x\n",
    "brackets that are keys": b"[" * 900 + b"]" * 900 + b": x\n",
    "a giant text": b"a: " + b"x" * 900_000 + b"\n",
    "a giant quoted text": b"a: '" + b"''" * 450_000 + b"'\n",
    "escapes without end": b'a: "' + b"\\u0041" * 150_000 + b'"\n',
    "a giant key": b"k" * 900_000 + b": 1\n",
    "a giant number": b"rule: " + b"9" * 900_000 + b"\n",
    "a number of sixties": b"rule: " + b"9:" * 300_000 + b"9\n",
    "a number beyond a double": b"rule: 1e999\n",
    "a giant number of another base": b"rule: 0x" + b"f" * 900_000 + b"\n",
    "many unknown keys": "".join(f"k{at}: 1\n" for at in range(90_000)).encode(),
    "many equal keys": b"k: 1\n" * WIDE,
    "many unknown keys in a line": ("{" + ", ".join(f"parameter{at}: 1" for at in range(40_000)) + "}").encode(),
    "many entries without a value": ("rules: {" + ", ".join(f"r{at}" for at in range(100_000)) + "}").encode(),
    "many entries in a block": ("parameters:\n" + "".join(f"  p{at}: {{}}\n" for at in range(70_000))).encode(),
    "many items of a wrong sort": b"never_when: [" + b"[]," * WIDE + b"]\n",
    "many clients": ("clients:\n" + "".join(f"  c{at}: {{}}\n" for at in range(70_000))).encode(),
    "many tabs": b"a:\t1\n" * 150_000,
    "many documents": b"---\n" * WIDE,
    "many comments that allow": b"a: 1 # lint: allow x because y\n" * 30_000,
    "no UTF-8": b"a: \xff\xfe\xfa\n",
    "a byte order mark inside": b"a: 1\n\xef\xbb\xbfb: 2\n",
    "UTF-16": "a: 1\n".encode("utf-16"),
    "a NUL": b"a: \x00\n",
    "a lone surrogate": b'a: "\\ud800"\n',
    "a text beyond Unicode": b'a: "\\Uffffffff"\n',
    "nothing but a colon": b": " * 100_000,
    "dashes without end": b"-" * 900_000,
    "a directive without end": b"%" * 900_000,
    "larger than is read": b"a: 1\n" * 400_000,
}

JSON: Mapping[str, bytes] = {
    "lists in lists": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists that never end": b"[" * 1_000_000,
    "objects in a resource": b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":'
    + b'{"resourceType":"Patient","id":"1","contained":[' * 300
    + b"]}" * 300
    + b"}]}",
    "groups in a value set": b'{"resourceType":"ValueSet","id":"s","version":"1.0.0","title":"t",'
    + b'"expansion":{"contains":'
    + b'[{"contains":' * 400
    + b"[]"
    + b"}]" * 400
    + b"}}",
    "a giant text": b'{"a":"' + b"x" * 3_000_000 + b'"}',
    "a giant key": b'{"' + b"k" * 3_000_000 + b'":1}',
    "a giant number": b'{"a":' + b"9" * 1_000_000 + b"}",
    "a number too long for Python": b'{"a":' + b"9" * 5_000 + b"}",
    "a number beyond a double": b'{"a":1e999,"b":-1e999}',
    "no number": b'{"a":NaN,"b":Infinity}',
    "a key twice": b'{"a":1,"a":2}',
    "many equal keys": b"{" + b'"a":1,' * 300_000 + b'"a":1}',
    "many keys, each twice": ("{" + ",".join(f'"k{at % (WIDE // 2)}":1' for at in range(WIDE)) + "}").encode(),
    "many keys": ("{" + ",".join(f'"k{at}":1' for at in range(WIDE)) + "}").encode(),
    "many small objects": b'{"resourceType":"Bundle","entry":[' + b"{}," * 300_000 + b"{}]}",
    "many unknown members": (
        '{"resourceType":"ValueSet","id":"s","version":"1.0.0","title":"t","compose":{"include":[{"system":"s","concept":['
        + ",\n".join(f'{{"kode":"c{at}"}}' for at in range(20_000))
        + "]}]}}"
    ).encode(),
    "escapes without end": b'{"a":"' + b"\\u0041" * 300_000 + b'"}',
    "no UTF-8": b'{"a":"\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a NUL": b'{"a":"\x00"}',
    "a NUL that is escaped": b'{"resourceType":"Patient","id":"\\u0000"}',
    "a lone surrogate": b'{"resourceType":"Patient","id":"\\ud800","cards":[]}',
    "text after it": b"{}" * 100_000,
    "nothing": b"",
    "not an object": b'[null, 1, "a"]',
}

GZIP: Mapping[str, bytes] = {
    "a line that unpacks to a gigabyte": gzip.compress(b" " * 1_000_000, 9) * 1_000,
    "half a file": gzip.compress(b'{"resourceType":"Patient","id":"1"}\n' * 1_000)[:-20],
    "not gzip": b'{"resourceType":"Patient","id":"1"}\n',
}
