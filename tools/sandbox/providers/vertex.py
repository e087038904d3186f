"""Veo on Google Cloud: sign-in by a service account, predictLongRunning, fetchPredictOperation."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tools.sandbox.providers._bench import Bench, Job, Work
from tools.sandbox.providers._charge import charge
from tools.sandbox.providers._footage import read_picture
from tools.sandbox.providers._google import JUDGED, check, google_error, one_of, seconds_of
from tools.sandbox.providers._wire import Asked, Reply, Request

PROJECT = "suture-sandbox"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""What Google's own library names in an assertion, wherever it sends it."""
ACCOUNT = f"rehearsal@{PROJECT}.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-2.0-generate-exp")
RETIRED = ("veo-2.0-generate-001", "veo-3.0-generate-001", "veo-3.0-fast-generate-001")
MASKED = "veo-2.0-generate-exp"
ADDRESS = re.compile(
    r"/v1(?:beta1)?/projects/(?P<project>[\w-]+)/locations/(?P<place>[\w-]+)/publishers/google/models/(?P<model>[\w.-]+)"
    r":(?P<verb>\w+)"
)
INSTANCE = {"prompt", "image", "lastFrame", "video", "referenceImages", "mask"}
PARAMETERS = {"sampleCount", "durationSeconds", "aspectRatio", "resolution", "personGeneration", "negativePrompt",
              "enhancePrompt", "storageUri", "fps", "seed", "generateAudio", "pubsubTopic", "compressionQuality",
              "resizeMode"}  # fmt: skip
SIZES = {"16:9": (1280, 720), "9:16": (720, 1280)}
RATE = Fraction(24)
MORE = 7
MODES = {"INSERT": "inpaint", "REMOVE": "remove", "REMOVE_STATIC": "remove", "OUTPAINT": "edit"}


