"""The `suture` command: arguments and printing, nothing else. Everything heavy is imported inside the commands."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from decimal import Decimal
from inspect import cleandoc
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tools.errors import BadInput, MachineFailed, SutureError

if TYPE_CHECKING:
    from agent.deps import Goal, RunOptions
    from agent.project import Project
    from agent.regions import Marked
    from agent.schema import PassResult
    from tools.types import Box, Frozen

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Suture finds what breaks continuity in films made with AI video models, traces each error to where it was "
    "born, repairs the shots that a small edit saves, and says which must be made again.\n\n"
    "Start with [bold]suture init film.mp4 --sheet mara=mara.png -o launch[/bold], look with [bold]suture scan "
    "launch[/bold], see what it would do with [bold]suture plan launch[/bold], and let it work with [bold]suture pass "
    "launch[/bold]. Ask for a fix in plain words with "
    '[bold]suture fix launch "take the earpiece off Mara in SH020"[/bold]. '
    "A bare media file works wherever FILM is asked for.\n\n"
    "Exit codes: 0 nothing is left, 1 something is left, 2 the call or the input was wrong, 3 a person is waited for, "
    "4 a tool or the machine failed ([bold]suture resume[/bold] continues).",
)

FILMS, RUNS, REGIONS, HOUSE = "A film", "Runs", "One clip", "The house"

Film = Annotated[Path, typer.Argument(metavar="FILM", help="A project folder, its film.toml, or a bare media file.")]
Media = Annotated[Path, typer.Argument(metavar="MEDIA", help="A video or a folder of frames.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or FILM:ID from elsewhere.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
Inspector = Annotated[
    Literal["pixels", "vlm", "auto"],
    typer.Option(
        help="Who looks. pixels: measurement alone, no model and no network. vlm: a vision-language model judges what "
        "was measured and looks where pixels cannot (SUTURE_MODEL, any OpenAI-compatible server). auto: the model "
        "where one is set, allowed and within the budget."
    ),
]
Shots = Annotated[str, typer.Option(help="Only these shots, such as SH010,SH020.", metavar="SH010,…")]
Budget = Annotated[float | None, typer.Option(help="Most that the run may spend, in US dollars.", min=0)]
Approve = Annotated[Literal["auto", "ask"], typer.Option(help="ask: every decision waits for `suture answer`.")]
Offline = Annotated[bool, typer.Option("--offline", help="No footage leaves this machine.")]
Prefer = Annotated[str | None, typer.Option(help="This editor first, wherever it can do the job.", metavar="EDITOR")]
Only = Annotated[str, typer.Option(help="Only these editors.", metavar="EDITOR,…")]
Rehearse = Annotated[
    bool,
    typer.Option(
        "--rehearse",
        help="The sandbox on this machine stands in for the model and for all providers; nothing is spent or learned.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Write down what a model would be asked, with its pictures; send nothing.")
]
Mask = Annotated[Path, typer.Option(help="A picture, a folder of pictures or a video; non-zero is the region.")]


def main() -> None:
    """Entry point: runs the command; an error is one line and an exit code, a traceback only with --debug."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    _leave_cleanly()
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except Exception as error:  # noqa: BLE001 - the edge of the program: every error becomes a line and a code
        if debug:
            traceback.print_exc()
        words, code = verdict_on(error)
        print(words, file=sys.stderr)
        sys.exit(code)


def verdict_on(error: Exception) -> tuple[str, int]:
    """The line and the exit code of an error."""
    match error:
        case SutureError():
            return _one_line(f"suture: {error}"), error.exit_code
        case typer.TyperException():
            return _one_line(f"suture: {_wrong_call(error)}"), BadInput.exit_code
        case typer.Abort():
            return "suture: stopped", MachineFailed.exit_code
        case OSError(errno=errno.ENOSPC):
            return f"suture: the disk is full ({error.filename or 'while writing'}); free some space", 4
        case PermissionError():
            return _one_line(f"suture: {error.filename}: no permission ({error.strerror})"), BadInput.exit_code
    return _one_line(f"suture: unexpected {type(error).__name__}: {error}; --debug says where"), MachineFailed.exit_code


