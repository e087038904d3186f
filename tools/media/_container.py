"""What the first bytes of a file say: picture or film, and whether the end of the file is missing."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

PICTURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"BM": "BMP",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"8BPS": "PSD",
}
MATROSKA = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp")


def picture_kind(path: Path) -> str | None:
    """ "PNG", "JPEG", … when the file's first bytes are those of a still picture, else None."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((kind for magic, kind in PICTURES.items() if head.startswith(magic)), None)


def is_truncated(path: Path) -> bool:
    """Whether the container's own sizes reach beyond the end of the file (mp4/mov, Matroska, AVI)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in MOV_BOXES:
            return _mov_is_short(file, size)
        if head.startswith(MATROSKA):
            return _matroska_is_short(file, size)
    return head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > size


def _mov_is_short(file: BinaryIO, size: int) -> bool:
    """Walks the top-level boxes (ISO/IEC 14496-12, 4.2): the last one must end inside the file and one be `moov`."""
    at, names = 0, set()
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        names.add(head[4:8])
        if length == 0:
            return b"moov" not in names
        if length < 8 or at + length > size:
            return length >= 8 or b"moov" not in names
        at += length
    return b"moov" not in names


def _matroska_is_short(file: BinaryIO, size: int) -> bool:
    """The Segment's declared size must fit into the file (RFC 8794, 6); an unknown size says nothing."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return True
    file.seek(header, 1)
    if file.read(4) != SEGMENT:
        return True
    segment = _vint(file)
    return segment is not None and file.tell() + segment > size


def _vint(file: BinaryIO) -> int | None:
    """An EBML variable-size integer; None for "unknown size" (all value bits set) or the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    raw = bytes([first[0] & (0xFF >> length)]) + file.read(length - 1)
    value = int.from_bytes(raw, "big")
    return None if value == (1 << 7 * length) - 1 else value
