"""Following a thing with SAM 2 video (Ravi et al. 2024) through transformers, where a person has the weights.

The same contract as `tools.vision.track.follow`. Each way through the shot is a stream of its own that begins at the
marked frame; the model's memory of a frame is dropped as soon as it no longer looks back that far, so that memory does
not grow with length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tools.editors.local import models
from tools.errors import BadInput
from tools.media.pixels import rgb8
from tools.types import Bits, Box, Clip, Frame, MaskTrack, Rgb
from tools.vision._track_stream import backward, forward, frame_at
from tools.vision.track import Track

if TYPE_CHECKING:
    import torch

CONFIG = "config.json"
"""A file that every folder of such weights has."""
MEAN, DEVIATION = (np.array(v, np.float32) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
"""Of the pictures that SAM 2 was trained on, R, G, B (ImageNet's)."""


class Sam:
    """SAM 2 video weights, ready to follow things."""

    def __init__(self, weights: str, reach: int | None = None) -> None:
        """`weights` is a folder or the id of a repository on the hub; `reach` is how many frames are kept in memory,
        by default what the model looks back over. Raises BadInput where nothing can be loaded."""
        model = _loaded(weights)
        self._device = models.device()
        self._model = model.to(self._device).eval()
        config = model.config
        self._side = int(config.prompt_encoder_config.image_size)
        self.reach = reach or max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder)) + 1

    def follow(self, clip: Clip, seed: int, mask: Bits, frames: tuple[int, int] | None = None) -> Track:
        """The thing under the mask in the frames that show it; as `tools.vision.track.follow`."""
        first, last = frames or (0, clip.frames - 1)
        height, width = mask.shape
        held, sure = dict(MaskTrack.of({seed: mask}, width, height).crops), {seed: 1.0}
        start = self._seen(frame_at(clip, seed))
        for pictures in (forward(clip, seed + 1, last, self._seen), backward(clip, first, seed - 1, self._seen)):
            for index, crop, confidence in self._away(start, mask, pictures):
                sure[index] = confidence
                held.update({} if crop is None else {index: crop})
        return Track(MaskTrack(width, height, held), sure, frozenset(sure) - set(held), MaskTrack(width, height))

    def _seen(self, frame: Frame) -> Rgb:
        """A frame at the model's size; it is square whatever the picture's shape."""
        size = (self._side, self._side)
        return np.asarray(cv2.resize(rgb8(frame), size, interpolation=cv2.INTER_AREA), np.uint8)

    def _away(
        self, start: Rgb, mask: Bits, pictures: Iterator[tuple[int, Rgb]]
    ) -> Iterator[tuple[int, tuple[Box, Bits] | None, float]]:
        """Per picture its index, the mask's crop or None where the thing is lost, and the confidence."""
        import torch  # noqa: PLC0415
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession  # noqa: PLC0415

        session = Sam2VideoInferenceSession(
            video_height=mask.shape[0],
            video_width=mask.shape[1],
            inference_device=self._device,
            inference_state_device=self._device,
            video_storage_device=self._device,
            dtype=torch.float32,
        )
        with torch.inference_mode():
            thing = session.obj_id_to_idx(1)
            session.add_mask_inputs(thing, 0, self._marked(mask))
            session.obj_with_new_inputs.append(1)
            self._model(inference_session=session, frame=self._tensor(start))
            for step, (index, picture) in enumerate(pictures, 1):
                found = self._model(inference_session=session, frame=self._tensor(picture))
                yield index, *_read(found, mask)
                self._forget(session, step - self.reach, thing)

    def _marked(self, mask: Bits) -> torch.Tensor:
        """The mask (1, 1, side, side) as the model takes it."""
        import torch  # noqa: PLC0415

        small = cv2.resize(mask.astype(np.float32), (self._side, self._side), interpolation=cv2.INTER_AREA) > 0.5
        return torch.from_numpy(small[None, None].astype(np.float32)).to(self._device)

    def _tensor(self, picture: Rgb) -> torch.Tensor:
        """(1, 3, side, side), normalised."""
        import torch  # noqa: PLC0415

        levels = (picture.astype(np.float32) / 255 - MEAN) / DEVIATION
        return torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)[None])).to(self._device)

    @staticmethod
    def _forget(session: Any, step: int, thing: int) -> None:
        """Drops what the model never looks at again; the frame's number stays taken."""
        if step - 1 in session.processed_frames:
            session.processed_frames[step - 1] = session.processed_frames[step - 1][:0].clone()
        session.output_dict_per_obj[thing]["non_cond_frame_outputs"].pop(step - 1, None)


def _read(found: Any, mask: Bits) -> tuple[tuple[Box, Bits] | None, float]:
    """The crop of the mask that the model gives, and how sure it is that the thing is there; under half it is lost."""
    height, width = mask.shape
    sure = float(found.object_score_logits.flatten()[0].sigmoid())
    logits = found.pred_masks[0, 0].float().cpu().numpy()
    bits = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR) > 0
    box = Box.around(bits)
    return (None if box is None or sure < 0.5 else (box, np.array(bits[box.slices]))), sure


def _loaded(weights: str) -> Any:
    try:
        from transformers import Sam2VideoModel  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        raise BadInput("SAM 2 needs transformers; install it with: pip install 'suture[sam]'") from error
    wanted = "give a folder or hub id of SAM 2 video weights, such as facebook/sam2.1-hiera-tiny"
    if not Path(weights).is_dir() and not models.is_hub_id(weights):
        raise BadInput(f"{weights}: no such folder; {wanted}")
    folder = models.found(weights, CONFIG)
    if folder is None and not models.may_download(os.environ):
        get = f"run `hf download {weights}`, or set {models.DOWNLOAD}=1 to let Suture download them"
        raise BadInput(f"{weights}: these weights are not on this machine; {get}")
    try:
        return Sam2VideoModel.from_pretrained(folder or weights)
    except (OSError, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        raise BadInput(f"{weights}: cannot be loaded ({why}); {wanted}") from error
