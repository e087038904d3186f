"""What goes into a film and what lies in its file: packets, and key pictures as a player decodes them.

Both accounts of one film are equal when the file holds every packet that was measured, in order, and decodes with its
own headers to what was measured: pictures between two key pictures follow from their packets.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import numpy as np

from tools.media._stream import open_video
from tools.media.decode import to_frame
from tools.media.pixels import Codes


class Account:
    """A running digest of packets and of the luma of key pictures; its size does not grow."""

    def __init__(self) -> None:
        self._packets, self._keys = blake2b(), blake2b()

    def add_packet(self, data: bytes) -> None:
        """The next packet, as containers hold it."""
        self._packets.update(len(data).to_bytes(8, "big"))
        self._packets.update(data)

    def add_key(self, luma: Codes) -> None:
        """The luma of the next key picture."""
        self._keys.update(np.ascontiguousarray(luma).data)

    def agrees(self, other: Account) -> bool:
        return (self._packets.digest(), self._keys.digest()) == (other._packets.digest(), other._keys.digest())


def account_of(path: Path) -> Account:
    """The account of a film's file; only key pictures are decoded."""
    account = Account()
    with open_video(path) as (container, stream):
        stream.codec_context.skip_frame = "NONKEY"
        for packet in container.demux(stream):
            if packet.size:
                account.add_packet(bytes(packet))
            for picture in packet.decode():
                account.add_key(to_frame(picture, 0).planes[0])
    return account
