"""The shots of the sample film: how long each is, and where it opens. `test_launch_day` holds the film to it."""

from __future__ import annotations

from itertools import accumulate

LENGTHS = {"SH010": 36, "SH020": 48, "SH030": 48, "SH040": 40, "SH050": 40, "SH060": 48, "SH070": 36, "SH080": 36}
LENGTHS["SH090"] = 24
OPENINGS = dict(zip(LENGTHS, accumulate(LENGTHS.values(), initial=0), strict=False))
"""First frame of each shot in the film."""
