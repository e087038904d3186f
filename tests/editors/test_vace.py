"""Wan VACE on this machine, with the real pipeline at tiny random size loaded as a person's weights are."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from evals.bench import run_bench
from evals.bench.vace import REAL, crop_of, figures, measured_on
from tests.media.made import make_film, texture
from tools.editors.gate import composite
from tools.editors.local import models
from tools.editors.local.diffusion.crop import Sizes, crop_around
from tools.editors.local.diffusion.match import matched
from tools.editors.local.diffusion.stand_in import Scale, Spent
from tools.editors.local.diffusion.wan import Given, Recipe, painted, united
from tools.editors.local.diffusion.windows import stretches, windows
from tools.editors.local.jobs import Stopped, Work
from tools.editors.local.vace import PIPELINES, Vace
from tools.editors.registry import House, build, roster
from tools.errors import BadInput, Broken, Refused
from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.media.sheets import write_picture
from tools.types import Box, Clip, Edit, Job, Reference, Take

pytest.importorskip("transformers", reason="local diffusion models are an extra: pip install 'suture[gpu]'")

NAME = "wan-vace-1.3b"
OWN = models.variable(NAME)
TINY = {"steps": 2, "least_pixels": 1536, "most_pixels": 6144, "work_gib": 0.1}
"""Of the roster's recipe only what makes it slow: the same windows, at the size of stamps."""
WIDTH, HEIGHT = 96, 64


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.editors.tiny_models import save_vace  # noqa: PLC0415

    return save_vace(tmp_path_factory.mktemp("weights"))


def editor_at(home: Path, weights: Path, **recipe: int) -> Vace:
    """The roster's editor with a person's weights, and stamps for pictures."""
    house = House(home, {OWN: str(weights)})
    made = build(NAME, house)
    entry = roster()[NAME]
    settings = {**entry.capabilities.settings, **TINY, **recipe}
    small = entry.capabilities.model_copy(update={"settings": settings})
    assert isinstance(made, Vace)
    return Vace(house, entry.model_copy(update={"capabilities": small}))


def edit_of(folder: Path, count: int, **fields: Any) -> Edit:
    film = folder / f"film{count}.mkv"
    if not film.exists():
        make_film(film, codec="ffv1", count=count, rate=Fraction(24000, 1001))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[24:40, 36:60] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    told = {"key": "film/SH010/1", "action": "inpaint", "mask": folder / "mask.png", "hard_edge": True, **fields}
    return Edit(clip=Clip(media=film, first=0, last=count - 1), prompt="a calm sea", **told)


def fetched(editor: Vace, edit: Edit, folder: Path) -> Take:
    folder.mkdir()
    return asyncio.run(_fetched(editor, edit, folder))


async def _fetched(editor: Vace, edit: Edit, folder: Path) -> Take:
    return await editor.fetch(await editor.submit(edit), folder)


