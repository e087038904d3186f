"""What a model's part in a finding was, in a line: model, prompts with their versions, tokens, dollars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from agent.report_words import usd
from agent.schema import Finding, ModelUse


class Share(NamedTuple):
    """What questions about one finding took; of questions about its whole shot, its equal share."""

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    tokens: int
    usd: Decimal
    remembered: bool
    """Whether every answer came from memory."""

    @property
    def words(self) -> str:
        free = "answered from memory" if self.remembered else usd(self.usd)
        return f"{', '.join(self.models)}: {', '.join(self.prompts)}; {self.tokens:,} tokens, {free}"


def share_of(finding: Finding, findings: Sequence[Finding], uses: Iterable[ModelUse]) -> Share | None:
    """The finding's share of what was asked; None where no model had a part in it."""
    beside = sum(other.shot == finding.shot for other in findings)
    mine = [(use, 1) for use in uses if use.about == finding.id]
    shots = [(use, beside) for use in uses if use.about == finding.shot]
    parts = [*shots, *mine]
    if not parts:
        return None
    return Share(
        models=tuple(dict.fromkeys(use.model for use, _ in parts)),
        prompts=tuple(dict.fromkeys(use.prompt for use, _ in parts)),
        tokens=sum((use.tokens_in + use.tokens_out) // among for use, among in parts),
        usd=sum((use.usd / among for use, among in parts), Decimal(0)),
        remembered=all(use.calls == 0 for use, _ in parts),
    )
