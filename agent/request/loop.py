"""A model reads a request: a loop of looking steps, bounded in number and money, that ends in a reading.

    think → act → think → … → plan | question | answer

Each step is one structured answer, so that any server can take it; what a tool shows goes into the transcript of the
next. A step that cannot be taken is told back to the model and counts as one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.answers import Step
from agent.errors import ModelError
from agent.request.grammar import read
from agent.request.plan import Reading
from agent.request.steps import Desk, Wrong, taken
from agent.shown import Shown
from prompts import Prompt, render

MOST_STEPS = 10
PICTURES = 4
"""Pictures of earlier steps that stay in view."""
ABOUT = "request"


def appended(old: list[Any], new: list[Any]) -> list[Any]:
    return [*old, *new]


class LoopState(TypedDict, total=False):
    """The loop's channels; it lives in memory and ends within seconds, its answers are kept by the mind."""

    step: Step | None
    steps: int
    transcript: Annotated[list[str], appended]
    pictures: Annotated[list[Shown], appended]
    reading: Reading | None


Loop = CompiledStateGraph[LoopState, Desk, LoopState, LoopState]


def request_loop() -> Loop:
    """think ⇄ act until there is a reading."""
    graph = StateGraph(LoopState, context_schema=Desk)
    graph.add_node("think", think)
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", after_think, ["act", "__end__"])
    graph.add_conditional_edges("act", after_act, ["think", "__end__"])
    return graph.compile()


def after_think(state: LoopState) -> Literal["act", "__end__"]:
    return "act" if state.get("step") else "__end__"


def after_act(state: LoopState) -> Literal["think", "__end__"]:
    return "__end__" if state.get("reading") else "think"


async def think(state: LoopState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Asks for the next step."""
    desk, done = runtime.context, state.get("steps", 0)
    if done >= MOST_STEPS:
        words = f"the model came to no end in {MOST_STEPS} steps; say it in other words, one fix at a time"
        return {"step": None, "reading": Reading(kind="question", words=words)}
    prompt = step_prompt(desk, state.get("transcript", []), MOST_STEPS - done)
    step = await desk.mind.ask(prompt, Step, state.get("pictures", [])[-PICTURES:], about=ABOUT)
    return {"step": step, "steps": done + 1}


def step_prompt(desk: Desk, transcript: list[str], left: int) -> Prompt:
    outline = desk.outline
    told = {**outline.characters, **outline.props}
    return render(
        "understand-request",
        request=desk.request,
        title=outline.title,
        fps=outline.fps,
        subjects=[f"{name}: {canon}" if canon else name for name, canon in told.items()],
        panels=list(outline.panels),
        editors=list(outline.editors),
        transcript=transcript,
        steps_left=left,
    )


async def act(state: LoopState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Takes the step."""
    step, number = state["step"], state["steps"]
    assert step is not None
    name = f"{number}. {step.act.tool}"
    try:
        got = await taken(step, runtime.context)
    except Wrong as error:
        return {"transcript": [f"{name}: not possible: {error}"]}
    if isinstance(got, Reading):
        return {"reading": got}
    return {"transcript": [f"{name}: {got.words}"], "pictures": list(got.pictures)}


async def read_with_model(desk: Desk) -> tuple[Reading, str]:
    """The model's reading, and a notice; the grammar's where the model cannot be asked."""
    prompt = step_prompt(desk, [], MOST_STEPS)
    try:
        ended = await request_loop().ainvoke({"steps": 0}, context=desk)
    except ModelError as error:
        return read(desk.request, desk.outline), f"no model read the request: {error}"
    reading = ended["reading"]
    by = f"{desk.mind.model}, {prompt.name}@{prompt.version}"
    return reading.model_copy(update={"reader": by}), ""
