"""H.264 as files hold it (ISO/IEC 14496-15): packets, and parameter sets of several streams in one decoder
configuration (5.3.3: avcC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class AvcC(NamedTuple):
    """A decoder configuration: 4 bytes of version, profile and level, sets, and what High profiles append."""

    head: bytes
    length_bytes: int
    sequence_sets: tuple[bytes, ...]
    picture_sets: tuple[bytes, ...]
    tail: bytes


def merged(configurations: Sequence[bytes]) -> bytes | None:
    """One avcC with all parameter sets, headed as the first.

    None when the streams cannot share it: another packet form, or two sets of one number that differ.
    """
    parsed = [_parse(data) for data in configurations]
    if any(one is None or one.length_bytes != 4 for one in parsed):
        return None
    known = [one for one in parsed if one is not None]
    sequences = tuple(dict.fromkeys(s for one in known for s in one.sequence_sets))
    pictures = tuple(dict.fromkeys(p for one in known for p in one.picture_sets))
    distinct_sequences = len({_unsigned(s[4:]) for s in sequences}) == len(sequences)
    distinct_pictures = len({_unsigned(p[1:]) for p in pictures}) == len(pictures)
    if not (distinct_sequences and distinct_pictures):
        return None
    return _bytes(known[0]._replace(sequence_sets=sequences, picture_sets=pictures))


def length_prefixed(packet: bytes) -> bytes:
    """A packet as files hold it, each unit behind its length in 4 bytes, from one with start codes (ITU-T H.264, B)."""
    units = re.split(rb"\x00?\x00\x00\x01", packet)[1:]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def _parse(data: bytes) -> AvcC | None:
    if len(data) < 7 or data[0] != 1:
        return None
    sequences, at = _sets(data, 6, data[5] & 31)
    pictures, end = _sets(data, at + 1, data[at])
    return AvcC(data[:4], (data[4] & 3) + 1, sequences, pictures, data[end:])


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    """`count` length-prefixed sets from `at` on, and where they end."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return tuple(found), at


def _bytes(one: AvcC) -> bytes:
    def packed(sets: tuple[bytes, ...]) -> bytes:
        return b"".join(len(s).to_bytes(2, "big") + s for s in sets)

    sequences = bytes([0xE0 | len(one.sequence_sets)]) + packed(one.sequence_sets)
    pictures = bytes([len(one.picture_sets)]) + packed(one.picture_sets)
    return one.head + bytes([0xFC | (one.length_bytes - 1)]) + sequences + pictures + one.tail


def _unsigned(data: bytes) -> int:
    """The Exp-Golomb number at the start of `data` (ITU-T H.264, 9.1): where both kinds of set carry their own."""
    bits = "".join(f"{byte:08b}" for byte in data[:8])
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1
