"""Real pipelines at tiny random size, saved as a person's weights are: nothing is downloaded."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
SPREAD = 0.1
"""About how far the random VAE's latents lie apart: told the real one's, the model would see no picture in them."""
WORDS = (PAD, END, UNKNOWN, "a", "calm", "sea", "red", "door", "clean", "wall")


def diffusers() -> Any:
    """The library: its classes are untyped, and it is heavy."""
    return import_module("diffusers")


def tiny_tokenizer() -> Any:
    """Words of a small list; every other word is unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    vocabulary = {word: place for place, word in enumerate(WORDS)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, vocabulary[END])])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=PAD, eos_token=END, unk_token=UNKNOWN)


def tiny_vace(seed: int = 0) -> dict[str, Any]:
    """The components of a Wan VACE pipeline with a few thousand random weights."""
    import torch  # noqa: PLC0415
    from transformers import UMT5Config, UMT5EncoderModel  # noqa: PLC0415

    torch.manual_seed(seed)
    spread = {"latents_mean": [0.0] * 16, "latents_std": [SPREAD] * 16}
    vae = diffusers().AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, **spread)
    transformer = diffusers().WanVACETransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        text_dim=32,
        ffn_dim=32,
        num_layers=2,
        vace_layers=[0, 1],
    )
    words = UMT5Config(vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4)
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    return {
        "tokenizer": tiny_tokenizer(),
        "text_encoder": UMT5EncoderModel(words),
        "vae": vae,
        "scheduler": diffusers().UniPCMultistepScheduler(**flow),
        "transformer": transformer,
    }


def save_vace(folder: Path) -> Path:
    """A folder of weights as `hf download` leaves it."""
    diffusers().WanVACEPipeline(**tiny_vace()).save_pretrained(folder)
    return folder
