"""Artifacts that must be refused, each with a part of the sentence that refuses it."""

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.network import mxnet_builders as builders
from tests.network.mxnet_builders import PARAMS, SHAPES, SYMBOL, Document

NETWORK = builders.small()
GOOD = builders.files(NETWORK)
ARRAYS = NETWORK.parameters_of_mxnet()
FIRST = "arg:bn_data_gamma"
WEIGHT = "arg:conv0_weight"


def with_files(**content: bytes | None) -> bytes:
    """Return a good artifact with other files: symbol, shapes, params, or None to leave one out."""
    names = {"symbol": SYMBOL, "shapes": SHAPES, "params": PARAMS}
    other = {names[key]: body for key, body in content.items()}
    return builders.packed({name: body for name, body in (GOOD | other).items() if body is not None})


def with_symbol(change: Callable[[Document], Any]) -> bytes:
    """Return an artifact whose symbol was changed."""
    document = json.loads(GOOD[SYMBOL])
    change(document)
    return with_files(symbol=json.dumps(document).encode())


def node(document: Document, name: str) -> Document:
    return next(entry for entry in document["nodes"] if entry["name"] == name)


def with_node(node_name: str, /, **changes: Any) -> bytes:
    """Return an artifact with a changed node; `attrs` is added to its attributes."""

    def change(document: Document) -> None:
        entry = node(document, node_name)
        entry["attrs"] = entry.get("attrs", {}) | changes.pop("attrs", {})
        entry.update(changes)

    return with_symbol(change)


def with_array(name: str, values: Any) -> bytes:
    """Return an artifact with another array; None leaves it out."""
    arrays = {key: value for key, value in (ARRAYS | {name: values}).items() if value is not None}
    return with_files(params=builders.params(arrays))


def with_raw_array(content: bytes) -> bytes:
    """Return an artifact whose only array is these bytes."""
    return with_files(params=builders.listed([content], [FIRST]))


def header(*shape: int, magic: int = 0xF993FAC9, storage: int = 0, kind: int = 0) -> bytes:
    """Return an array without values."""
    return struct.pack(f"<Iii{len(shape)}qiii", magic, storage, len(shape), *shape, 1, 0, kind)


