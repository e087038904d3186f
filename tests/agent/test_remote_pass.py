"""A pass whose hands are providers: who gets which job and why, and that no key is anywhere, whatever goes wrong."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.agent.small_film import cut_down
from tools.sandbox.providers import ProviderSandbox, Rule

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
STRETCHES = {
    "SH010": (24, 8),
    "SH020": (24, 8),
    "SH030": (24, 8),
    "SH040": (24, 8),
    "SH050": (24, 8),
    "SH060": (24, 24),
}
MASKED = "fal-vace-14b"
HANDS = f"fal-bria-erase,{MASKED},seedance-2.0,fal-ltx-retake,fal-flux-fill"


def suture(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def film(launch_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample film's six faulty and clean first shots, small, with providers allowed."""
    made = cut_down(launch_day, tmp_path_factory.mktemp("remote") / "film", STRETCHES)
    text = (made / "film.toml").read_text(encoding="utf-8")
    allowed = text.replace("[film]\n", '[film]\nallow = ["fal", "ark"]\n', 1)
    (made / "film.toml").write_text(allowed, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def passed(film: Path) -> Iterator[tuple[dict[str, Any], ProviderSandbox, Path]]:
    """The film after a pass in which providers do everything."""
    with ProviderSandbox(film) as sandbox:
        code, out, error = suture(
            sandbox.environment(), "pass", str(film), "--inspector", "pixels", "--only", HANDS, "--json"
        )
        assert out, error
        assert code in (0, 1, 3), error
        yield json.loads(out), sandbox, film


def first_try(result: dict[str, Any], shot: str) -> dict[str, Any]:
    outcome = next(one for one in result["outcomes"] if one["shot"] == shot)
    assert outcome["attempts"], outcome["why"]
    attempt: dict[str, Any] = outcome["attempts"][0]
    return attempt


@pytest.mark.parametrize(
    ("shot", "action", "tool"),
    [
        ("SH020", "inpaint", "fal-bria-erase"),
        ("SH040", "regenerate", "seedance-2.0"),
        ("SH050", "regenerate", "seedance-2.0"),
        ("SH060", "retake", "fal-ltx-retake"),
    ],
)
def test_each_job_goes_to_who_does_that_kind_best(
    passed: tuple[dict[str, Any], ProviderSandbox, Path], shot: str, action: str, tool: str
) -> None:
    attempt = first_try(passed[0], shot)
    assert (attempt["action"], attempt["tool"]) == (action, tool)
    assert attempt["verdict"] == "pass", attempt["checks"]
    assert attempt["ranked"][0]["editor"] == tool
    assert {one["editor"] for one in [*attempt["ranked"], *attempt["dropped"]]} >= set(HANDS.split(","))


def test_a_shot_is_made_again_with_the_repaired_panel_before_it(
    passed: tuple[dict[str, Any], ProviderSandbox, Path],
) -> None:
    result, sandbox, _ = passed
    (sheet,) = result["sheet_versions"]
    assert sheet["attempts"][0]["tool"] == "fal-flux-fill"
    jobs = [job for job in sandbox.bench.jobs("ark") if "SH040" in job.work.prompt]
    assert jobs
    assert f"{sheet['panel']}, repaired" in jobs[0].work.prompt
    assert jobs[0].work.pictures


def test_the_bill_is_what_the_providers_say_and_the_report_says_who_could_have_done_it(
    passed: tuple[dict[str, Any], ProviderSandbox, Path],
) -> None:
    result, sandbox, film = passed
    assert result["spent_usd"] > 0
    tries = [one for outcome in result["outcomes"] for one in outcome["attempts"]]
    tries += [one for sheet in result["sheet_versions"] for one in sheet["attempts"]]
    assert sandbox.bench.accepted() == len(tries), "one accepted job for each try"
    page = (film / result["files"]["report"]).read_text(encoding="utf-8")
    assert page.count("Until a verified fix") >= len(tries)
    assert {one["to"] for one in result["uploaded"]} <= set(HANDS.split(","))


def test_a_repair_that_fails_twice_is_made_again_by_others_each_time(
    passed: tuple[dict[str, Any], ProviderSandbox, Path],
) -> None:
    """Whatever the checks say of SH030: no editor is asked twice, and two failures in a row end in a new take."""
    outcome = next(one for one in passed[0]["outcomes"] if one["shot"] == "SH030")
    repairs = [one for one in outcome["attempts"] if one["action"] == "inpaint"]
    assert [one["tool"] for one in repairs] == ["fal-bria-erase", MASKED][: len(repairs)]
    assert all(one["verdict"] == "fail" for one in repairs[:-1])
    again = repairs[-1]["verdict"] == "fail"
    assert outcome["status"] == ("regenerated" if again else "fixed")
    assert len(repairs) == 2 or not again


def test_every_choice_comes_out_the_same_from_the_database_alone(
    passed: tuple[dict[str, Any], ProviderSandbox, Path],
) -> None:
    result, _, film = passed
    code, out, error = suture({}, "show", f"{film}:{result['run']}", "--routes", "--json")
    assert code == 0, error
    routes = json.loads(out)["routes"]
    assert {one["shot"] for one in routes} >= {"SH020", "SH040", "SH060"}
    assert all(one["was"] == one["now"] and not one["why"] for one in routes)


def forms(key: str) -> list[bytes]:
    """A key as it is, and as it travels."""
    raw = key.encode()
    coded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex().encode(), quote(key).encode())
    return [raw, *(one.rstrip(b"=") for one in coded)]


def test_no_key_is_in_anything_that_a_faulty_run_leaves_behind(film: Path, tmp_path: Path) -> None:
    """Keys that are unlike any word; providers that repeat them in their errors."""
    home = tmp_path / "film"
    shutil.copytree(film, home, ignore=shutil.ignore_patterns(".suture"))
    faults = ["unauthorised", "server-error", "lost-after", "changed-schema", "refused"]
    rules = [Rule.model_validate({"fault": fault, "times": 2}) for fault in faults]
    rules += [Rule(fault="failed", after=1), Rule(fault="expired-url", after=2, times=3)]
    with ProviderSandbox(film, faults=rules) as sandbox:
        keys = {name: f"k3y-{name.lower()}-Zx9/+7q&u{len(name)}" for name in ("FAL_KEY", "ARK_API_KEY")}
        sandbox.bench.keys = {"fal": keys["FAL_KEY"], "ark": keys["ARK_API_KEY"]}
        _, out, error = suture(
            sandbox.environment(),
            "pass",
            str(home),
            "--shots",
            "SH060",
            "--inspector",
            "pixels",
            "--only",
            HANDS,
            "--debug",
        )
        assert sandbox.bench.requests, error
    told = {"standard output": out.encode(), "standard error": error.encode()}
    told |= {str(path): path.read_bytes() for path in (home / ".suture").rglob("*") if path.is_file()}
    assert len(told) > 10
    found = [
        (where, name)
        for where, data in told.items()
        for name, key in keys.items()
        for form in forms(key)
        if form in data
    ]
    assert found == []
