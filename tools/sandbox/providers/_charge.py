"""What a provider of the sandbox bills for a job: the roster's own price, for what was really sent and asked for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tools.editors.pricing import Footage, bill
from tools.editors.registry import whole_roster
from tools.sandbox.providers._bench import Work
from tools.sandbox.providers._footage import read_footage, read_picture


def charge(provider: str, model: str, work: Work) -> Decimal:
    """US dollars for a job, by the price of the roster's entry for the model; nothing for a model without one."""
    entries = whole_roster().editors.values()
    able = (one.capabilities for one in entries if one.capabilities.provider == provider)
    models = [one for one in able if one.model == model]
    can = next(
        (one for one in models if ("inpaint" in one.actions) == (work.video is not None)), next(iter(models), None)
    )
    return Decimal(0) if can is None else bill(can.price, _footage(work))


def _footage(work: Work) -> Footage:
    if work.video is not None:
        sent = read_footage(work.video)
        seconds = Fraction(len(sent.frames)) / sent.rate
        width, height = sent.size
        made = seconds if work.seconds is None else Fraction(work.seconds)
        return Footage(width=width, height=height, rate=sent.rate, seconds_in=seconds, seconds_out=made)
    if work.pictures and work.way == "still":
        height, width = read_picture(work.pictures[0]).shape[:2]
        return Footage(width=width, height=height, rate=Fraction(24))
    width, height = work.size or (1280, 720)
    return Footage(width=width, height=height, rate=work.rate or Fraction(24), seconds_out=Fraction(work.seconds or 0))
