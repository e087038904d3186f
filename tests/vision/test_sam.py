"""SAM 2 video behind the tracker's contract, with a tiny random model saved and loaded as a person's weights are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.errors import BadInput
from tools.media.sheets import write_picture
from tools.types import Bits, Clip

transformers = pytest.importorskip("transformers", reason="SAM 2 is an extra: pip install 'suture[sam]'")

FRAMES, SIZE = 24, (48, 80)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch  # noqa: PLC0415
    from transformers import Sam2VideoConfig, Sam2VideoModel  # noqa: PLC0415

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sam")
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 12,
        "image_size": [128, 128],
        "blocks_per_stage": [1, 2, 2, 1],
        "embed_dim_per_stage": [12, 24, 48, 96],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [8, 4, 8, 4],
        "window_positional_embedding_background_size": [7, 7],
        "global_attention_blocks": [4],
    }
    vision = {
        "backbone_config": backbone,
        "backbone_channel_list": [96, 48, 24, 12],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": 128,
    }
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": 128, "patch_size": 16},
        mask_decoder_config={"hidden_size": 128, "mlp_dim": 64, "iou_head_hidden_dim": 32},
        image_size=128,
        memory_attention_hidden_size=128,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=128,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=64,
    )
    Sam2VideoModel(config).save_pretrained(folder)
    return folder


def _clip(folder: Path) -> tuple[Clip, Bits]:
    rng = np.random.default_rng(2)
    for index in range(FRAMES):
        write_picture(folder / f"{index:03d}.png", rng.integers(0, 255, (*SIZE, 3), np.uint8))
    mask = np.zeros(SIZE, np.bool_)
    mask[10:30, 20:50] = True
    return Clip(media=folder, first=0, last=FRAMES - 1), mask


def test_every_frame_is_answered_both_ways_and_the_same_again(tmp_path: Path, weights: Path) -> None:
    from tools.editors.local.sam import Sam  # noqa: PLC0415

    clip, mask = _clip(tmp_path)
    sam = Sam(str(weights))
    found = sam.follow(clip, 3, mask)
    assert set(found.confidence) == set(range(FRAMES))
    assert np.array_equal(found.masks.at(3), mask)
    assert found.lost == set(range(FRAMES)) - set(found.masks.crops)
    assert all(found.confidence[index] >= 0.5 for index in found.masks.crops)
    part = sam.follow(clip, 3, mask, frames=(1, 6))
    assert set(part.confidence) == set(range(1, 7))
    assert [part.confidence[i] for i in range(1, 7)] == pytest.approx([found.confidence[i] for i in range(1, 7)])
    assert all(np.array_equal(part.masks.at(i), found.masks.at(i)) for i in range(1, 7))


def test_what_is_forgotten_is_never_looked_at(tmp_path: Path, weights: Path) -> None:
    """24 frames from the first one on are more than the model looks back over."""
    from tools.editors.local.sam import Sam  # noqa: PLC0415

    clip, mask = _clip(tmp_path)
    short, long = Sam(str(weights)), Sam(str(weights), reach=1000)
    found = [sam.follow(clip, 0, mask) for sam in (short, long)]
    assert short.reach < FRAMES - 1
    assert found[0].confidence == pytest.approx(found[1].confidence)
    assert all(np.array_equal(found[0].masks.at(i), found[1].masks.at(i)) for i in range(FRAMES))


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    from tools.editors.local.sam import Sam  # noqa: PLC0415

    with pytest.raises(BadInput, match=r"nowhere: no such folder; give a folder or hub id"):
        Sam(str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="nothing-at-all: these weights are not on this machine; run `hf download"):
        Sam("nobody/nothing-at-all")
    with pytest.raises(BadInput, match="cannot be loaded"):
        Sam(str(tmp_path))
