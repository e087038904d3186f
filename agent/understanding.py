"""A request in plain words becomes what a run does: read against the film, its constraints put into the options."""

from __future__ import annotations

from collections.abc import Iterable

from agent.deps import Deps, RunOptions
from agent.findings import latest
from agent.request.grammar import read
from agent.request.loop import read_with_model
from agent.request.plan import Outline, Reading, ShotNote
from agent.request.steps import Desk
from agent.schema import Film, Shot
from tools.errors import BadInput


async def understand(film: Film, deps: Deps) -> tuple[Reading, str]:
    """What the run's request means, and a notice; by the model where there is one, else by the grammar.

    In a rehearsal the grammar reads: the scripted model knows a film's labels, not what a person means.
    """
    request, outline = deps.options.request, outline_of(film, deps.editors)
    if deps.mind is None or deps.options.rehearse:
        return read(request, outline), ""
    desk = Desk(film=film, outline=outline, request=request, mind=deps.mind, known=latest(deps.db))
    return await read_with_model(desk)


def outline_of(film: Film, editors: Iterable[str] = ()) -> Outline:
    """A film as far as words can refer to it; frames count from the film's first, shot after shot."""
    notes, first = [], 0
    props = {sheet.subject: sheet.canon for sheet in film.sheets if sheet.kind == "prop"}
    for shot in film.shots:
        notes.append(_note(shot, first, props))
        first += shot.clip.frames
    return Outline(
        title=film.title,
        fps=float(film.fps),
        shots=tuple(notes),
        characters={sheet.subject: sheet.canon for sheet in film.sheets if sheet.kind == "character"},
        props=props,
        panels=tuple(panel.ref for sheet in film.sheets for panel in sheet.panels),
        editors=tuple(sorted(editors)),
    )


def _note(shot: Shot, first: int, props: Iterable[str]) -> ShotNote:
    return ShotNote(
        id=shot.id,
        first=first,
        last=first + shot.clip.frames - 1,
        scene=shot.scene,
        characters=shot.characters,
        props=tuple(prop for prop in props if any(ref.startswith(f"{prop}/") for ref in shot.references)),
        prompt=shot.prompt,
    )


def heeding(options: RunOptions, reading: Reading) -> RunOptions:
    """The options of a run that does what was understood, within what the person said about how.

    What the command line says and what the request says both hold: the smaller budget, the stricter of every choice.
    """
    said = reading.constraints
    sums = [one for one in (options.budget, said.budget_usd) if one is not None]
    shots = {shot for fix in reading.fixes for shot in fix.shots} - set(said.spare)
    return options.model_copy(
        update={
            "reading": reading,
            "shots": tuple(sorted(shots & set(options.shots) if options.shots else shots)),
            "budget": min(sums) if sums else None,
            "offline": options.offline or "upload" in said.forbid,
            "only": _both(options.only, said.only),
            "approve": "ask" if said.ask_first else options.approve,
        }
    )


def _both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What both lists allow; an empty list allows everything. Raises BadInput where they allow nothing together."""
    if not one or not other:
        return one or other
    common = tuple(sorted(set(one) & set(other)))
    if not common:
        raise BadInput(f"--only {','.join(one)}, but the request says only {', '.join(other)}; say one of them")
    return common