def _wrong_call(error: typer.TyperException) -> str:
    words = getattr(error, "format_message", None)  # only some of Typer's exceptions can say it in one line
    return f"{words() if words else error}; --help says how"


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _leave_cleanly() -> None:
    """Until a run takes the signals over, they end the command with a line and exit code 4."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        os.write(2, b"suture: stopped; nothing is half written, run the command again\n")
        os._exit(MachineFailed.exit_code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"suture {version('suture')}")
        raise typer.Exit


@app.callback()
def suture(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version, and nothing else.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="A traceback where something fails.")] = False,
) -> None:
    """Options of all commands; --debug is taken out before they are read."""


def _say(document: Frozen, as_json: bool) -> bool:
    """Prints the JSON document when it is asked for."""
    if not as_json:
        return False
    print(document.model_dump_json(indent=2))
    return True


@app.command(rich_help_panel=FILMS)
def init(
    media: Annotated[list[Path], typer.Argument(metavar="MEDIA…", help="A film, or its shots in order.")],
    sheet: Annotated[list[str] | None, typer.Option(metavar="ID=IMAGE", help="A character's sheet.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The project's folder.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy media and sheets into the project.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a film project from footage and character sheets."""
    from agent import project

    sheets = [_sheet(words) for words in sheet or []]
    made = project.init(media, sheets=sheets, out=out or project.bare_root(media[0]), copy=copy)
    if not _say(made, json):
        print(f"{made.file}: edit what it knows about the shots, then `suture scan {made.root}`")
    return 0


def _sheet(words: str) -> tuple[str, Path]:
    name, equals, image = words.partition("=")
    if not (name and equals and image):
        raise BadInput(f"--sheet {words}: say ID=IMAGE, such as mara=sheets/mara.png")
    return name, Path(image)


