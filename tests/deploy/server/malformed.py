"""Malformed uploads of many kinds, made from pictures of every format with a seed."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image
from tests.deploy.server.samples import FORMATS, noisy

Generator = np.random.Generator
Damage = Callable[[bytes, Generator], bytes]
PER_FORMAT = 5
_LARGE = 60_000


def uploads(kind: str) -> Iterator[bytes]:
    """Yield all uploads of one kind."""
    if kind in STRANGERS:
        yield from STRANGERS[kind]()
        return
    for number, form in enumerate(FORMATS):
        for repeat in range(PER_FORMAT):
            rng = np.random.default_rng([sum(kind.encode()), number, repeat])
            yield DAMAGES[kind](noisy(repeat, form, (40, 32)), rng)


def _flip(data: bytes, rng: Generator) -> bytes:
    damaged = bytearray(data)
    for place in rng.integers(0, len(data), 20):
        damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def _flip_head(data: bytes, rng: Generator) -> bytes:
    damaged = bytearray(data)
    for place in rng.integers(4, min(64, len(data)), 6):
        damaged[place] = int(rng.integers(256))
    return bytes(damaged)


def _overwrite(data: bytes, rng: Generator, value: bytes) -> bytes:
    start = int(rng.integers(len(data) // 4, len(data) // 2))
    return data[:start] + value * (len(data) // 4) + data[start + len(data) // 4 :]


def _shuffle(data: bytes, rng: Generator) -> bytes:
    blocks = [data[start : start + 64] for start in range(0, len(data), 64)]
    return b"".join(blocks[place] for place in rng.permutation(len(blocks)))


def _cut_out(data: bytes, rng: Generator) -> bytes:
    start = int(rng.integers(8, len(data) - 40))
    return data[:start] + data[start + 32 :]


def _put_in(data: bytes, rng: Generator) -> bytes:
    start = int(rng.integers(8, len(data)))
    return data[:start] + rng.bytes(32) + data[start:]


def _other_magic(data: bytes, rng: Generator) -> bytes:
    magics = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\x00", b"RIFF\0\0\0\0WEBP")
    magic = magics[int(rng.integers(len(magics)))]
    return magic + data[len(magic) :]


def resized(data: bytes, width: int, height: int) -> bytes:
    """Let a picture's header claim another size."""
    changed = bytearray(data)
    if data[:4] == b"\x89PNG":
        changed[16:24] = struct.pack(">II", width, height)
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    elif data[:2] == b"\xff\xd8":
        place = data.index(b"\xff\xc0") + 5
        changed[place : place + 4] = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
    elif data[:2] == b"BM":
        changed[18:26] = struct.pack("<ii", width, height)
    elif data[:3] == b"GIF":
        changed[6:10] = struct.pack("<HH", min(width, 65_535), min(height, 65_535))
        place = data.index(b",", 13 + 768)
        changed[place + 5 : place + 9] = changed[6:10]
    elif data[:4] == b"RIFF":
        place = data.index(b"VP8 ") + 14
        changed[place : place + 4] = struct.pack("<HH", min(width, 16_383), min(height, 16_383))
    else:
        _set_tiff_size(changed, width, height)
    return bytes(changed)


def _set_tiff_size(data: bytearray, width: int, height: int) -> None:
    start = struct.unpack("<I", data[4:8])[0]
    for number in range(struct.unpack("<H", data[start : start + 2])[0]):
        place = start + 2 + 12 * number
        tag = struct.unpack("<H", data[place : place + 2])[0]
        if tag in (256, 257):
            data[place + 2 : place + 12] = struct.pack("<HII", 4, 1, width if tag == 256 else height)


