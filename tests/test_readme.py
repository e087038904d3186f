"""The README's drawings come from the code; write them anew with `python -m tests.test_readme`."""

from __future__ import annotations

import re
from pathlib import Path

from agent.graph import film_graph, shot_graph
from agent.policy import Policy

README = Path(__file__).resolve().parent.parent / "README.md"


def drawings() -> list[str]:
    """The two graphs as mermaid text, the film's first."""
    return [graph.get_graph().draw_mermaid().strip() for graph in (film_graph(), shot_graph())]


def test_the_drawn_graphs_are_the_code() -> None:
    drawn = re.findall(r"```mermaid\n(.*?)\n```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert drawn == drawings()


def test_the_limits_in_the_table_are_the_policy() -> None:
    text, policy = README.read_text(encoding="utf-8"), Policy()
    for said in (
        f"at most {policy.small:.2f}",
        f"under {policy.slow} (static under {policy.static})",
        f"at least {policy.revealed} of it and it is at least {policy.sharp}",
        f"at least {policy.keeper} of the shot's frames",
        f"under confidence {policy.act} is put to a person; under {policy.report} it is not reported",
    ):
        assert said in text


if __name__ == "__main__":
    made = iter(drawings())
    text = README.read_text(encoding="utf-8")
    README.write_text(re.sub(r"(?<=```mermaid\n).*?(?=\n```)", lambda _: next(made), text, flags=re.DOTALL), "utf-8")
