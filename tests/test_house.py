"""The house itself: which room may import which, and that the front door opens quickly without the heavy furniture."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "tools",
    "prompts",
    "agent",
    "agent.stages",
    "agent.graph",
    "agent.runs",
    "agent.service",
    "agent.cli",
    "evals",
)
CONFINED = {
    "openai": "agent.llm",
    "httpx": "tools.editors",
    "torch": "tools.editors.local",
    "diffusers": "tools.editors.local",
    "langgraph": "agent",
}
"""A module may import what stands at or before its own place; the packages named here live in one room."""


def _module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _inside(name: str, home: str) -> bool:
    return name == home or name.startswith(home + ".")


def _rank(name: str) -> int:
    return max((place for place, room in enumerate(ORDER) if _inside(name, room)), default=-1)


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every absolute import of a file, and whether it stands at the top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node in tree.body


def violations(root: Path) -> list[str]:
    """Imports that go against the one way, as sentences."""
    bad = []
    for room in ("agent", "tools", "prompts", "evals"):
        for path in sorted((root / room).rglob("*.py")):
            me = _module(path, root)
            for name, top in _imports(path):
                late_command = me == "agent.cli" and not top
                if _rank(name) > _rank(me) and not late_command:
                    bad.append(f"{me} imports {name}: data walks one way")
                home = CONFINED.get(name.split(".")[0])
                if home and not _inside(me, home):
                    bad.append(f"{me} imports {name}: only {home} may")
                if _inside(me, "agent.stages") and _inside(name, "agent.stages") and name != me:
                    bad.append(f"{me} imports {name}: stages meet only in the graph")
    return bad


def test_imports_point_one_way() -> None:
    assert violations(ROOT) == []


def test_the_rule_sees_a_wrong_import(tmp_path: Path) -> None:
    for room in ("agent/stages", "tools", "prompts", "evals"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "tools/a.py").write_text("from agent.schema import Film\nimport torch\n")
    (tmp_path / "agent/stages/b.py").write_text("from agent.stages.c import d\nfrom agent.graph import e\n")
    assert len(violations(tmp_path)) == 4


def test_help_needs_no_heavy_package() -> None:
    script = "import sys, agent.cli; print(*sorted(set(sys.modules) & {'torch', 'cv2', 'av', 'langgraph', 'numpy'}))"
    got = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert got.stdout.split() == []
