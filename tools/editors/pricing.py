"""What a job costs by the roster's price: one sum for every editor that names one."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tools.editors.base import Price
from tools.types import Frozen, Rate


class Footage(Frozen):
    """What a job takes and makes: frame size, rate, and seconds that go in and come out."""

    width: int
    height: int
    rate: Rate
    seconds_in: Rate = Fraction(0)
    seconds_out: Rate = Fraction(0)

    @property
    def frames_in(self) -> int:
        return round(self.seconds_in * self.rate)


def bill(price: Price, footage: Footage) -> Decimal:
    """US dollars for a job: the sum that `Price` describes, at least its `least`."""
    pixels = footage.width * footage.height
    tokens = pixels * footage.rate * (footage.seconds_in + footage.seconds_out) / 1024
    parts = (
        price.per_job,
        price.per_second * _decimal(footage.seconds_out),
        price.per_input_second * _decimal(footage.seconds_in),
        price.per_frame * footage.frames_in,
        price.per_megapixel * _decimal(Fraction(pixels, 1_000_000)),
        price.per_token * _decimal(tokens),
    )
    return max(price.least, sum(parts, Decimal(0))).quantize(Decimal("0.0001"))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