class Vertex:
    """aiplatform.googleapis.com, and the address where tokens are given out."""

    name = "vertex"
    hosts: Mapping[str, str] = {
        "aiplatform.googleapis.com": "",
        "us-central1-aiplatform.googleapis.com": "",
        "oauth2.googleapis.com": "",
    }

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def environment(self) -> dict[str, str]:
        """A throw-away service account that this sandbox lets in, and its project."""
        path = self._bench.folder / "service-account.json"
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        told = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "rehearsal",
            "private_key": key,
            "client_email": ACCOUNT,
            "token_uri": self._token_uri,
        }
        path.write_text(json.dumps(told))
        return {"GOOGLE_CLOUD_PROJECT": PROJECT, "GOOGLE_APPLICATION_CREDENTIALS": str(path)}

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def _token_uri(self) -> str:
        return f"{self._bench.base_url}/{self.name}/token"

    def asked(self, request: Request) -> Asked:
        found = ADDRESS.fullmatch(request.path)
        if found is None:
            return Asked("other")
        return Asked("submit" if found["verb"] == "predictLongRunning" else "poll", found["model"])

    def error(self, status: int, words: str) -> Reply:
        return google_error(status, words)

    def refusal(self, request: Request) -> Reply:
        del request
        return google_error(400, f"{JUDGED} Support codes: 42876398")

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return self._token(request)
        if request.headers.get("authorization") != f"Bearer {self._bench.key_of(self.name)}":
            return google_error(401, "Request had invalid authentication credentials.")
        found = ADDRESS.fullmatch(request.path)
        if found is None or found["project"] != PROJECT:
            return google_error(403, "Permission 'aiplatform.endpoints.predict' denied on the resource.")
        try:
            return self._submit(request, found) if found["verb"] == "predictLongRunning" else self._poll(request)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return google_error(400, str(error))

    # Tokens.

    def _token(self, request: Request) -> Reply:
        """The exchange of a signed assertion for a token."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return Reply(400, {"error": "unsupported_grant_type"})
        if not self._signed(form.get("assertion", "")):
            return Reply(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        return Reply(200, {"access_token": self._bench.key_of(self.name), "expires_in": 3600, "token_type": "Bearer"})

    def _signed(self, assertion: str) -> bool:
        signed, _, signature = assertion.rpartition(".")
        try:
            self._key.public_key().verify(_unpacked(signature), signed.encode(), PKCS1v15(), SHA256())
            claims = json.loads(_unpacked(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return False
        said = claims.get("iss"), claims.get("aud"), SCOPE in claims.get("scope", "")
        return said == (ACCOUNT, AUDIENCE, True) and float(claims.get("exp", 0)) > time.time()

    # Operations.

    def _submit(self, request: Request, found: re.Match[str]) -> Reply:
        model = found["model"]
        if model not in MODELS:
            gone = "was retired" if model in RETIRED else "was not found"
            return google_error(404, f"Publisher Model `{model}` {gone} or your project has no access to it.")
        body = check(request.json, {"instances", "parameters", "labels"}, "request")
        (instance,) = body["instances"]
        work = self._work(
            model, check(instance, INSTANCE, "instances[0]"), check(body["parameters"], PARAMETERS, "parameters")
        )
        job = self._bench.accept(self.name, model, work)
        job.usd = charge(self.name, model, work)
        return Reply(
            200, {"name": f"{request.path.strip('/').partition('/')[2].partition(':')[0]}/operations/{job.id}"}
        )

    def _work(self, model: str, instance: dict[str, Any], told: dict[str, Any]) -> Work:
        forced = model == MASKED or {"referenceImages", "video"} & set(instance)
        seconds = one_of(told.get("durationSeconds", 8), (8,) if forced else (4, 6, 8), "durationSeconds")
        size = SIZES[one_of(told.get("aspectRatio", "16:9"), tuple(SIZES), "aspectRatio")]
        one_of(told.get("sampleCount", 1), (1, 2, 3, 4), "sampleCount")
        one_of(told.get("resolution", "720p"), ("720p", "1080p", "4k"), "resolution")
        one_of(
            told.get("personGeneration", "allow_adult"), ("allow_adult", "dont_allow", "allow_all"), "personGeneration"
        )
        if not 0 <= int(told.get("seed", 0)) < 2**32:
            raise ValueError("seed is a uint32.")
        prompt = str(instance.get("prompt", ""))
        if "video" in instance:
            return self._with_footage(model, instance, prompt)
        if "referenceImages" in instance:
            pictures = tuple(self._reference(one) for one in instance["referenceImages"])
            if len(pictures) > 3 or "image" in instance:
                raise ValueError("At most 3 reference images, and no first frame beside them.")
            return Work("regenerate", prompt, pictures=pictures, seconds=seconds, size=size, rate=RATE)
        if "lastFrame" in instance and "image" not in instance:
            raise ValueError("lastFrame needs image.")
        first, last = (self._picture(instance[one]) if one in instance else None for one in ("image", "lastFrame"))
        way: Any = "between" if first else "regenerate"
        return Work(way, prompt, first=first, last=last, seconds=seconds, size=size, rate=RATE)

    def _with_footage(self, model: str, instance: dict[str, Any], prompt: str) -> Work:
        video = self._bytes(instance["video"], "instances[0].video")
        if not 1 <= seconds_of(video) + 0.05 <= 30.05:
            raise ValueError("The video must last 1 to 30 s.")
        if "mask" not in instance:
            return Work("extend", prompt, video=video, seconds=MORE, rate=RATE)
        if model != MASKED:
            raise ValueError(f"{model} takes no mask.")
        mask = dict(instance["mask"])
        way: Any = MODES[one_of(mask.pop("maskMode", None), tuple(MODES), "maskMode")]
        return Work(way, prompt, video=video, mask=self._bytes(mask, "instances[0].mask"), seconds=8, rate=RATE)

    def _reference(self, said: Any) -> bytes:
        one = check(said, {"image", "referenceType"}, "referenceImages")
        one_of(one.get("referenceType"), ("ASSET", "STYLE"), "referenceType")
        return self._picture(one["image"])

    def _picture(self, said: Any) -> bytes:
        data = self._bytes(said, "image")
        read_picture(data)
        return data

    def _bytes(self, said: Any, where: str) -> bytes:
        one = check(said, {"bytesBase64Encoded", "gcsUri", "mimeType"}, where)
        if not one.get("mimeType"):
            raise ValueError(f"{where}: mimeType is required.")
        return self._bench.read(one.get("bytesBase64Encoded"))

    def _poll(self, request: Request) -> Reply:
        name = str(check(request.json, {"operationName"}, "request")["operationName"])
        job = self._bench.job(name.rpartition("/")[2])
        if job is None:
            return google_error(404, f"The operation {name} was not found.")
        state = self._bench.step(job)
        if state in ("queued", "running"):
            return Reply(200, {"name": name})
        if state == "failed":
            return Reply(200, {"name": name, "done": True, "error": {"code": 13, "message": "Internal error."}})
        return Reply(200, {"name": name, "done": True, "response": self._response(job, state)})

    def _response(self, job: Job, state: str) -> dict[str, Any]:
        kind = {"@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"}
        if state == "refused":
            why = "Veo could not generate the video due to its usage guidelines. Support codes: 29310472"
            return {**kind, "raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [why]}
        if job.rule is not None and job.rule.fault == "no-video":
            return {**kind, "raiMediaFilteredCount": 0}
        data = base64.b64encode(self._bench.result(job).read_bytes()).decode()
        video = {"bytesBase64Encoded": data, "mimeType": "video/mp4"}
        return {**kind, "raiMediaFilteredCount": 0, "videos": [video]}


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
