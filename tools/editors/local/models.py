"""Weights of local models: where they lie, whether they are whole, and how they are placed on this machine.

A roster entry names its weights (`weights = "org/name"` of the hub, or a folder); a person's own folder stands in for
them: SUTURE_<EDITOR>_WEIGHTS in the environment, `[weights]` in suture.toml. Nothing is downloaded unless
SUTURE_DOWNLOAD (`download = true`) says so. torch, diffusers and the hub's client load late: only when they are needed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from tools.errors import BadInput, Refused
from tools.types import Frozen

DOWNLOAD = "SUTURE_DOWNLOAD"
"""Set to anything but "", "0", "no" and "false": weights of the hub may be downloaded."""
LIBRARIES = ("transformers", "accelerate", "ftfy")
"""What diffusers needs for text encoders and offloading, beside the default install."""
INDEX = "model_index.json"
GIB = 1 << 30
SIXTEEN_BIT, THIRTY_TWO_BIT = 2, 4
BFLOAT16_FROM = (8, 0)
"""CUDA compute capability from which bfloat16 is native (Ampere)."""
SLACK = 1.1
"""Memory beyond the weights' own: allocator's blocks, buffers, CUDA's context."""


class Weight(Frozen):
    """Parameters of a model: of all its components, and of the largest one."""

    total: int
    largest: int


class Machine(Frozen):
    """What would compute: `free` bytes of its memory, and CUDA's `capability` (major, minor); None on a CPU."""

    free: int
    capability: tuple[int, int] | None = None


class Placement(Frozen):
    """How a model lies on a machine, and why.

    `offload` "model" moves one component at a time to the device, "sequential" one layer at a time; `fp8` stores the
    transformer's weights in eight bits and computes in `dtype` (layerwise casting).
    """

    device: Literal["cuda", "cpu"]
    dtype: Literal["bfloat16", "float16", "float32"]
    offload: Literal["none", "model", "sequential"] = "none"
    fp8: bool = False
    why: str


def variable(editor: str) -> str:
    """The environment variable that names a person's own weights for an editor."""
    return "SUTURE_" + "".join(c if c.isalnum() else "_" for c in editor).upper() + "_WEIGHTS"


def named(editor: str, weights: str, environment: Mapping[str, str]) -> str:
    """The folder or hub id that holds for an editor: a person's own, else the roster's."""
    return environment.get(variable(editor)) or weights


def may_download(environment: Mapping[str, str]) -> bool:
    return environment.get(DOWNLOAD, "").strip().lower() not in {"", "0", "no", "false"}


def missing(editor: str, weights: str, environment: Mapping[str, str]) -> str | None:
    """What keeps an editor's weights from being loaded here, in one line; None when nothing does."""
    absent = [name for name in LIBRARIES if find_spec(name) is None]
    if absent:
        return f"needs {' and '.join(absent)}; install with: pip install 'suture[gpu]'"
    wanted = named(editor, weights, environment)
    folder = found(wanted)
    if folder is None and not is_hub_id(wanted):
        return f"weights {wanted}: no such folder; set {variable(editor)} to a folder or hub id of diffusers weights"
    if folder is None:
        return None if may_download(environment) else _how_to_get(editor, wanted)
    return None if (lacks := incomplete(folder)) is None else f"weights {wanted}: {lacks}; fetch them again"


def _how_to_get(editor: str, wanted: str) -> str:
    return (
        f"weights {wanted} are not on this machine: run `hf download {wanted}`, "
        f"or set {variable(editor)} to their folder, or {DOWNLOAD}=1 to let Suture download them"
    )


def is_hub_id(wanted: str) -> bool:
    """Whether a name of weights can be a repository's on the hub, and is not meant as a folder."""
    return wanted.count("/") == 1 and not wanted.startswith((".", "/", "~"))


def found(wanted: str, index: str = INDEX) -> Path | None:
    """The folder of weights where it is on this machine: the folder itself, or a hub id's snapshot in the cache.

    `index` is a file that such a snapshot has.
    """
    folder = Path(wanted).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_id(wanted):
        return None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - takes a while

    file = try_to_load_from_cache(wanted, index)
    return Path(file).parent if isinstance(file, str) else None


