"""Fitting: a clip made into what a model takes, and a model's result made into a take of the clip.

`plan_fit` says how (or raises Refused with the limit that is broken), `send_…` write the files that go out, and
`fitted_take` brings the result back from the `Fit` alone.
"""

from tools.editors.fitting._fit import Fit
from tools.editors.fitting._plan import plan_fit, sends_footage
from tools.editors.fitting._send import (
    first_frame,
    frame_png,
    last_frame,
    reference_png,
    send_clip,
    send_mask,
    send_still_mask,
    sent_regions,
)
from tools.editors.fitting._take import fitted_take, refuse_bad
from tools.editors.fitting._window import calm_window

__all__ = [
    "Fit",
    "calm_window",
    "first_frame",
    "fitted_take",
    "frame_png",
    "last_frame",
    "plan_fit",
    "reference_png",
    "refuse_bad",
    "send_clip",
    "send_mask",
    "send_still_mask",
    "sends_footage",
    "sent_regions",
]