def pictures(media: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.stack([rgb8(frame) for frame in frames(media)])


# Windows, crops, holes.


@pytest.mark.parametrize(("count", "wanted"), [(1, [1]), (7, [9]), (81, [81]), (82, [49, 49]), (300, [81] * 4 + [0])])
def test_windows_are_4n_plus_1_and_leave_nothing_out(count: int, wanted: list[int]) -> None:
    found = list(windows((0, count - 1), count, 81, 9))
    assert [one.length % 4 for one in found] == [1] * len(found)
    assert max(one.length for one in found) <= 81
    assert {index for one in found for index in range(one.first, one.last + 1)} == set(range(count))
    for one, other in pairwise(found):
        assert other.shared == one.last - other.first + 1 >= 9
        assert other.known % 4 == 1
        assert 0 < other.share(other.first) < other.share(one.last) < 1 == other.share(one.last + 1)
    if count < 300:
        assert [one.length for one in found] == wanted


def test_stretches_show_how_the_footage_goes_on() -> None:
    assert stretches({20, 21, 22, 60}, 64, 4) == [(16, 26), (56, 63)]
    assert stretches({20, 29}, 64, 4) == [(16, 33)]
    (window,) = windows((56, 63), 64, 81, 9)
    assert (window.first, window.real, window.length) == (55, 9, 9)


@pytest.mark.parametrize(
    ("region", "frame"),
    [
        (Box(300, 150, 263, 152), (832, 480)),
        (Box(900, 20, 60, 900), (1920, 1080)),
        (Box(0, 0, 1920, 1080), (1920, 1080)),
        (Box(5, 5, 3, 3), (96, 64)),
    ],
)
def test_a_crop_holds_the_region_at_a_size_the_model_knows(region: Box, frame: tuple[int, int]) -> None:
    sizes = Sizes(least=102_400, most=399_360)
    crop = crop_around(region, *frame, sizes)
    assert crop.box.union(region) == crop.box == crop.box.grown(0, *frame)
    assert crop.width % 16 == crop.height % 16 == 0
    assert 0.9 * sizes.least <= crop.width * crop.height <= sizes.most
    assert crop.width / crop.height == pytest.approx(crop.box.w / crop.box.h, rel=0.03)


def test_one_latent_frame_has_one_hole_and_known_frames_none() -> None:
    holes = [np.zeros((4, 8), np.bool_) for _ in range(8)]
    for index, hole in enumerate(holes):
        hole[1, index] = True
    made = united(holes, 1, 9)
    assert [int(one.sum()) for one in made] == [0, 4, 4, 4, 4, 3, 3, 3, 3]


def test_a_cast_is_taken_back_where_the_truth_is_not_shown() -> None:
    y, x = np.mgrid[0:96, 0:128].astype(np.float32)
    right = np.dstack([90 + x / 2, 120 + y / 3, 100 + 0 * x])
    cast = np.dstack([9 + x / 20, -6 + 0 * x, 5 - y / 16])
    drawing = np.random.default_rng(1).normal(0, 8, right.shape)
    hole = np.zeros((96, 128), np.bool_)
    hole[30:66, 40:88] = True
    made = matched((right + cast + drawing).astype(np.float32), right, hole)
    left = np.abs((made - right - drawing)[hole].mean(axis=0))
    assert np.abs(cast[hole].mean(axis=0)).min() > 1.5
    assert left.max() < 0.8
    assert np.std((made - right)[hole]) == pytest.approx(8, rel=0.1)  # what was drawn stays drawn


# The pipeline.


def witness() -> Any:
    """A pipeline that remembers what it was given to encode."""
    from tests.editors.tiny_models import diffusers, tiny_vace  # noqa: PLC0415

    class Witness(diffusers().WanVACEPipeline):  # type: ignore[misc]
        def prepare_video_latents(self, video: Any, mask: Any, reference_images: Any, *rest: Any) -> Any:
            self.seen = video, mask, reference_images
            return super().prepare_video_latents(video, mask, reference_images, *rest)

    made = Witness(**tiny_vace())
    made.set_progress_bar_config(disable=True)
    return made


def test_the_model_sees_grey_under_a_white_mask_and_the_references() -> None:
    shown = np.random.default_rng(0).integers(0, 255, (5, 32, 48, 3), np.uint8)
    holes = np.zeros((5, 32, 48), np.bool_)
    holes[:, 8:24, 16:32] = True
    pipeline = witness()
    given = Given(shown, holes, "a red door", [Image.new("RGB", (20, 30), (255, 0, 0))], seed=1)
    made = painted(pipeline, given, Recipe(steps=1), Work())
    assert made.shape == (5, 32, 48, 3)
    video, mask, references = pipeline.seen
    assert np.array_equal(mask[0, 0].numpy() > 0.5, holes)
    pixels = video[0].permute(1, 2, 3, 0).numpy()
    assert np.all(pixels[holes] == 0)
    assert np.allclose(pixels[~holes], shown[~holes].astype(np.float32) / 127.5 - 1, atol=1e-5)
    assert [tuple(one.shape) for one in references[0]] == [(3, 32, 48)]


# Through the roster's entry and `fetch`.


def test_a_take_differs_under_the_mask_alone_and_never_looks_there(tmp_path: Path, weights: Path) -> None:
    editor, edit = editor_at(tmp_path / "home", weights), edit_of(tmp_path, 7, grain=False)
    take = fetched(editor, edit, tmp_path / "one")
    info = probe(take.media)
    assert (info.frames, info.fps, info.width, info.height) == (7, Fraction(24000, 1001), WIDTH, HEIGHT)
    source, made = pictures(edit.clip.media), pictures(take.media)
    assert not np.array_equal(source[:, 24:40, 36:60], made[:, 24:40, 36:60])
    gated = composite(edit, take, tmp_path / "gated.mkv", codec="ffv1")
    assert gated.outside_before_encode == 0
    outside = np.ones((HEIGHT, WIDTH), np.bool_)
    outside[22:42, 34:62] = False  # chroma samples of the edge belong to the mask
    assert np.array_equal(source[:, outside], pictures(gated.media)[:, outside])

    hidden = make_film(tmp_path / "hidden.mkv", codec="ffv1", count=7, thing=Box(38, 26, 20, 12))
    other = edit.model_copy(update={"clip": Clip(media=hidden, first=0, last=6), "key": "other"})
    again = pictures(fetched(editor, other, tmp_path / "two").media)
    assert np.abs(made[:, 25:39, 37:59].astype(int) - again[:, 25:39, 37:59]).max() <= 2

    around = make_film(tmp_path / "around.mkv", codec="ffv1", count=7, thing=Box(2, 2, 30, 60))
    third = edit.model_copy(update={"clip": Clip(media=around, first=0, last=6), "key": "third"})
    other_place = pictures(fetched(editor, third, tmp_path / "three").media)
    assert np.abs(made[:, 25:39, 37:59].astype(int) - other_place[:, 25:39, 37:59]).max() > 5


def test_seed_prompt_and_references_count_and_a_repeat_is_the_same(tmp_path: Path, weights: Path) -> None:
    editor, edit = editor_at(tmp_path / "home", weights), edit_of(tmp_path, 7)
    cv2.imwrite(str(tmp_path / "look.png"), np.full((40, 40, 3), (0, 0, 255), np.uint8))
    look = Reference(path=tmp_path / "look.png", kind="panel", what="mara", box=Box(2, 2, 30, 20))
    changes: dict[str, dict[str, Any]] = {
        "one": {},
        "again": {},
        "seed": {"seed": 1},
        "look": {"references": (look,)},
    }
    takes = {
        name: fetched(editor, edit.model_copy(update={"key": name, **change}), tmp_path / name).media.read_bytes()
        for name, change in changes.items()
    }
    assert takes["one"] == takes["again"]
    assert len(set(takes.values())) == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.editors.test_vace import editor_at
from tools.editors.local.jobs import Work
from tools.types import Edit

home, weights, file, kept, folder = map(Path, sys.argv[1:])

class Deadly(Work):
    def check(self):
        if list(kept.glob("*.npz")):
            os.kill(os.getpid(), signal.SIGKILL)

editor_at(home, weights, frames=17, overlap=5).make(Edit.model_validate_json(file.read_bytes()), kept, folder, Deadly())
"""


@pytest.mark.long
def test_a_long_clip_goes_in_windows_and_on_after_a_kill(tmp_path: Path, weights: Path) -> None:
    editor = editor_at(tmp_path / "home", weights, frames=17, overlap=5)
    edit = edit_of(tmp_path, 26, grain=False)
    job = asyncio.run(editor.submit(edit))
    file = tmp_path / "home" / "jobs" / NAME / f"{job.handle}.json"
    kept, folder = file.with_suffix(""), tmp_path / "killed"
    folder.mkdir()
    told = [str(one) for one in (tmp_path / "home", weights, file, kept, folder)]
    ended = subprocess.run([sys.executable, "-c", KILLED, *told], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    (first,) = kept.glob("*.npz")
    before = first.stat()
    resumed = fetched(editor, edit, tmp_path / "resumed")
    assert resumed.how["windows"] == len(list(kept.glob("*.npz"))) == 2
    assert first.stat().st_mtime_ns == before.st_mtime_ns
    at_once = editor_at(tmp_path / "elsewhere", weights, frames=17, overlap=5)
    assert resumed.media.read_bytes() == fetched(at_once, edit, tmp_path / "whole").media.read_bytes()
    one, other = (np.load(file)["pictures"][:, 28:36, 42:54].mean(axis=(1, 2)) for file in sorted(kept.glob("*.npz")))
    made = pictures(resumed.media)[:, 28:36, 42:54].mean(axis=(1, 2))
    assert len(made) == 26
    share = (np.arange(8) + 1)[:, None] / 9  # frames 9 to 16 lie in both windows
    assert np.abs(made[9:17] - (one[9:] * (1 - share) + other[:8] * share)).max() < 1
    assert np.abs(made[17:] - other[8:]).max() < 1
    assert np.abs(one[9:] - other[:8]).max() > 5  # or the fade would show nothing


def test_a_retake_makes_the_window_and_keeps_the_rest(tmp_path: Path, weights: Path) -> None:
    editor = editor_at(tmp_path / "home", weights)
    edit = edit_of(tmp_path, 26, action="retake", window=(9, 15), mask=None)
    take = fetched(editor, edit, tmp_path / "one")
    source, made = pictures(edit.clip.media), pictures(take.media)
    same = [bool(np.array_equal(one, other)) for one, other in zip(source, made, strict=True)]
    assert same == [not 9 <= index <= 15 for index in range(26)]
    assert take.how["windows"] == 1


def test_a_retake_goes_by_the_frames_that_are_kept(tmp_path: Path, weights: Path) -> None:
    editor, takes = editor_at(tmp_path / "home", weights), {}
    for name, changed in {"one": set[int](), "wrong": {5, 6, 7, 8}, "kept": set(range(13)) - {5, 6, 7, 8}}.items():
        shot = tmp_path / name
        shot.mkdir()
        for index in range(13):
            write_picture(shot / f"{index:04d}.png", texture(WIDTH, HEIGHT, index, seed=int(index in changed)))
        clip = Clip(media=shot, first=0, last=12)
        edit = Edit(key=name, action="retake", clip=clip, window=(5, 8), prompt="a calm sea", grain=False)
        takes[name] = pictures(fetched(editor, edit, tmp_path / f"{name}-take").media)[5:9]
    assert np.array_equal(takes["one"], takes["wrong"])
    assert not np.array_equal(takes["one"], takes["kept"])


def test_what_cannot_be_done_is_refused_and_a_cancelled_job_stops(tmp_path: Path, weights: Path) -> None:
    editor, edit = editor_at(tmp_path / "home", weights), edit_of(tmp_path, 7)
    assert editor.quote(edit).seconds > 0
    with pytest.raises(Refused, match="GiB are free"):
        editor_at(tmp_path / "home", weights, work_gib=9999).quote(edit)
    for change in ({"action": "regenerate"}, {"mask": None}, {"method": "prayer"}, {"action": "retake"}):
        with pytest.raises(Refused):
            editor.quote(edit.model_copy(update=change))
    job = asyncio.run(editor.submit(edit))
    assert asyncio.run(editor.find(edit, None, ())) == job  # type: ignore[arg-type]
    work = Work()
    work.stop()
    with pytest.raises(Stopped, match="cancelled"):
        editor.make(edit, tmp_path / "kept", tmp_path, work)
    asyncio.run(editor.cancel(job))
    for lost in (job, Job(editor=NAME, handle="nobody")):
        assert asyncio.run(editor.poll(lost)).state == "failed"
        with pytest.raises(Broken):
            asyncio.run(editor.fetch(lost, tmp_path))


# Weights and where they lie.


def test_an_editor_without_its_weights_is_left_out_and_says_how_to_get_them(tmp_path: Path, weights: Path) -> None:
    entry = roster()[NAME]
    assert entry.missing({OWN: str(weights)}) is None
    absent = entry.missing({OWN: "nobody/nothing-at-all"}) or ""
    assert "nobody/nothing-at-all are not on this machine: run `hf download nobody/nothing-at-all`" in absent
    assert entry.missing({OWN: "nobody/nothing-at-all", models.DOWNLOAD: "1"}) is None
    with pytest.raises(BadInput, match=rf"{NAME}: weights .*nowhere: no such folder; set {OWN} to"):
        build(NAME, House(tmp_path, {OWN: str(tmp_path / "nowhere")}))
    part = shutil.copytree(weights, tmp_path / "part")
    shutil.rmtree(part / "vae")
    assert "the folder vae is missing; fetch them again" in (entry.missing({OWN: str(part)}) or "")


def test_memory_that_runs_out_leaves_the_edit_to_another(weights: Path) -> None:
    with (
        pytest.raises(Refused, match=rf"{NAME}: out of memory on this machine"),
        models.loaded(NAME, str(weights), {}, 0, PIPELINES),
    ):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")


def test_weights_are_weighed_by_their_headers(weights: Path) -> None:
    from tests.editors.tiny_models import diffusers  # noqa: PLC0415

    pipeline = diffusers().WanVACEPipeline.from_pretrained(weights)
    counts = [sum(p.numel() for p in one.parameters()) for one in (pipeline.transformer, pipeline.vae)]
    weight = models.weigh(weights)
    assert weight.largest == max(counts)
    assert weight.total > sum(counts)


GIB = models.GIB
BIG = models.Weight(total=24 * GIB, largest=14 * GIB)
"""Parameters, counted in GiB: about the 14B model with its text encoder."""


@pytest.mark.parametrize(
    ("free", "capability", "wanted"),
    [
        (80, (9, 0), ("cuda", "bfloat16", "none", False)),
        (48, (8, 6), ("cuda", "bfloat16", "model", False)),
        (24, (8, 9), ("cuda", "bfloat16", "model", True)),
        (12, (8, 9), ("cuda", "bfloat16", "sequential", False)),
        (80, (7, 5), ("cuda", "float16", "none", False)),
        (128, None, ("cpu", "float32", "none", False)),
        (64, None, ("cpu", "bfloat16", "none", False)),
    ],
)
def test_a_model_is_placed_the_fastest_way_that_fits(
    free: int, capability: tuple[int, int] | None, wanted: tuple[str, str, str, bool]
) -> None:
    found = models.place(BIG, models.Machine(free=free * GIB, capability=capability), 8 * GIB)
    assert (found.device, found.dtype, found.offload, found.fp8) == wanted
    assert "GiB" in found.why


def test_a_machine_that_is_too_small_says_by_how_much() -> None:
    with pytest.raises(Refused, match=r"need 60\.8 GiB of memory; 16\.0 GiB are free"):
        models.place(BIG, models.Machine(free=16 * GIB), 8 * GIB)


# The benchmark.


def test_the_bench_tells_how_much_faster_the_crop_is(tmp_path: Path) -> None:
    """Its measuring at the size of a stamp on the processor, its arithmetic on made figures, and its refusal."""
    import torch  # noqa: PLC0415

    stamp = Scale(2, 12, 32, 2, 16, {"base_dim": 3, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}, 96, 64, 5, 1)
    heard: list[str] = []
    measured = measured_on("cpu", stamp, heard.append)
    assert [one.what for one in measured.rows] == ["one clip", "peak memory"]
    assert measured.rows[0].value > 0
    assert len(heard) == 4
    told = figures([Spent(2.0, 3 << 30), Spent(2.2, 3 << 30)], [Spent(8.0, 6 << 30), Spent(8.8, 6 << 30)], stamp)
    assert (told.rows[0].ratio, told.rows[1].value, told.rows[1].ratio) == (0.25, 3.0, 0.5)
    assert told.figures["faster"] == 4.0
    assert crop_of(REAL).width * crop_of(REAL).height < 0.45 * REAL.width * REAL.height
    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="bench vace needs a CUDA GPU"):
            run_bench("vace", heard.append)
