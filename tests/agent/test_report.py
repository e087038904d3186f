"""The report tells a whole run on one page that needs nothing else, and never runs what a film wrote into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from skimage import data

from agent.printing import print_pass
from agent.report_words import about_usd, check_limit, coded, ranked, usd, verdict
from agent.schema import (
    Attempt,
    Candidate,
    Cause,
    Condition,
    Decision,
    Film,
    Finding,
    Outcome,
    PassResult,
    ReadyJob,
    Sheet,
    SheetVersion,
    Shot,
)
from agent.stages.report import write_report
from tools.media.encode import write_video
from tools.media.sheets import write_picture
from tools.types import Action, Box, Check, Clip, ColourTags, Evidence, Frame, MediaInfo, Panel, PixelLayout, Rgb

SIZE = (480, 270)
LENGTH = 8
HOSTILE = "<script>alert('title')</script> & \"Launch\""
PIECE = Box(250, 105, 26, 30)
GLITCH = Box(120, 60, 190, 140)
PHOTOGRAPHS = (data.coffee, data.astronaut, data.astronaut, data.rocket, data.chelsea, data.coffee, data.rocket)
PLAN = {"SH020": PIECE, "SH030": PIECE, "SH040": PIECE, "SH050": GLITCH, "SH060": PIECE, "SH070": GLITCH}


@dataclass(frozen=True)
class Run:
    """Where the run of these tests writes."""

    run: str
    root: Path

    @property
    def run_folder(self) -> Path:
        return self.root / ".suture" / "runs" / self.run


def view(shot: int, index: int, mark: Box | None) -> Rgb:
    """One frame: a slow pan over the shot's photograph, and a blob where `mark` is."""
    picture = PHOTOGRAPHS[shot]()
    height = picture.shape[1] * 9 // 16 - 20
    crop = picture[index : index + height, index : index + height * 16 // 9]
    small = np.asarray(cv2.resize(crop, SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if mark is not None:
        centre, axes = (mark.x + mark.w // 2, mark.y + mark.h // 2), (mark.w // 2, mark.h // 2)
        cv2.ellipse(small, centre, axes, 0, 0, 360, (40, 90, 235), -1, cv2.LINE_AA)
    return small


def render(path: Path, shots: Sequence[tuple[int, Box | None]]) -> Path:
    """A film of shots of LENGTH frames each."""
    layout = PixelLayout(name="rgb24", family="rgb", depth=8)
    info = MediaInfo(
        path=path,
        kind="video",
        width=SIZE[0],
        height=SIZE[1],
        fps=Fraction(24),
        frames=LENGTH * len(shots),
        container="mp4",
        codec="h264",
        pixel_format="yuv420p",
        bit_depth=8,
        colour=ColourTags(primaries=1, transfer=1, matrix=1, range=1),
    )
    pictures = [view(shot, index, mark) for shot, mark in shots for index in range(LENGTH)]
    planes = [tuple(np.ascontiguousarray(picture[..., n]) for n in range(3)) for picture in pictures]
    write_video(path, (Frame(n, p, layout, ColourTags(range=2)) for n, p in enumerate(planes)), info)
    return path


def the_film(root: Path) -> Film:
    """Seven shots and a sheet, on disk."""
    ids = [f"SH{10 * place:03d}" for place in range(1, 8)]
    media = render(root / "film.mp4", [(place, PLAN.get(name)) for place, name in enumerate(ids)])
    clips = [Clip(media=media, first=LENGTH * n, last=LENGTH * n + LENGTH - 1) for n in range(len(ids))]
    write_picture(root / "mara.png", np.hstack([data.astronaut()[:300, 60:360], data.astronaut()[:300, 100:400]]))
    panels = tuple(
        Panel(sheet=root / "mara.png", subject="mara", view=name, box=Box(300 * n, 0, 300, 300))
        for n, name in enumerate(("front", "face"))
    )
    return Film(
        title=HOSTILE,
        root=root,
        shots=tuple(Shot(id=name, clip=clip, source=clip) for name, clip in zip(ids, clips, strict=True)),
        sheets=(Sheet(key="mara", subject="mara", image=root / "mara.png", panels=panels),),
        fps=Fraction(24),
        width=SIZE[0],
        height=SIZE[1],
    )


def finding(shot: str, box: Box, status: Literal["open", "fixed"]) -> Finding:
    return Finding(
        id=f"f-{shot.lower()}",
        shot=shot,
        frames=(1, 6),
        box=box,
        mask=None,
        category="wardrobe",
        subject="mara",
        expected="no earpiece: her sheet shows bare ears",
        observed="a blue earpiece on her left ear",
        severity="major",
        confidence=0.93,
        evidence=(Evidence(kind="panel", ref="mara/face"),),
        cause="c1",
        status=status,
    )


def decision(shot: str, action: Action, small: float, speed: float) -> Decision:
    conditions = (
        Condition(name="small", value=small, limit=0.2, holds=small <= 0.2, why="largest share over frames 1 to 6"),
        Condition(name="slow", value=speed, limit=0.006, holds=speed <= 0.006, why="the region is slow in the picture"),
        Condition(name="keeper", value=1.0, limit=0.8, holds=True, why="100% of the frames are free of other faults"),
        *(
            Condition(name=name, value=None, limit=None, holds=None, why="nothing on this machine can tell")
            for name in ("lighting", "contact")
        ),
    )
    window = (4, 7) if action == "retake" else None
    why = "small, slow and worth keeping" if action == "inpaint" else "the region is too large or too fast for a fill"
    return Decision(
        shot=shot, finding=f"f-{shot.lower()}", action=action, conditions=conditions, why=why, window=window
    )


def attempt(shot: str, n: int, seam: float, *, take: str | None = None) -> Attempt:
    checks = (
        Check(name="seam", value=seam, limit=1.5, unit="× surround", holds=seam <= 1.5),
        Check(name="outside", value=0.0, limit=0.0, unit="pixels", holds=True),
        Check(name="landed", value=0.0, limit=0.0, unit="findings", holds=True),
    )
    passed = all(check.holds for check in checks)
    return Attempt(
        n=n,
        finding=f"f-{shot.lower()}",
        action="inpaint",
        tool="plate",
        method="borrow" if n == 1 else "reference",
        verdict="pass" if passed else "fail",
        checks=checks,
        take=take,
        why="" if passed else "the edge can be seen",
    )


def job(shot: str, action: Literal["retake", "regenerate"]) -> ReadyJob:
    return ReadyJob(
        action=action,
        prompt=f"Mara crosses the pad. No earpiece.\n{HOSTILE}",
        references=(f"jobs/{shot}/reference_01_mara-face.png",),
        clip=f"jobs/{shot}/clip.mp4",
        mask=f"jobs/{shot}/mask_01.mkv",
        window=(4, 7) if action == "retake" else None,
        quote={"seedance": 1.6, "veo": 3.2},
        why="no tool configured here can do it",
    )


def the_result(film: Film, place: Run) -> PassResult:
    """A pass that ended in every way there is."""
    fixed = ("SH020", "SH030")
    for shot in fixed:
        render(place.run_folder / "shots" / f"{shot}_v002.mp4", [(int(shot[2:]) // 10 - 1, None)])
    refused = render(place.root / ".suture" / "store" / "take.mp4", [(5, Box(260, 110, 20, 20))])
    repaired = place.run_folder / "sheets" / "mara_v002.png"
    write_picture(repaired, np.hstack([data.astronaut()[:300, 60:360], data.astronaut()[:300, 110:410]]))
    named = refused.relative_to(place.root).as_posix()
    return PassResult(
        film=film.title,
        run=place.run,
        shots=tuple(shot.id for shot in film.shots),
        findings=tuple(finding(shot, box, "fixed" if shot in fixed else "open") for shot, box in PLAN.items()),
        causes=(
            Cause(
                id="c1",
                kind="sheet-panel",
                ref="mara/face",
                shots=tuple(PLAN),
                findings=tuple(f"f-{s.lower()}" for s in PLAN),
                why="the face panel shows the earpiece; front and profile show a bare ear and agree with each other",
            ),
        ),
        clean=("SH010",),
        decisions=(
            *(decision(shot, "inpaint", 0.012, 0.0009) for shot in ("SH020", "SH030", "SH060")),
            decision("SH040", "regenerate", 0.012, 0.041),
            decision("SH050", "retake", 0.21, 0.002),
            decision("SH070", "regenerate", 0.33, 0.002),
        ),
        sheet_versions=(
            SheetVersion(
                subject="mara",
                version=2,
                path=repaired.relative_to(place.root).as_posix(),
                panel="mara/face",
                box=Box(420, 120, 40, 46),
                downstream=tuple(PLAN),
                left_alone=("SH010",),
                why="the ear was taken from the front panel, aligned and lit as the face",
                checks=(Check(name="seam", value=0.8, limit=1.5, unit="× surround", holds=True),),
            ),
        ),
        outcomes=(
            Outcome(shot="SH010", status="clean"),
            Outcome(
                shot="SH020", status="fixed", version=2, attempts=(attempt("SH020", 1, 2.4), attempt("SH020", 2, 0.9))
            ),
            Outcome(shot="SH030", status="fixed", version=2, attempts=(attempt("SH030", 1, 0.7),)),
            Outcome(
                shot="SH040",
                status="waiting",
                job=job("SH040", "regenerate"),
                why="fast: the camera whips; `suture answer r-0001 SH040 approve` (or reject) goes on",
            ),
            Outcome(shot="SH050", status="waiting", job=job("SH050", "retake"), why="wrong only from frame 4 on"),
            Outcome(
                shot="SH060", status="failed", attempts=(attempt("SH060", 1, 3.1, take=named),), why="the disk was full"
            ),
            Outcome(
                shot="SH070", status="pivot", why="three new takes failed; ways around: a cut-away, a shorter shot"
            ),
        ),
        spent_usd=Decimal("1.2"),
        quoted_usd=Decimal("4.8125"),
        uploaded=({"what": "SH070, frames 0-7", "to": "seedance"},),
        files={"film": f".suture/runs/{place.run}/film_v002.mp4"},
    )


class Page(HTMLParser):
    """What a browser would take from a page: its tags, addresses, ids and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Film, PassResult, dict[str, Path]]:
    place = Run("r-0001", tmp_path_factory.mktemp("launch day"))
    film = the_film(place.root)
    result = the_result(film, place)
    return place, film, result, write_report(film, result, place)


@pytest.fixture(scope="module")
def page(written: tuple[Run, Film, PassResult, dict[str, Path]]) -> Page:
    return Page(written[3]["report"].read_text(encoding="utf-8"))


Written = tuple[Run, Film, PassResult, dict[str, Path]]


def test_the_json_is_the_result_with_the_reports_own_files(written: Written) -> None:
    place, _, result, made = written
    read = PassResult.model_validate_json(made["report_json"].read_text(encoding="utf-8"))
    assert read.files["report"] == f".suture/runs/{place.run}/report.html"
    assert read.model_copy(update={"files": result.files}) == result


def test_the_page_needs_nothing_else(page: Page) -> None:
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert page.values("src")
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.values("src"))
    assert all(target.startswith("#") and target[1:] in page.values("id") for target in page.values("href"))


def test_what_the_film_says_is_text(page: Page) -> None:
    assert page.words.count("<script>alert('title')</script>") >= 3
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_verdict_counts_shots_by_how_they_ended(page: Page) -> None:
    said = "6 errors, traced to 1 cause. 2 shots fixed, 2 waiting for you, 1 in need of another idea, "
    assert said + "1 stopped by a tool, 1 left alone." in page.words


def test_every_finding_is_told_with_its_decision_tries_and_pictures(page: Page) -> None:
    words = re.sub(r"\s+", " ", page.words)
    for told in ("Try 1: plate, borrow", "Try 2: plate, reference", "3.1 × surround", "≤ 20%", "? unknown", "✗ breaks"):
        assert told in words
    assert "Lighting, contact" in words
    looks = [alt for alt in page.values("alt") if "close" not in alt]
    assert sum(alt.startswith("Before: SH") for alt in looks) == len(PLAN)
    assert sum(alt.startswith("After: SH") for alt in looks) == 2
    assert sum(alt.startswith("Tried, not kept: SH060") for alt in looks) == 1


def test_waiting_jobs_money_and_ways_back_are_there(written: Written, page: Page) -> None:
    words = page.words
    for told in ("jobs/SH040/clip.mp4", "seedance $1.60", "$4.8125", "SH070, frames 0-7", "frames 4–7"):
        assert told in words
    assert f"suture revert '{written[0].root}' SH020@v001" in words
    assert "suture acknowledge" in words
    assert f"suture answer '{written[0].root}':r-0001 SH040 approve" in words
    assert "code" in page.tags
    assert "`" not in words


def test_a_doubt_is_no_error_and_traces_to_no_cause(written: Written) -> None:
    result = written[2]
    asked = [d if d.shot != "SH070" else d.model_copy(update={"action": "ask"}) for d in result.decisions]
    own = Cause(id="c2", kind="shot", ref="SH070", shots=("SH070",), findings=("f-sh070",), why="only SH070 shows it")
    said = verdict(result.model_copy(update={"decisions": tuple(asked), "causes": (*result.causes, own)}))
    assert said.startswith("5 errors, traced to 1 cause; 1 more in doubt. 2 shots fixed")
    doubts = [d.model_copy(update={"action": "ask"}) for d in result.decisions]
    said = verdict(result.model_copy(update={"decisions": tuple(doubts), "causes": (own,)}))
    assert said.startswith("No error is sure; 6 in doubt. ")


def candidate(editor: str, method: str, p: float = 0.4) -> Candidate:
    why = "free; shown by others"
    return Candidate(editor=editor, method=method, usd=Decimal(0), seconds=1.0, p=p, cost=3.7, why=why)


def test_methods_that_nothing_tells_apart_are_one_row() -> None:
    alike = [candidate("plate", method) for method in ("auto", "spatial", "texture")]
    rows = ranked([*alike, candidate("plate", "temporal", 0.9), candidate("wan", "auto")])
    assert [row.name for row in rows] == ["plate (auto, spatial or texture)", "plate, temporal", "wan"]
    assert {row.why for row in rows} == {"shown by others"}


def test_money_and_limits_say_no_more_than_they_must() -> None:
    assert [usd(one) for one in (0.14, 0.504, 1.6, 0.33333)] == ["$0.14", "$0.504", "$1.60", "$0.3333"]
    assert [about_usd(one) for one in (0.0002, 3.69626, 0)] == ["under $0.01", "$3.70", "$0.00"]
    checks = [
        Check(name="outside", value=51.2, limit=50.0, unit="dB", holds=True),
        Check(name="outside", value=48.0, limit=50.0, unit="dB", holds=False),
        Check(name="seam", value=0.9, limit=1.9, unit="ratio", holds=True),
        Check(name="stream", value=0.0, limit=0.0, unit="differences", holds=True),
    ]
    assert [check_limit(check) for check in checks] == ["≥ 50", "≥ 50", "≤ 1.9", "≤ 0"]


def test_code_is_marked_up_and_everything_else_is_text() -> None:
    assert coded("say `a <b>` & go") == "say <code>a &lt;b&gt;</code> &amp; go"
    assert coded("one ` alone <") == "one ` alone &lt;"


def test_the_terminal_says_it_in_the_pages_words_and_where_the_files_are(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    place, _, result, _ = written
    print_pass(result, place.root)
    shown = capsys.readouterr().out
    for told in ("left alone", "waits for you", "SH040: fast: the camera whips"):
        assert told in shown
    assert f"from here the run's name is '{place.root}':{place.run}\n" in shown
    assert f"film: {place.root}/.suture/runs/{place.run}/film_v002.mp4\n" in shown


def test_a_film_without_findings_is_one_line(tmp_path: Path) -> None:
    place = Run("r-0002", tmp_path)
    film = the_film(tmp_path)
    nothing = PassResult(film=film.title, run="r-0002", shots=tuple(s.id for s in film.shots))
    made = write_report(film, nothing, place)
    assert "No error was found in 7 shots." in Page(made["report"].read_text(encoding="utf-8")).words
    assert sorted(file.name for file in place.run_folder.iterdir()) == ["report.html", "report.json"]


def test_the_same_run_gives_the_same_page(written: Written) -> None:
    place, film, result, made = written
    before = made["report"].read_bytes()
    assert write_report(film, result, place)["report"].read_bytes() == before
