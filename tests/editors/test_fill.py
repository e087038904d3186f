"""Image models on this machine, with the real pipelines at tiny random size loaded as a person's weights are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.media.made import texture
from tools.editors.gate import composite
from tools.editors.local import models
from tools.editors.local.diffusion.crop import crop_around
from tools.editors.local.diffusion.match import blanked
from tools.editors.local.diffusion.still import FAMILIES, PIPELINES, QWEN_AREA, QWEN_EDIT, Sheet, StillRecipe
from tools.editors.local.fill import Fill, joined
from tools.editors.local.jobs import Stopped, Work
from tools.editors.registry import House, build, roster
from tools.errors import BadInput, Broken, Refused
from tools.media.probe import probe
from tools.media.sheets import read_picture, write_picture
from tools.types import Box, Clip, Edit, Reference, Take

pytest.importorskip("transformers", reason="local diffusion models are an extra: pip install 'suture[gpu]'")

WIDTH, HEIGHT = 160, 112
INSIDE = (slice(40, 72), slice(56, 104))
DRAWERS = ("flux-fill", "sdxl-inpaint", "sd-inpaint")
"""Those that never see what lies under the mask."""
Weights = Callable[[str], Path]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    from tests.editors.tiny_stills import save_still  # noqa: PLC0415

    kept: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in kept:
            kept[name] = save_still(name, tmp_path_factory.mktemp(name))
        return kept[name]

    return of


def editor_at(home: Path, name: str, weights: Path, **recipe: int) -> Fill:
    """The roster's editor with a person's weights, few steps and small pictures."""
    house = House(home, {models.variable(name): str(weights)})
    assert isinstance(build(name, house), Fill)
    entry = roster()[name]
    small = {"steps": 2, "least_pixels": 4096, "most_pixels": 16384, "work_gib": 0.1, **recipe}
    settings = {**entry.capabilities.settings, **small}
    can = entry.capabilities.model_copy(update={"settings": settings})
    return Fill(house, entry.model_copy(update={"capabilities": can}))


def edit_of(folder: Path, **fields: Any) -> Edit:
    """A panel as a folder of one picture, and a mask on it."""
    panel = folder / "panel"
    if not panel.exists():
        panel.mkdir()
        write_picture(panel / "0001.png", texture(WIDTH, HEIGHT, 0))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[INSIDE] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    told = {"key": "film/mara/1", "action": "inpaint", "mask": folder / "mask.png", "hard_edge": True, **fields}
    return Edit(**{"clip": Clip(media=panel, first=0, last=0), "prompt": "a red door", **told})


def fetched(editor: Fill, edit: Edit, folder: Path) -> Take:
    folder.mkdir()
    return asyncio.run(_fetched(editor, edit, folder))


async def _fetched(editor: Fill, edit: Edit, folder: Path) -> Take:
    return await editor.fetch(await editor.submit(edit), folder)


def picture(media: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    (file,) = sorted(media.glob("*.png"))
    return read_picture(file)


@pytest.mark.parametrize("name", DRAWERS)
def test_a_panel_changes_under_its_mask_alone_and_nothing_under_it_is_seen(
    name: str, tmp_path: Path, weights: Weights
) -> None:
    editor, edit = editor_at(tmp_path / "home", name, weights(name)), edit_of(tmp_path)
    assert editor.quote(edit).seconds > 0
    take = fetched(editor, edit, tmp_path / "one")
    assert (probe(take.media).frames, take.how["model"]) == (1, FAMILIES[models.family(weights(name))].pipeline)
    source, made = picture(edit.clip.media), picture(take.media)
    outside = np.ones((HEIGHT, WIDTH), np.bool_)
    outside[INSIDE] = False
    assert np.array_equal(source[outside], made[outside])
    assert np.abs(source[INSIDE].astype(int) - made[INSIDE]).mean() > 2
    gated = composite(edit, take, tmp_path / "gated")
    assert gated.outside_before_encode == 0
    assert np.array_equal(source[outside], picture(gated.media)[outside])
    assert np.array_equal(made, picture(fetched(editor, edit, tmp_path / "again").media))

    hidden = source.copy()
    hidden[INSIDE] = (255, 0, 90)
    (tmp_path / "other").mkdir()
    write_picture(tmp_path / "other" / "0001.png", hidden)
    other = edit.model_copy(update={"clip": Clip(media=tmp_path / "other", first=0, last=0), "key": "other"})
    assert np.array_equal(made, picture(fetched(editor, other, tmp_path / "two").media))
    around = hidden.copy()
    around[outside] = 255 - around[outside]
    write_picture(tmp_path / "other" / "0001.png", around)
    third = other.model_copy(update={"key": "third"})
    assert not np.array_equal(made[INSIDE], picture(fetched(editor, third, tmp_path / "three").media)[INSIDE])


@pytest.mark.long
def test_qwen_edits_at_its_own_size_and_looks_at_references(tmp_path: Path, weights: Weights) -> None:
    name = "qwen-image-edit"
    editor, edit = editor_at(tmp_path / "home", name, weights(name), steps=1), edit_of(tmp_path)
    cv2.imwrite(str(tmp_path / "look.png"), np.full((60, 60, 3), (0, 0, 255), np.uint8))
    look = Reference(path=tmp_path / "look.png", kind="panel", what="mara/face", box=Box(4, 4, 50, 40))
    take = fetched(editor, edit.model_copy(update={"references": (look,)}), tmp_path / "one")
    assert take.how["model"] == "QwenImageEditInpaintPipeline"
    assert take.how["pixels"] == pytest.approx(QWEN_AREA, rel=0.04)
    source, made = picture(edit.clip.media), picture(take.media)
    assert np.abs(source[INSIDE].astype(int) - made[INSIDE]).mean() > 2

    with models.loaded(name, str(weights(name)), {}, int(0.1 * models.GIB), PIPELINES) as model:
        told = [
            QWEN_EDIT.words(model.pipeline, Sheet(source, source[..., 0] > 0, "a red door", shown), StillRecipe())
            for shown in ([Image.new("RGB", (56, 56), colour)] for colour in ("red", "blue"))
        ]
        alone, _ = model.pipeline.encode_prompt(prompt="a red door", image=[Image.fromarray(source)])
    red, blue = (one["prompt_embeds"] for one in told)
    assert red.shape == blue.shape
    assert red.shape[1] > alone.shape[1] + 4  # a picture of 56 pixels is four tokens long
    assert not red.equal(blue)


@pytest.mark.parametrize("size", [(1024, 1024), (500, 300), (300, 500), (1920, 800), (160, 112)])
def test_a_crop_for_qwen_has_a_size_that_it_leaves_alone(size: tuple[int, int]) -> None:
    width, height = QWEN_EDIT.settled(size)
    assert QWEN_EDIT.settled((width, height)) == (width, height)
    assert width % 32 == height % 32 == 0
    assert width * height == pytest.approx(QWEN_AREA, rel=0.05)
    crop = crop_around(Box(80, 40, 20, 20), *size, StillRecipe(multiple=32).sizes).resized((width, height), *size)
    assert crop.box == crop.box.grown(0, *size)


def test_a_cast_is_matched_to_the_surround_and_grain_is_given_back(tmp_path: Path) -> None:
    source = texture(WIDTH, HEIGHT, 0)
    hole = np.zeros((HEIGHT, WIDTH), np.bool_)
    hole[INSIDE] = True
    crop = crop_around(Box(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT, StillRecipe(least_pixels=1, multiple=16).sizes)
    assert (crop.width, crop.height) == (WIDTH, HEIGHT)
    soft = cv2.GaussianBlur(source, (0, 0), 1.2).astype(np.float32)
    raw = np.clip(soft + np.array([14, -9, 6], np.float32), 0, 255)
    sheet = Sheet(blanked(source, hole), hole, "")
    plain, grainy = (joined(raw, sheet, crop, source, edit_of(tmp_path, grain=grain)) for grain in (False, True))
    for made in (plain, grainy):
        assert np.abs((made[INSIDE] - soft[INSIDE]).mean(axis=(0, 1))).max() < 1.5

    def fine(one: np.ndarray[Any, Any]) -> float:
        luma = one[..., 1].astype(np.float32)
        return float((luma - cv2.GaussianBlur(luma, (0, 0), 1))[INSIDE].std())

    assert fine(plain) < 0.7 * fine(source)
    assert 0.7 < fine(grainy) / fine(source) < 1.4


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, weights: Weights) -> None:
    name, sd = "sd-inpaint", weights("sd-inpaint")
    editor, edit = editor_at(tmp_path / "home", name, sd), edit_of(tmp_path)
    long = edit.model_copy(update={"clip": Clip(media=edit.clip.media, first=0, last=3)})
    for impossible in (long, edit.model_copy(update={"mask": None}), edit.model_copy(update={"action": "retake"})):
        with pytest.raises(Refused):
            editor.quote(impossible)
    work = Work()
    work.stop()
    with pytest.raises(Stopped, match="cancelled"):
        editor.make(edit, tmp_path, tmp_path, work)
    job = asyncio.run(editor.submit(edit))
    asyncio.run(editor.cancel(job))
    with pytest.raises(Broken, match="submit the edit again"):
        asyncio.run(editor.fetch(job, tmp_path))
    with pytest.raises(BadInput, match=r"flux-fill: weights .* are not on this machine: run `hf download"):
        build("flux-fill", House(tmp_path))
    own = {models.variable("wan-vace-1.3b"): str(sd)}
    stranger = build("wan-vace-1.3b", House(tmp_path, own))
    with pytest.raises(BadInput, match=r"are of a StableDiffusionInpaintPipeline; give those of a WanVACEPipeline"):
        asyncio.run(_stranger(stranger, edit, tmp_path))


async def _stranger(editor: Any, edit: Edit, folder: Path) -> Take:
    made: Take = await editor.fetch(await editor.submit(edit), folder)
    return made
