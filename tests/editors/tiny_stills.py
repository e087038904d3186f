"""Real image pipelines at tiny random size, saved as a person's weights are: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.editors.tiny_models import WORDS, diffusers, tiny_tokenizer

LETTERS = 256
VISION = {
    "<|endoftext|>": LETTERS,
    "<|im_start|>": LETTERS + 1,
    "<|im_end|>": LETTERS + 2,
    "<|vision_start|>": LETTERS + 3,
    "<|vision_end|>": LETTERS + 4,
    "<|image_pad|>": LETTERS + 5,
    "<|video_pad|>": LETTERS + 6,
}


def _clip_words(width: int, kind: str = "CLIPTextModel") -> Any:
    import transformers  # noqa: PLC0415

    config = transformers.CLIPTextConfig(
        vocab_size=len(WORDS),
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=0,
    )
    return getattr(transformers, kind)(config)


def _tokenizer(length: int = 77) -> Any:
    made = tiny_tokenizer()
    made.model_max_length = length
    return made


def _picture_vae(channels: int = 4, **more: Any) -> Any:
    return diffusers().AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=channels,
        norm_num_groups=4,
        layers_per_block=1,
        **more,
    )


def _unet(words: int, **more: Any) -> Any:
    return diffusers().UNet2DConditionModel(
        sample_size=64,
        in_channels=9,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=words,
        attention_head_dim=4,
        norm_num_groups=4,
        **more,
    )


def tiny_sd() -> Any:
    return diffusers().StableDiffusionInpaintPipeline(
        vae=_picture_vae(),
        text_encoder=_clip_words(32),
        tokenizer=_tokenizer(),
        unet=_unet(32),
        scheduler=diffusers().DDIMScheduler(steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def tiny_sdxl() -> Any:
    sizes = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, "transformer_layers_per_block": (1, 1)}
    unet = _unet(64, projection_class_embeddings_input_dim=80, use_linear_projection=True, **sizes)
    return diffusers().StableDiffusionXLInpaintPipeline(
        vae=_picture_vae(),
        text_encoder=_clip_words(32),
        text_encoder_2=_clip_words(32, "CLIPTextModelWithProjection"),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        unet=unet,
        scheduler=diffusers().DDIMScheduler(steps_offset=1),
        requires_aesthetics_score=False,
    )


def tiny_flux() -> Any:
    from transformers import T5Config, T5EncoderModel  # noqa: PLC0415

    transformer = diffusers().FluxTransformer2DModel(
        in_channels=4 * 4 * 2 + 4 * 64,
        out_channels=4 * 4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    words = T5Config(vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4)
    return diffusers().FluxFillPipeline(
        scheduler=diffusers().FlowMatchEulerDiscreteScheduler(),
        vae=_picture_vae(use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=0.36),
        text_encoder=_clip_words(32),
        tokenizer=_tokenizer(),
        text_encoder_2=T5EncoderModel(words),
        tokenizer_2=_tokenizer(512),
        transformer=transformer,
    )


def _qwen_tokenizer() -> Any:
    """Bytes, one by one, and the signs for pictures."""
    from tokenizers import pre_tokenizers  # noqa: PLC0415
    from transformers import Qwen2Tokenizer  # noqa: PLC0415

    letters = {letter: place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Qwen2Tokenizer(vocab={**letters, "<|endoftext|>": LETTERS}, merges=[])
    made.add_special_tokens({"additional_special_tokens": list(VISION)[1:]})
    return made


def _qwen_eyes() -> Any:
    """The language model that sees, (32 wide)."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration  # noqa: PLC0415

    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": LETTERS + len(VISION),
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2], "rope_theta": 1000000.0},
            "max_position_embeddings": 8192,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        image_token_id=VISION["<|image_pad|>"],
        video_token_id=VISION["<|video_pad|>"],
        vision_start_token_id=VISION["<|vision_start|>"],
        vision_end_token_id=VISION["<|vision_end|>"],
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen_parts() -> dict[str, Any]:
    vae = diffusers().AutoencoderKLQwenImage(
        base_dim=2,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    transformer = diffusers().QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 4, 8),
    )
    return {
        "scheduler": diffusers().FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        "vae": vae,
        "text_encoder": _qwen_eyes(),
        "tokenizer": _qwen_tokenizer(),
        "transformer": transformer,
    }


def tiny_qwen() -> Any:
    """As the hub has it: saved from the pipeline that makes whole pictures."""
    return diffusers().QwenImagePipeline(**_qwen_parts())


def tiny_qwen_edit() -> Any:
    """As the hub has it: saved from the pipeline that edits whole pictures."""
    import transformers  # noqa: PLC0415

    parts = _qwen_parts()
    seen = {"min_pixels": 28 * 28, "max_pixels": 112 * 112}
    processor = transformers.Qwen2VLImageProcessorPil(**seen)
    return diffusers().QwenImageEditPipeline(processor=processor, **parts)


MADE = {
    "flux-fill": tiny_flux,
    "qwen-image-edit": tiny_qwen_edit,
    "sdxl-inpaint": tiny_sdxl,
    "sd-inpaint": tiny_sd,
}
"""By the roster's editors."""


def save_still(name: str, folder: Path, seed: int = 0) -> Path:
    """A folder of weights as `hf download` leaves it; `name` is an editor of the roster, or "qwen-image"."""
    import torch  # noqa: PLC0415

    torch.manual_seed(seed)
    made = tiny_qwen() if name == "qwen-image" else MADE[name]()
    made.save_pretrained(folder)
    index = folder / "model_index.json"  # the processor of words and pictures needs torchvision even to be made
    index.write_text(index.read_text().replace("Qwen2VLImageProcessorPil", "Qwen2VLProcessor"))
    return folder