def incomplete(folder: Path) -> str | None:
    """What a folder of diffusers weights lacks, in a few words; None when it is whole."""
    try:
        told = _index(folder)
    except (OSError, ValueError):
        return f"{INDEX} is missing or cannot be read"
    for name in _components(told):
        part = folder / name
        if not part.is_dir():
            return f"the folder {name} is missing"
        absent = [shard for shard in _shards(part) if not (part / shard).exists()]
        if absent:
            return f"{name}/{absent[0]} is missing"
    return None


def _index(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return told


def _components(index: Mapping[str, Any]) -> list[str]:
    """Names of the components that a pipeline's index lists: pairs of library and class."""
    return [name for name, value in index.items() if isinstance(value, list) and len(value) == 2 and value[0]]


def _shards(part: Path) -> set[str]:
    indices = part.glob("*.safetensors.index.json")
    return {name for one in indices for name in json.loads(one.read_text(encoding="utf-8"))["weight_map"].values()}


def family(folder: Path) -> str:
    """The pipeline class that a folder of weights was saved from, as its index says it."""
    try:
        return str(_index(folder)["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{folder}: {INDEX} is missing or names no pipeline; give a folder of diffusers weights"
        ) from error


@cache
def weigh(folder: Path) -> Weight:
    """Parameters per component, counted in the headers of the safetensors files."""
    parts = [sum(map(_parameters, part.glob("*.safetensors"))) for part in folder.iterdir() if part.is_dir()]
    return Weight(total=sum(parts), largest=max(parts, default=0))


def _parameters(file: Path) -> int:
    """Numbers in one safetensors file (its header: eight bytes of length, then JSON with every tensor's shape)."""
    with file.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            size = 1
            for side in tensor["shape"]:
                size *= side
            count += size
    return count


def device() -> Literal["cuda", "cpu"]:
    """What computes here."""
    import torch  # noqa: PLC0415 - heavy

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name() -> str:
    """What the GPU is called."""
    import torch  # noqa: PLC0415 - heavy

    return str(torch.cuda.get_device_name())


def machine() -> Machine:
    """This machine's first CUDA device with what is free on it, else the processor with the memory that is free."""
    import torch  # noqa: PLC0415 - heavy

    if device() == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return Machine(free=free, capability=torch.cuda.get_device_capability())
    return Machine(free=_free_memory())


def _free_memory() -> int:
    import psutil  # noqa: PLC0415 - comes with accelerate

    return int(psutil.virtual_memory().available)


def place(weight: Weight, here: Machine, work: int) -> Placement:
    """Where and how a model is computed: the fastest way that fits. `work` is bytes for what is computed in between.

    Raises Refused, with both figures, where nothing fits: another editor may do it.
    """
    return _on_cpu(weight, here, work) if here.capability is None else _on_cuda(weight, here, here.capability, work)


def _on_cpu(weight: Weight, here: Machine, work: int) -> Placement:
    full, half = (_needed(weight.total * size, work) for size in (THIRTY_TWO_BIT, SIXTEEN_BIT))
    if full <= here.free:
        return Placement(device="cpu", dtype="float32", why=f"no GPU; {_gib(full)} of {_gib(here.free)} in 32 bits")
    if half <= here.free:
        return Placement(device="cpu", dtype="bfloat16", why=f"no GPU; 32 bits need {_gib(full)}, 16 bits fit")
    raise Refused(f"no GPU, and the weights need {_gib(half)} of memory; {_gib(here.free)} are free")


def _on_cuda(weight: Weight, here: Machine, capability: tuple[int, int], work: int) -> Placement:
    dtype: Literal["bfloat16", "float16"] = "bfloat16" if capability >= BFLOAT16_FROM else "float16"
    whole, largest = (_needed(count * SIXTEEN_BIT, work) for count in (weight.total, weight.largest))
    eight = _needed(weight.largest, work)
    free = _gib(here.free)
    if whole <= here.free:
        return Placement(device="cuda", dtype=dtype, why=f"all of it, {_gib(whole)}, fits in {free}")
    if largest <= here.free:
        why = f"{_gib(whole)} do not fit in {free}; one component at a time, {_gib(largest)}, does"
        return Placement(device="cuda", dtype=dtype, offload="model", why=why)
    if eight <= here.free:
        why = f"the largest component, {_gib(largest)}, does not fit in {free}; in 8 bits, {_gib(eight)}, it does"
        return Placement(device="cuda", dtype=dtype, offload="model", fp8=True, why=why)
    why = f"the largest component does not fit in {free} even in 8 bits ({_gib(eight)}); layer by layer"
    return Placement(device="cuda", dtype=dtype, offload="sequential", why=why)


def _needed(stored: int, work: int) -> int:
    return int(stored * SLACK) + work


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"


def planned(wanted: str, environment: Mapping[str, str], editor: str, work: int) -> Placement | None:
    """How an editor's weights would be placed here now; None where they are still to be downloaded. As `place`."""
    folder = found(named(editor, wanted, environment))
    return None if folder is None else place(weigh(folder), machine(), work)


class Loaded:
    """A pipeline on its device. One is held at a time: the next one's weights take its place."""

    def __init__(self, pipeline: Any, folder: Path, placement: Placement) -> None:
        self.pipeline = pipeline
        self.folder = folder
        self.family = family(folder)
        self.placement = placement


_DEVICE = threading.Lock()


@contextmanager
def loaded(
    editor: str, wanted: str, environment: Mapping[str, str], work: int, pipelines: Mapping[str, str]
) -> Iterator[Loaded]:
    """The pipeline of an editor's weights, for one job at a time; held afterwards, for the next job with it.

    `pipelines` are those that the editor can use, by the class that weights name. Raises BadInput where the weights are
    missing, are another model's, or cannot be loaded; Refused where this machine's memory does not do.
    """
    lack = missing(editor, wanted, environment)
    if lack is not None:
        raise BadInput(f"{editor}: {lack}")
    wanted = named(editor, wanted, environment)
    with _DEVICE:
        folder = found(wanted) or _downloaded(editor, wanted)
        kind = family(folder)
        if kind not in pipelines:
            raise BadInput(f"{editor}: weights {wanted} are of a {kind}; give those of a {' or '.join(pipelines)}")
        try:
            yield _held(folder, pipelines[kind], work)
        except RuntimeError as error:
            if "out of memory" not in str(error).lower():
                raise
            _held.cache_clear()
            raise Refused(
                f"{editor}: out of memory on this machine ({_line(error)}); free some, or use another"
            ) from error


def _downloaded(editor: str, wanted: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - takes a while
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    try:
        return Path(snapshot_download(wanted))
    except (OSError, ValueError, HfHubHTTPError) as error:
        why = f"{editor}: {wanted} cannot be downloaded ({_line(error)})"
        raise BadInput(f"{why}; {_how_to_get(editor, wanted)}") from error


@lru_cache(maxsize=1)
def _held(folder: Path, pipeline: str, work: int) -> Loaded:
    placement = place(weigh(folder), machine(), work)
    return Loaded(_placed(_read(folder, pipeline, placement), placement), folder, placement)


def _read(folder: Path, pipeline: str, placement: Placement) -> Any:
    """The pipeline in memory. A Wan VAE stays in 32 bits: in 16 it shows bands, and it is small.

    A processor of pictures and words is left out: transformers' own needs torchvision (`diffusion.still.Eyes`).
    """
    import diffusers  # noqa: PLC0415 - heavy
    import torch  # noqa: PLC0415 - heavy

    _silence()
    kind: Callable[..., Any] = getattr(diffusers, pipeline).from_pretrained
    default = getattr(torch, placement.dtype)
    dtypes = {"default": default, "vae": torch.float32} if pipeline.startswith("Wan") else default
    left_out = {"processor": None} if "processor" in _components(_index(folder)) else {}
    try:
        return kind(folder, dtype=dtypes, local_files_only=True, **left_out)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(f"{folder}: cannot be loaded ({_line(error)}); fetch the weights again") from error


def _silence() -> None:
    """No bars and hints of the libraries' own: a command draws its own bar, or none."""
    from diffusers.utils import logging as diffusers_logging  # noqa: PLC0415 - heavy
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - heavy

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()


def _placed(pipeline: Any, placement: Placement) -> Any:
    import torch  # noqa: PLC0415 - heavy

    pipeline.set_progress_bar_config(disable=True)
    if placement.offload != "none":
        pipeline.vae.enable_tiling()
    if placement.fp8:
        compute = getattr(torch, placement.dtype)
        largest = getattr(pipeline, "transformer", None) or pipeline.unet
        largest.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=compute)
    if placement.offload == "model":
        pipeline.enable_model_cpu_offload()
    elif placement.offload == "sequential":
        pipeline.enable_sequential_cpu_offload()
    else:
        pipeline.to(placement.device)
    return pipeline


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
