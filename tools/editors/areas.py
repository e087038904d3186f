"""Countries and areas by which providers say who may not use a model."""

from __future__ import annotations

from collections.abc import Iterable

EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Countries of the European Economic Area, ISO 3166."""
ALSO = {"GB": "UK", "EL": "GR"}
"""Other codes of the same country."""


def blocked_area(region: str, blocked: Iterable[str]) -> str | None:
    """Which of the blocked areas a user's country or area lies in; None where it lies in none."""
    here = region.strip().upper()
    country = ALSO.get(here, here)
    areas = {country} | ({"EEA"} if country in EEA else set())
    return next((area for area in blocked if ALSO.get(area, area) in areas), None)
