"""The video and image providers' APIs on loopback, faithful enough for the providers' own clients."""

from __future__ import annotations

from collections.abc import Callable

from tools.sandbox.providers._bench import Bench, Job, State, Way, Work
from tools.sandbox.providers._faults import Fault, Faults, Rule, read_faults
from tools.sandbox.providers._server import ProviderSandbox
from tools.sandbox.providers._wire import App, Asked, Moment, Reply, Request
from tools.sandbox.providers.ark import Ark
from tools.sandbox.providers.fal import FalQueue
from tools.sandbox.providers.google import Google
from tools.sandbox.providers.kling import Kling
from tools.sandbox.providers.luma import Luma
from tools.sandbox.providers.openai import OpenAIImages
from tools.sandbox.providers.runway import Runway
from tools.sandbox.providers.vertex import Vertex

APPS: tuple[Callable[[Bench], App], ...] = (Ark, FalQueue, Google, Kling, Luma, OpenAIImages, Runway, Vertex)
"""One per provider; the file of each says what it speaks."""

__all__ = [
    "APPS",
    "App",
    "Asked",
    "Bench",
    "Fault",
    "Faults",
    "Job",
    "Moment",
    "ProviderSandbox",
    "Reply",
    "Request",
    "Rule",
    "State",
    "Way",
    "Work",
    "read_faults",
]