def with_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> bytes:
    """Return a good artifact that begins with a member without content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return gzip.compress(info.tobuf() + gzip.decompress(builders.packed(GOOD)), 1)


def many_members() -> bytes:
    return gzip.compress(tarfile.TarInfo("empty").tobuf() * 10_001, 1)


def empty_archive() -> bytes:
    buffer = io.BytesIO()
    tarfile.open(fileobj=buffer, mode="w:gz").close()
    return buffer.getvalue()


def detection(document: Document) -> None:
    """Replace the end of the network by operators of object detection."""
    head = node(document, "softmax")
    head.update(op="_contrib_MultiBoxDetection", name="detection")


def nodes_in_a_circle(document: Document) -> None:
    node(document, "conv0")["inputs"][0] = [len(document["nodes"]) - 1, 0, 0]


HALF = ARRAYS[WEIGHT].astype(np.float16)
DETECTOR = {"model_algo_1-symbol.json": b"{}", "model_algo_1-0000.params": b"", "hyperparams.json": b"{}"}
PACKED = builders.packed(GOOD)
CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no file": (lambda: b"", ".tar.gz"),
    "not a gzip": (lambda: b"PK\x03\x04" + bytes(100), ".tar.gz"),
    "not a tar": (lambda: gzip.compress(b"x" * 2000), ".tar.gz"),
    "truncated archive": (lambda: PACKED[: len(PACKED) // 2], ".tar.gz"),
    "empty archive": (empty_archive, "nothing"),
    "path out of the folder": (lambda: with_member("../outside"), "../outside"),
    "absolute path": (lambda: with_member("/etc/cron.d/x"), "/etc/cron.d/x"),
    "absolute link": (lambda: with_member("x", tarfile.SYMTYPE, "/etc/passwd"), "'x'"),
    "hard link": (lambda: with_member("x", tarfile.LNKTYPE, "/etc/passwd"), "'x'"),
    "device": (lambda: with_member("x", tarfile.BLKTYPE), "'x'"),
    "bomb": (lambda: with_member("zeros", size=10**11), "8,000,000,000"),
    "bomb in a header": (lambda: with_member("x", tarfile.XHDTYPE, size=2**32), "1,000,000"),
    "bomb of files": (many_members, "10,000"),
    "no params": (lambda: with_files(params=None), "image-classification-NNNN.params"),
    "no shapes": (lambda: with_files(shapes=None), SHAPES),
    "two symbols": (lambda: builders.packed(GOOD | {"other-symbol.json": b"{}"}), "other-symbol.json"),
    "object detection": (lambda: builders.packed(DETECTOR), "model_algo_1-0000.params"),
    "object detection renamed": (lambda: with_symbol(detection), "_contrib_MultiBoxDetection"),
    "truncated symbol": (lambda: with_files(symbol=GOOD[SYMBOL][:-700]), SYMBOL),
    "nested symbol": (lambda: with_files(symbol=b"[" * 200_000), SYMBOL),
    "large symbol": (lambda: with_files(symbol=b" " * 10_000_001), "10,000,000"),
    "symbol of another form": (lambda: with_files(symbol=b'{"nodes": {"op": 1}, "heads": 3}'), SYMBOL),
    "two outputs": (lambda: with_symbol(lambda document: document["heads"].append([3, 0, 0])), "2 outputs"),
    "circle": (lambda: with_symbol(nodes_in_a_circle), "earlier node"),
    "two nodes of a name": (lambda: with_node("relu0", name="bn0"), "same name"),
    "unknown operator": (lambda: with_node("relu0", op="Dropout"), "Dropout of node relu0"),
    "custom operator": (lambda: with_node("relu0", op="Custom", attrs={"op_type": "x"}), "Custom"),
    "float16 network": (lambda: with_node("id", op="Cast", attrs={"dtype": "float16"}), "float16"),
    "multi-label": (lambda: with_node("softmax", op="LogisticRegressionOutput"), "multi-label"),
    "no softmax": (lambda: with_node("softmax", op="_copy", inputs=[[0, 0, 0]]), "SoftmaxOutput"),
    "stride of zero": (lambda: with_node("conv0", attrs={"stride": "(0, 1)"}), "stride"),
    "unreadable kernel": (lambda: with_node("conv0", attrs={"kernel": "(9999999999999, 1)"}), "9999999999999"),
    "huge result": (lambda: with_node("conv0", attrs={"pad": "(99999, 99999)"}), "conv0"),
    "huge layer": (lambda: with_node("conv0", attrs={"num_filter": "999999999"}), "999999999"),
    "sum of other shapes": (lambda: with_node("_plus0", inputs=[[1, 0, 0], [8, 0, 0]]), "_plus0"),
    "huge images": (lambda: with_files(shapes=builders.shapes(10**9)), "1000000000"),
    "grey images": (lambda: with_files(shapes=GOOD[SHAPES].replace(b"3,", b"1,")), "1 x 44 x 36"),
    "shapes of another form": (lambda: with_files(shapes=b"[[]]"), SHAPES),
    "empty params": (lambda: with_files(params=b""), "truncated"),
    "truncated values": (lambda: with_files(params=GOOD[PARAMS][:5000]), "truncated"),
    "truncated names": (lambda: with_files(params=GOOD[PARAMS][:-5]), "truncated"),
    "bytes after the names": (lambda: with_files(params=GOOD[PARAMS] + b"x"), "1 bytes"),
    "wrong magic of the file": (lambda: with_files(params=b"\x13" + GOOD[PARAMS][1:]), "0x113"),
    "wrong magic of an array": (lambda: with_raw_array(header(2, magic=0xF993FACB)), "0xf993facb"),
    "sparse array": (lambda: with_raw_array(header(2, storage=1)), "sparse"),
    "huge array": (lambda: with_raw_array(header(2**40, 2**40)), str(2**40)),
    "negative dimension": (lambda: with_raw_array(header(-3, -1)), "-3"),
    "a billion dimensions": (lambda: with_raw_array(struct.pack("<Iii", 0xF993FAC9, 0, 10**9)), "1000000000"),
    "a trillion arrays": (lambda: with_files(params=struct.pack("<QQQ", 0x112, 0, 10**12)), "1,000,000,000,000"),
    "unknown type": (lambda: with_raw_array(header(2, kind=99)), "type 99"),
    "float16 arrays": (lambda: with_raw_array(builders.array(HALF, kind=2)), "float16"),
    "missing array": (lambda: with_array(WEIGHT, None), "conv0_weight"),
    "array of another shape": (lambda: with_array(WEIGHT, ARRAYS[WEIGHT][:, :2]), "(8, 2, 7, 7)"),
    "NaN": (lambda: with_array(WEIGHT, np.full_like(ARRAYS[WEIGHT], np.nan)), "conv0_weight holds NaN"),
}  # fmt: skip
