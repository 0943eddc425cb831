"""PNG pictures of plain pixels (ISO/IEC 15948: signature, IHDR, IDAT, IEND)."""

import struct
import zlib


def png(pixels: bytes, width: int, height: int) -> bytes:
    """A PNG file of `height` rows of `width` red, green and blue bytes."""
    if len(pixels) != 3 * width * height:
        raise ValueError(f"{len(pixels)} bytes are not {width} x {height} pixels")
    stride = 3 * width
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, len(pixels), stride))  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a colour, RGB
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