DAMAGES: dict[str, Damage] = {
    "only the first bytes": lambda data, rng: data[: int(rng.integers(1, 16))],
    "cut in the head": lambda data, rng: data[: int(rng.integers(16, 80))],
    "cut in the middle": lambda data, rng: data[: int(rng.integers(len(data) // 4, len(data) // 2))],
    "the last bytes missing": lambda data, rng: data[: -int(rng.integers(3, 60))],
    "bits flipped": _flip,
    "head overwritten": _flip_head,
    "zeros in the middle": lambda data, rng: _overwrite(data, rng, b"\0"),
    "ones in the middle": lambda data, rng: _overwrite(data, rng, b"\xff"),
    "blocks shuffled": _shuffle,
    "a piece cut out": _cut_out,
    "a piece put in": _put_in,
    "another format's beginning": _other_magic,
    "bytes before it": lambda data, rng: rng.bytes(16) + data,
    "the beginning twice": lambda data, rng: data[:40] + data,
    "noise after the head": lambda data, rng: data[:32] + rng.bytes(len(data) - 32),
    "reversed": lambda data, rng: data[::-1],
    "read as text": lambda data, rng: data.decode("latin-1").encode("utf-8"),
    "line ends changed": lambda data, rng: data.replace(b"\n", b"\r\n"),
    "a size of millions": lambda data, rng: resized(data, _LARGE, _LARGE),
    "no size": lambda data, rng: resized(data, 0, 0),
    "an endless line": lambda data, rng: resized(data, 2_000_000, 1),
    "a slightly larger size": lambda data, rng: resized(data, 40 + int(rng.integers(1, 90)), 32),
}


def _documents() -> Iterator[bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("cell.png", noisy(0))
    yield from (
        archive.getvalue(),
        b"%PDF-1.7\n%\xe2\xe3",
        b"PAR1" + bytes(50),
        b"\x93NUMPY\x01\0",
        b"\x1f\x8b\x08" + bytes(60),
    )
    yield from (
        b"<!doctype html><p>cell",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><svg>&b;</svg>",
    )
    yield from (b"#!/bin/sh\nexit\n", b"\x7fELF" + bytes(200), b"row,source,label\n0,a.png,neutrophil\n", b"{}")


def _rare_formats() -> Iterator[bytes]:
    for form in ("PPM", "TGA", "ICO", "PCX", "SGI", "JPEG2000", "DDS", "XBM", "MSP"):
        mode = "1" if form in ("XBM", "MSP") else "RGB"
        file = io.BytesIO()
        Image.new(mode, (32, 32)).save(file, form)
        yield file.getvalue()
    yield b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) (r) file\n"
    yield b"\xd7\xcd\xc6\x9a" + bytes(40)  # WMF


def _odd_pixels() -> Iterator[bytes]:
    pixels = np.linspace(0, 1, 1024).reshape(32, 32)
    for dtype in (np.float32, np.int32, np.uint16):
        file = io.BytesIO()
        Image.fromarray((pixels * (1 if dtype is np.float32 else 70_000)).astype(dtype)).save(file, "TIFF")
        yield file.getvalue()
    for value in (np.nan, np.inf, -1e30):
        file = io.BytesIO()
        Image.fromarray(np.full((8, 8), value, np.float32)).save(file, "TIFF")
        yield file.getvalue()


def _blanks() -> Iterator[bytes]:
    yield from (b"", b"\0", b"\0" * 5_000, b"\xff" * 5_000, b" " * 100, b"\n", b"\xef\xbb\xbf")


def _metadata() -> Iterator[bytes]:
    rng = np.random.default_rng(5)
    for size in (4, 60, 3_000, 60_000):
        for form in ("JPEG", "PNG", "WEBP", "TIFF"):
            file = io.BytesIO()
            options = {"exif": b"Exif\0\0II*\0" + rng.bytes(size)} if form != "TIFF" else {"description": "x" * size}
            Image.open(io.BytesIO(noisy(size))).save(file, form, icc_profile=rng.bytes(size), **options)
            yield file.getvalue()


STRANGERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "other kinds of file": _documents,
    "rare picture formats": _rare_formats,
    "pixels that are no bytes": _odd_pixels,
    "nothing in it": _blanks,
    "damaged metadata": _metadata,
}
KINDS = (*DAMAGES, *STRANGERS)