@app.command(rich_help_panel=FILMS)
def scan(
    film: Film,
    inspector: Inspector = "auto",
    shots: Shots = "",
    budget: Budget = None,
    offline: Offline = False,
    rehearse: Rehearse = False,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Find errors and trace them to where they were born; edit nothing."""
    options = _options("scan", inspector, shots, _usd(budget), offline=offline, rehearse=rehearse)
    return _run(film, options.model_copy(update={"dry_run": dry_run}), as_json=json, quiet=quiet)


@app.command(rich_help_panel=FILMS)
def plan(
    film: Film,
    inspector: Inspector = "auto",
    shots: Shots = "",
    budget: Budget = None,
    offline: Offline = False,
    rehearse: Rehearse = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Scan, then a decision and a quote per shot; spend nothing on edits."""
    options = _options("plan", inspector, shots, _usd(budget), offline=offline, rehearse=rehearse)
    return _run(film, options, as_json=json, quiet=quiet)


@app.command("pass", rich_help_panel=FILMS)
def pass_(
    film: Film,
    budget: Budget = None,
    approve: Approve = "auto",
    offline: Offline = False,
    prefer: Prefer = None,
    only: Only = "",
    inspector: Inspector = "auto",
    shots: Shots = "",
    rehearse: Rehearse = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """The whole loop: find, trace, decide, repair, verify, escalate, and render a new cut with a report."""
    options = _options("pass", inspector, shots, _usd(budget), offline=offline, rehearse=rehearse)
    spending = {"approve": approve, "prefer": prefer, "only": _names(only)}
    return _run(film, options.model_copy(update=spending), as_json=json, quiet=quiet)


@app.command(rich_help_panel=FILMS)
def fix(
    film: Film,
    request: Annotated[str, typer.Argument(metavar='"REQUEST"', help="What is to be fixed, in plain words.")],
    budget: Budget = None,
    approve: Approve = "auto",
    offline: Offline = False,
    prefer: Prefer = None,
    only: Only = "",
    inspector: Inspector = "auto",
    shots: Shots = "",
    rehearse: Rehearse = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Fix what is asked for in plain words, and nothing else.

    Say what, where and how:

    \b
    suture fix launch "remove Mara's earpiece in SH020, keep everything else"
    suture fix launch "take the logo off the mug in SC020, under two dollars"
    suture fix launch "the lamp flickers at 00:12"

    Where it can be meant in more than one way, one question comes back (exit code 3); what is no fix is answered.
    [bold]--approve ask[/bold] shows the plan with its quote first. Without a model a grammar reads common English forms
    and says which words it did not understand.
    """
    if not request.strip():
        raise BadInput('REQUEST: say what is to be fixed, such as "remove the earpiece in SH020"')
    options = _options("pass", inspector, shots, _usd(budget), offline=offline, rehearse=rehearse)
    asked = {"request": request, "approve": approve, "prefer": prefer, "only": _names(only)}
    return _run(film, options.model_copy(update=asked), as_json=json, quiet=quiet)


def _usd(budget: float | None) -> Decimal | None:
    return None if budget is None else Decimal(str(budget))


def _options(
    goal: Goal,
    inspector: Literal["pixels", "vlm", "auto"],
    shots: str,
    budget: Decimal | None,
    *,
    offline: bool,
    rehearse: bool,
) -> RunOptions:
    from agent.deps import RunOptions

    return RunOptions(
        goal=goal, inspector=inspector, shots=_names(shots), budget=budget, offline=offline, rehearse=rehearse
    )


def _names(words: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in words.split(",") if name.strip())


def _run(film: Path, options: RunOptions, *, as_json: bool, quiet: bool) -> int:
    from agent import runs
    from agent.progress import RunProgress
    from agent.project import open_project

    if sys.stdin.isatty() and sys.stderr.isatty():
        options = options.model_copy(update={"allowed": _allowed(film, options)})
    with RunProgress(quiet=quiet) as progress:
        result = runs.start(film, options, progress)
    return _print_result(result, options.goal, open_project(film).root, as_json=as_json)


def _allowed(film: Path, options: RunOptions) -> tuple[str, ...]:
    """Asks about everybody who could be sent footage and is not among `[film] allow`; those that get a yes."""
    from agent import runs

    def may(name: str, title: str) -> bool:
        return typer.confirm(
            f"May {title} be sent footage in this run? ([film] allow = [{name!r}] says so for good)", err=True
        )

    return tuple(one.name for one in runs.strangers(film, options) if may(one.name, one.title))


def _print_result(result: PassResult, goal: Goal, root: Path, *, as_json: bool) -> int:
    from agent import printing
    from agent.result import exit_code
    from agent.schema import ScanResult

    shown = (
        ScanResult(**{name: getattr(result, name) for name in ScanResult.model_fields}) if goal == "scan" else result
    )
    if not _say(shown, as_json):
        {"scan": printing.print_scan, "plan": printing.print_plan, "pass": printing.print_pass}[goal](result, root)
    return exit_code(result)


@app.command(rich_help_panel=FILMS)
def acknowledge(
    film: Film,
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="The finding's id.")],
    why: Annotated[str, typer.Option(help="Why the change is intended.")],
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say that a change is intended; it re-opens when the shot changes."""
    from agent import desk, findings
    from agent.lock import one_writer
    from agent.project import open_project

    project = open_project(film)
    with one_writer(desk.home_of(project.root), "acknowledge"), desk.opened(project) as at:
        known = findings.acknowledge(finding, why, at.sessions)
    if not _say(known, json):
        print(f"{known.id} in {known.shot} is acknowledged: {why}")
    return 0


@app.command(rich_help_panel=FILMS)
def revert(
    film: Film,
    shot: Annotated[str, typer.Argument(metavar="SHOT[@vN]", help="SH020: one back; SH020@v1: that version.")],
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make an older version of a shot current."""
    from agent import desk
    from agent.lock import one_writer
    from agent.project import open_project
    from agent.versions import ShotVersion, Versions

    name, at_sign, version = shot.partition("@")
    if at_sign and not version.lstrip("v").isdigit():
        raise BadInput(f"{shot}: say SHOT or SHOT@vN, such as SH020@v1")
    project = open_project(film)
    with one_writer(desk.home_of(project.root), "revert"), desk.opened(project) as at:
        number = Versions(at.sessions).revert(name, int(version.lstrip("v")) if version else None)
    if not _say(ShotVersion(shot=name, number=number), json):
        print(f"{name} is at v{number:03d}")
    return 0


@app.command(rich_help_panel=FILMS)
def clean(film: Film, json: Json = False, quiet: Quiet = False) -> int:
    """Free the disk of what no run, report or version needs."""
    from agent import cleaning, desk
    from agent.lock import one_writer
    from agent.project import open_project

    project = open_project(film)
    with one_writer(desk.home_of(project.root), "clean"), desk.opened(project) as at:
        freed = cleaning.clean(at)
    if not _say(freed, json):
        kept = f"; {', '.join(freed.kept_for)} are not over and keep theirs" if freed.kept_for else ""
        print(f"{freed.files} files, {freed.bytes / 1e6:.1f} MB freed{kept}")
    return 0


@app.command(rich_help_panel=RUNS)
def runs(film: Film, json: Json = False, quiet: Quiet = False) -> int:
    """List a film's runs."""
    from agent import desk, printing
    from agent.lock import is_written
    from agent.project import open_project

    with desk.opened(open_project(film)) as at:
        written = is_written(at.home)
        known = [desk.RunLine.of(row, written=written) for row in desk.run_rows(at)]
    if not _say(desk.RunLines(runs=tuple(known)), json):
        rows = [(one.id, one.goal, one.state, one.started, one.ended or "", one.why) for one in known]
        printing.table("Runs", ("run", "goal", "state", "started", "ended", ""), rows)
    return 0


def _found(run: str) -> tuple[Project, str]:
    """The project and id that RUN means."""
    from agent.project import enclosing_root, open_project

    film, colon, name = run.rpartition(":")
    if colon:
        return open_project(Path(film)), name
    root = enclosing_root(Path.cwd())
    if root is None:
        raise BadInput(f"{run}: no film project here; go into one, or say FILM:{run}")
    return open_project(root), run


@app.command(rich_help_panel=RUNS)
def show(
    run: RunId,
    routes: Annotated[
        bool, typer.Option("--routes", help="Choose every editor again from the database, and say what differs.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show a run's result, or how far it is."""
    from agent import desk
    from agent.lock import is_written
    from agent.schema import PassResult

    project, name = _found(run)
    if routes:
        return _print_routes(project, name, as_json=json)
    with desk.opened(project) as at:
        row = desk.run_row(at, name)
        line = desk.RunLine.of(row, written=is_written(at.home))
    if row.result is not None:
        result = PassResult.model_validate_json(row.result)
        return _print_result(result, _goal(row.goal), project.root, as_json=json)
    if not _say(line, json):
        print(f"{line.id}: {line.goal}, {line.state}; {line.why or f'`suture resume {run}` continues'}")
    return 4 if line.state in ("failed", "stopped") else 1


def _print_routes(project: Project, run: str, *, as_json: bool) -> int:
    """Every choice of a run made again; 1 when one comes out otherwise."""
    from agent import desk, printing
    from agent.routes import Replays, replay

    with desk.opened(project) as at:
        desk.run_row(at, run)
        found = Replays(run=run, routes=replay(run, at.sessions))
    if not _say(found, as_json):
        lines = [
            (one.shot, one.action, one.was[0].editor if one.was else "nobody", one.why or "the same again")
            for one in found.routes
        ]
        printing.table(f"{run}, chosen again", ("shot", "action", "editor", ""), lines)
    return 0 if all(one.same for one in found.routes) else 1


def _goal(words: str) -> Goal:
    return cast("Goal", words)


@app.command(rich_help_panel=RUNS)
def resume(run: RunId, json: Json = False, quiet: Quiet = False) -> int:
    """Continue a run where it stopped; nothing paid is paid again."""
    from agent import runs as running
    from agent.progress import RunProgress

    project, name = _found(run)
    with RunProgress(quiet=quiet) as progress:
        result = running.resume(project, name, progress)
    return _print_result(result, _goal_of(project, name), project.root, as_json=json)


def _goal_of(project: Project, run: str) -> Goal:
    from agent import desk

    with desk.opened(project) as at:
        return _goal(desk.run_row(at, run).goal)


@app.command(rich_help_panel=RUNS)
def answer(
    run: RunId,
    shot: Annotated[str, typer.Argument(metavar="ID", help="The shot that asks, as `suture show RUN` names it.")],
    verdict: Annotated[Literal["approve", "reject"], typer.Argument(help="Of its decision, or its doubtful job.")],
    note: Annotated[str, typer.Option(help="Why; kept with the outcome.")] = "",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Answer a shot that waits for a person; its run goes on."""
    from agent import runs as running
    from agent.graph import Answer
    from agent.progress import RunProgress

    project, name = _found(run)
    with RunProgress(quiet=quiet) as progress:
        result = running.answer(project, name, shot, Answer(verdict=verdict, note=note), progress)
    return _print_result(result, "pass", project.root, as_json=json)


@app.command(rich_help_panel=REGIONS)
def cuts(media: Media, json: Json = False, quiet: Quiet = False) -> int:
    """Find the shots of a film."""
    from agent import printing
    from tools.media.cuts import find_cuts

    found = find_cuts(media)
    if not _say(found, json):
        rows = [(shot.id, str(shot.first), str(shot.last), shot.opens) for shot in found.shots]
        printing.table(f"{media}, {found.frames} frames", ("shot", "first", "last", "opens"), rows)
    return 0


@app.command(rich_help_panel=REGIONS)
def mask(
    media: Media,
    at: Annotated[int, typer.Option(help="The frame in which the thing is marked, from 0.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The mask video to write (FFV1 grey, .mkv).")],
    box: Annotated[str | None, typer.Option(metavar="X,Y,W,H", help="A box around the thing.")] = None,
    point: Annotated[list[str] | None, typer.Option(metavar="X,Y", help="A point on the thing; say several.")] = None,
    text: Annotated[
        str | None, typer.Option(help="The thing in words; a model (SUTURE_MODEL) finds it in the frame.")
    ] = None,
    scribble: Annotated[
        Path | None, typer.Option(help="A picture, black but for white strokes on the thing and red ones beside it.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The same view without the thing: a picture, or a clip of the same frames.")
    ] = None,
    sam: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="Follow with SAM 2 video: a folder of weights, or a hub id.")
    ] = None,
    grow: Annotated[
        str,
        typer.Option(
            metavar="PIXELS|auto",
            help="Reach further; auto: 0.8 % of the width and as far as its edge is soft, for removals.",
        ),
    ] = "0",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a mask that follows a thing through a clip."""
    from agent import regions

    following = regions.Following(weights=sam, grow=None if grow == "auto" else _numbers("--grow", grow, 1)[0])
    marked = _marked(box, point or [], scribble, against, text)
    if text is not None:
        marked = marked.model_copy(update={"box": _pointed_out(media, at, text)})
    made = regions.make_mask(media, at, marked, out, following)
    if not _say(made, json):
        first, last = made.frames
        ways = {"motion": "its motion before a still scene", "look": "its colours and edges", "sam": "SAM 2"}
        print(f"{out}: frames {first}-{last}, at most {made.coverage.max:.1%} of the frame, by {ways[made.way]}")
        for gone in made.lost:
            print(f"not seen in frames {gone[0]}-{gone[1]}")
    return 0


def _pointed_out(media: Path, at: int, text: str) -> Box:
    """Where a model sees what the words say; on a terminal a person is asked whom the frame may be sent to."""
    from agent import pointing, regions

    regions.check_frame(media, at)
    name = pointing.stranger(media) if sys.stdin.isatty() and sys.stderr.isatty() else None
    yes = name is not None and typer.confirm(f"May {name} be sent frame {at} of {media.name}?", err=True)
    return pointing.pointed_out(media, at, text, (name,) if name and yes else ())


def _marked(
    box: str | None, points: list[str], scribble: Path | None, against: Path | None, text: str | None
) -> Marked:
    from agent.regions import Marked
    from tools.types import Box

    ways = (box is not None, bool(points), scribble is not None, against is not None, text is not None)
    if sum(ways) != 1:
        raise BadInput("say where the thing is, in one way: --box X,Y,W,H, --point X,Y, --text, --scribble, --against")
    corners = None if box is None else Box(*_numbers("--box", box, 4))
    places = tuple((x, y) for x, y in (_numbers("--point", point, 2) for point in points))
    return Marked(box=corners, points=places, scribble=scribble, against=against)


WANTED = {1: "a whole number, or auto", 2: "two whole numbers with a comma between", 4: "four of them: X,Y,W,H"}


def _numbers(option: str, words: str, count: int) -> tuple[int, ...]:
    parts = words.split(",")
    if len(parts) != count or not all(part.strip().isdigit() for part in parts):
        raise BadInput(f"{option} {words}: say {WANTED[count]}")
    return tuple(int(part) for part in parts)


@app.command(rich_help_panel=REGIONS)
def measure(media: Media, mask: Mask, json: Json = False, quiet: Quiet = False) -> int:
    """Measure one region, and what the rule says about it."""
    from agent import printing, regions
    from agent.policy import Policy

    found = regions.measure(media, mask, Policy())
    if not _say(found, json):
        rows = [
            (c.name, {True: "holds", False: "fails", None: "unknown"}[c.holds], c.why)
            for c in found.decision.conditions
        ]
        printing.table(f"{media}", ("condition", "", "why"), rows)
        print(f"{found.decision.action}: {found.decision.why}")
    return 0


@app.command(rich_help_panel=REGIONS)
def inpaint(
    media: Media,
    mask: Mask,
    out: Annotated[Path, typer.Option("-o", "--out", help="The repaired clip; of MEDIA's kind.")],
    tool: Annotated[str, typer.Option(help="An editor of `suture tools`.")] = "plate",
    prompt: Annotated[str, typer.Option(help="What should be there, for editors that read words.")] = "",
    reference: Annotated[list[Path] | None, typer.Option(help="A picture that shows it right.")] = None,
    method: Annotated[
        str,
        typer.Option(help="A way of the editor's; the plate's: auto, temporal, reference, spatial, texture."),
    ] = "auto",
    grain: Annotated[Literal["on", "off"], typer.Option(help="Match the grain around the region.")] = "on",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Repair one region with one editor; every pixel outside the mask stays."""
    from agent import regions
    from tools.editors import gate

    made = regions.inpaint(
        media, mask, out, tool=tool, prompt=prompt, references=reference or (), method=method, grain=grain == "on"
    )
    if not _say(made, json):
        same = made.luma_psnr_outside >= gate.IDENTICAL
        outside = "identical" if same else f"{made.luma_psnr_outside:.1f} dB"
        print(f"{out}: made by {made.tool}, {outside} outside the mask; `suture verify` checks it")
    return 0


@app.command(rich_help_panel=REGIONS)
def verify(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The clip before the edit.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The clip after it.")],
    mask: Mask,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check an edit: seam, flicker, colour, grain, what changed outside."""
    from agent import printing, regions
    from agent.report_words import check_limit, check_value

    found = regions.check(before, after, mask)
    if not _say(found, json):
        rows = [(c.name, "holds" if c.holds else "fails", check_value(c), check_limit(c)) for c in found.checks]
        title = f"{after}: {'passes' if found.verdict == 'pass' else 'fails'}"
        printing.table(title, ("check", "", "measured", "limit"), rows)
        for check in found.checks:
            if check.note:
                print(f"{check.name}: {check.note}")
    return 0 if found.verdict == "pass" else 1


@app.command("eval", rich_help_panel=HOUSE)
def evaluation(
    suite: Annotated[
        str, typer.Argument(metavar="SUITE", help="continuity, cuts, real, requests, sheets, track or verify")
    ],
    split: Annotated[Literal["tune", "test"], typer.Option(help="Thresholds were set on tune; report test.")] = "test",
    seed: Annotated[int, typer.Option(help="Another seed makes cases nobody has seen.")] = 7,
    inspector: Annotated[
        Literal["pixels", "vlm", "auto"],
        typer.Option(help="Who looks or reads; vlm without SUTURE_MODEL asks the scripted model of the sandbox."),
    ] = "pixels",
    cases: Annotated[
        Path | None,
        typer.Option(
            help="Cases of your own: for requests a TOML file, else a text file with a labelled film's folder per line."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The run's folder; the same call again continues it.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="cases.jsonl of an earlier run to compare with.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure how well Suture does on labelled shots."""
    from json import dumps

    from agent import printing
    from agent.progress import counting
    from evals.evaluate import evaluate, plan_of
    from evals.page import figures

    plan = plan_of(suite, split, seed, inspector, cases)
    folder = out or Path(f"eval-{suite}-{split}-{seed}")
    with counting(f"eval {suite}", quiet=quiet or json) as count:
        result = evaluate(plan, folder, baseline=baseline, progress=lambda line, n, of: count(line.case, n, of))
    if json:
        print(dumps(result, indent=2))
    else:
        printing.table(f"{suite}, {split}, seed {seed}", ("figure", ""), [(k, str(v)) for k, v in figures(result)])
        print(f"{folder / 'page.html'}")
        for line in result["missed"]:
            print(f"missed: {line}")
    return 4 if result["failed_cases"] else 1 if result["missed"] else 0


@app.command(rich_help_panel=HOUSE)
def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="cuts, fill, policy, scan or vace")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="An empty folder for what is made on the way: pictures.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure speed, quality, or what a verified fix costs by simulation, as ratios within one run.

    \b
    cuts     finding cuts: speed and quality against PySceneDetect
    fill     the plate against classical fills, with contact sheets
    policy   dollars per verified fix by simulation, with charts
    scan     what a scan costs beside decoding alone
    vace     the region's crop against the whole frame; needs a GPU
    """
    from agent import printing
    from evals.bench import run_bench

    tell = (lambda _: None) if quiet or json else (lambda words: print(words, file=sys.stderr))
    found = run_bench(name, tell, out)
    if not _say(found, json):
        rows = [
            (r.what, f"{r.value:g}", r.unit, f"{r.baseline:g}", f"{r.ratio:.2f}", f"{r.spread:.2f}") for r in found.rows
        ]
        printing.table(f"{name} on {found.machine}", ("what", "value", "unit", "baseline", "ratio", "spread"), rows)
    return 0


@app.command(rich_help_panel=HOUSE)
def tools(
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the providers that tell them for today's prices, and keep those.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """List the editors with what they can do, their prices, how often they succeed, and what is missing."""
    from agent import house, printing

    told = house.refresh(_here()) if refresh else ()
    lines = house.editors(_here())
    if not _say(house.EditorLines(editors=lines), json):
        printing.print_editors(lines)
        if refresh:
            printing.line(f"prices of {', '.join(told) or 'nobody'} were told anew")
    return 0


def _here() -> Path | None:
    from agent.project import enclosing_root

    return enclosing_root(Path.cwd())


@app.command(rich_help_panel=HOUSE)
def doctor(json: Json = False, quiet: Quiet = False) -> int:
    """Say what works on this machine."""
    from agent import house, printing

    found = house.examine()
    if not _say(found, json):
        rows = [(one.what, {True: "works", False: "missing"}[one.works], one.why) for one in found.checks]
        printing.table("This machine", ("what", "", ""), rows)
    return 0 if all(one.works for one in found.checks if one.needed) else 1


@app.command(rich_help_panel=HOUSE)
def sandbox(
    film: Annotated[
        Path | None, typer.Option(help="A labelled film: the model answers from its labels.json.", metavar="FILM")
    ] = None,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.", min=0, max=65535)] = 0,
    server: Annotated[
        Literal["openai", "vllm", "ollama", "llama.cpp", "older", "text-only"],
        typer.Option(help="Whose quirks it has."),
    ] = "openai",
    lies: Annotated[bool, typer.Option("--lies", help="Claim errors where nothing is wrong.")] = False,
    faults: Annotated[
        Path | None, typer.Option(help="A TOML file of what the providers do wrong, and when.", metavar="FILE")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Serve a scripted model and all providers on this machine until Ctrl-C; nothing is paid and nothing leaves.

    The model is an OpenAI-compatible endpoint; providers answer as the real ones do, with jobs, prices and errors.
    Point Suture at them with the lines that it prints. With a labelled film the model finds what the labels say and
    results are the clean takes; without one it finds nothing wrong.
    """
    from tools.sandbox import serve_forever

    serve_forever(film, port, kind=server, ordered=faults, lies=lies)
    return 0


@app.command(rich_help_panel=HOUSE)
def sample(
    name: Annotated[str, typer.Argument(metavar="NAME", help="launch-day")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to make.")],
    seed: Annotated[int, typer.Option(help="Moves cameras, places and shapes.")] = 7,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Render a sample film project with labelled errors."""
    from agent.project import open_project
    from evals.studio import render_sample

    tell = None if quiet else lambda words: print(words, file=sys.stderr)
    made = open_project(render_sample(name, out, seed, tell))
    if not _say(made, json):
        print(f"{made.root}: `suture pass {made.root}` repairs it; labels.json says what is wrong")
    return 0


@app.command(rich_help_panel=HOUSE)
def plant(
    film: Film,
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file; see above.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to make.")],
    seed: Annotated[int, typer.Option(help="Draws places, things and sizes.", min=0)] = 7,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Plant labelled errors into clean footage.

    Families: stray-object, background-patch, text-logo, light-shift, grade-mismatch, melt, region-flicker, frame-pop,
    mirrored. All but the family may be left out of a recipe:

    \b
    \\[\\[plant]]
    family   = "stray-object"
    count    = 3
    strength = \\[0.3, 1.0]      # 0 just visible, 1 obvious
    size     = \\[0.002, 0.1]    # share of the frame
    shots    = \\["SH010"]       # else any clean shot
    life     = "stretch"       # whole, stretch or any
    speed    = "slow"          # static, slow or fast surface
    """
    from evals.labels import read_labels
    from evals.plant import plant_film, read_recipe

    tell = None if quiet else lambda words: print(words, file=sys.stderr)
    made = read_labels(plant_film(film, out, seed=seed, errors=read_recipe(recipe), progress=tell))
    if not _say(made, json):
        faulty = [shot for shot, label in made.shots.items() if label.errors]
        print(f"{out}: errors in {', '.join(faulty)}; labels.json says what they are")
    return 0


def flowing(words: str) -> str:
    """Help whose paragraphs the terminal breaks, not the source; what follows \\b keeps its lines."""
    kept = [part if part.startswith("\b") else " ".join(part.split()) for part in cleandoc(words).split("\n\n")]
    return "\n\n".join(part.removeprefix("\b\n") for part in kept)


for _command in app.registered_commands:
    _command.help = flowing((_command.callback and _command.callback.__doc__) or "")
