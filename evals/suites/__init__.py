"""The suites there are: what each makes, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable

from evals.runner import Suite
from tools.errors import BadInput


def _continuity() -> Suite:
    from evals.suites.continuity import Continuity  # noqa: PLC0415 - a suite loads when it is asked for

    return Continuity()


def _cuts() -> Suite:
    from evals.suites.cuts import Cuts  # noqa: PLC0415

    return Cuts()


def _real() -> Suite:
    from evals.suites.real import Real  # noqa: PLC0415

    return Real()


def _requests() -> Suite:
    from evals.suites.requests import Requests  # noqa: PLC0415

    return Requests()


def _sheets() -> Suite:
    from evals.suites.sheets import Sheets  # noqa: PLC0415

    return Sheets()


def _track() -> Suite:
    from evals.suites.track import TrackSuite  # noqa: PLC0415

    return TrackSuite()


def _verify() -> Suite:
    from evals.suites.verify import VerifySuite  # noqa: PLC0415

    return VerifySuite()


SUITES: dict[str, Callable[[], Suite]] = {
    "continuity": _continuity,
    "cuts": _cuts,
    "real": _real,
    "requests": _requests,
    "sheets": _sheets,
    "track": _track,
    "verify": _verify,
}


def suite_named(name: str) -> Suite:
    """The suite of a name; BadInput lists the names there are."""
    if name not in SUITES:
        raise BadInput(f"no suite named {name!r}; choose one of: {', '.join(SUITES)}")
    return SUITES[name]()
