"""The real hands of a shot's graph: references cut, takes fetched and judged, versions and ready jobs written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from agent.briefing import frames_for, references_for, request
from agent.deps import Deps
from agent.fill_answer import written_fill
from agent.fill_words import fill_of
from agent.film_text import shortened
from agent.graph.common import heavy
from agent.hands import Judgement, Place
from agent.schema import ReadyJob, Shot
from agent.stages import commit as committing
from agent.stages import edit as editing
from agent.stages import escalate as escalating
from agent.stages import judge_repair as judging
from agent.stages import verify as verifying
from agent.stages.inspect_shots import still_there, wrong_again
from agent.state import Gated
from tools.editors.base import Capabilities
from tools.types import Clip, Edit, Job, Reference


class PixelHands:
    """Hands that work on this machine's files; see `agent.hands.Hands`."""

    async def references(self, at: Place, deps: Deps) -> tuple[Reference, ...]:
        """Panels and plates, then frames of other shots."""
        panels = references_for(at.film, at.finding, at.repair.sheet_versions, at.repair.faults, at.action)
        wanted = frames_for(at.film, at.finding)
        return panels + await heavy(deps, editing.frame_references, at.film, wanted, deps) if wanted else panels

    async def prompt(self, at: Place, can: Capabilities, references: Sequence[Reference], deps: Deps) -> str:
        """Measured words for a fill, a request for new footage."""
        if can.words.style == "none":
            return ""
        if at.action != "inpaint":
            told = request(
                at.film,
                at.shot,
                at.action,
                findings=at.findings,
                references=references,
                window=at.window,
                failed=escalating.failed_takes(at.attempts),
            )
            return shortened(told, can.words.max_characters)
        fill = await heavy(deps, fill_of, at.film, at.clip, [at.finding], references)
        return await written_fill(fill, can.words, deps.mind, shot=at.shot, finding=at.finding, references=references)

    async def fetch(self, edit: Edit, job: Job, deps: Deps) -> Gated:
        """Through the gate, into the store."""
        return await editing.fetch(edit, job, deps)

    async def judge(self, at: Place, edit: Edit, take: Gated, deps: Deps) -> Judgement:
        """By every check; a take that passes them is shown to the model, where there is one."""
        made = deps.store.path(take.media)
        verdict = await heavy(deps, verifying.verify, edit, made, partial(_seen_again, at, deps=deps))
        if deps.mind is None or verdict.verdict == "fail":
            return Judgement(verdict)
        whole = Clip(media=made, first=0, last=at.shot.clip.frames - 1)
        judged = await judging.judge_repair(at.film, at.findings, edit.clip, whole, deps.mind)
        return Judgement(judging.with_judgement(verdict, judged), judged.words)

    async def commit(self, shot: Shot, working: str, lineage: str, deps: Deps) -> int:
        """Encoded as the source was."""
        version = await heavy(deps, committing.commit, shot, working, lineage, deps)
        return version.number

    async def ready_job(
        self, at: Place, references: Sequence[Reference], quote: Mapping[str, float], why: str, deps: Deps
    ) -> ReadyJob:
        """In the run's folder, under jobs/SHOT."""
        make = partial(
            escalating.ready_job,
            clip=at.clip,
            references=references,
            window=at.window,
            quote=quote,
            why=why,
            deps=deps,
        )
        return await heavy(deps, make, at.film, at.shot, at.action, at.findings)


def _seen_again(at: Place, media: Path, *, deps: Deps) -> bool:
    """Whether a take shows a finding again: at its place, or anywhere in a shot that was made again."""
    faults, repaired = at.repair.faults, at.repair.sheet_versions
    if at.action == "regenerate":
        return wrong_again(at.film, at.shot, at.findings, media, deps, faults=faults, repaired=repaired)
    return still_there(at.film, at.shot, at.finding, media, deps, faults=faults)
