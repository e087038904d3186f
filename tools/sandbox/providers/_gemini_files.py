"""The Gemini API's files on loopback: resumable uploads, states, and downloads of what was made."""

from __future__ import annotations

import secrets
from typing import Any

from tools.sandbox.providers._bench import Bench, Job
from tools.sandbox.providers._google import google_error
from tools.sandbox.providers._wire import Reply, Request

SPELT = {"mime_type": "mimeType", "size_bytes": "sizeBytes", "display_name": "displayName"}
"""Google reads a field in either spelling, and its own client writes some in this one."""


class Files:
    """Files by their names ("files/abc"). A fresh one is processed until it was asked for once."""

    def __init__(self, bench: Bench, mount: str) -> None:
        self._bench, self._mount = bench, mount
        self._sessions: dict[str, dict[str, Any]] = {}
        self._files: dict[str, dict[str, Any]] = {}

    def open_session(self, request: Request) -> Reply:
        """The first request of a resumable upload; the answer's header is the address for the bytes."""
        headers, file = request.headers, request.json.get("file")
        file = {SPELT.get(key, key): value for key, value in file.items()} if isinstance(file, dict) else file
        known = {"mimeType", "sizeBytes", "displayName", "name"}
        if headers.get("x-goog-upload-protocol") != "resumable" or headers.get("x-goog-upload-command") != "start":
            return google_error(400, "The upload must be opened with X-Goog-Upload-Command: start.")
        if not isinstance(file, dict) or set(file) - known or "x-goog-upload-header-content-type" not in headers:
            return google_error(400, "The file's metadata is not valid.")
        session = secrets.token_hex(8)
        self._sessions[session] = {
            "mime": headers["x-goog-upload-header-content-type"],
            "size": int(headers.get("x-goog-upload-header-content-length", 0)),
            "data": b"",
        }
        where = f"{self._bench.base_url}{self._mount}/upload/v1beta/files?upload_id={session}&upload_protocol=resumable"
        return Reply(200, {}, {"x-goog-upload-url": where, "x-goog-upload-status": "active"})

    def take(self, request: Request) -> Reply:
        """Bytes of an upload; the last ones finalize it."""
        session = self._sessions.get(request.param("upload_id"))
        if session is None:
            return google_error(404, "Upload not found.")
        if int(request.headers.get("x-goog-upload-offset", -1)) != len(session["data"]):
            return google_error(400, "The offset is not where the upload stands.")
        session["data"] += request.body
        if "finalize" not in request.headers.get("x-goog-upload-command", ""):
            return Reply(200, {}, {"x-goog-upload-status": "active"})
        if len(session["data"]) != session["size"]:
            return google_error(400, "The upload is not as long as it was said to be.")
        name = self._kept(session["mime"], "PROCESSING", len(session["data"]))
        self._files[name]["address"] = self._bench.keep(session["data"], ".mp4")
        return Reply(200, {"file": self._told(name)}, {"x-goog-upload-status": "final"})

    def made(self, job: Job) -> str:
        """The address of a result, as a file of its own."""
        name = self._kept("video/mp4", "ACTIVE", 0)
        self._files[name]["address"] = self._bench.result_url(job)
        return f"{self._uri(name)}:download?alt=media"

    def about(self, name: str) -> Reply:
        """A file's state."""
        if name not in self._files:
            return google_error(403, f"You do not have permission to access the File {name} or it may not exist.")
        told = self._told(name)
        self._files[name]["state"] = "ACTIVE"
        return Reply(200, told)

    def download(self, name: str) -> Reply:
        address = self._files.get(name, {}).get("address", "")
        path = self._bench.file(address.rsplit("/", 1)[-1])
        if path is None:
            return google_error(404, f"The File {name} does not exist; files are kept for 2 days.")
        return Reply(200, path.read_bytes(), {"content-type": "video/mp4"})

    def read(self, uri: Any) -> bytes:
        """The bytes of an upload that a request names. ValueError while it is not ACTIVE, or unknown."""
        name = f"files/{str(uri).partition('files/')[2].partition(':')[0]}"
        file = self._files.get(name)
        if file is None:
            raise ValueError(f"The file {uri!r} cannot be accessed.")
        if file["state"] != "ACTIVE":
            raise ValueError(f"The File {name} is not in an ACTIVE state and usage is not allowed.")
        return self._bench.read(file["address"])

    def _kept(self, mime: str, state: str, size: int) -> str:
        name = f"files/{secrets.token_hex(6)}"
        self._files[name] = {"mime": mime, "state": state, "size": size}
        return name

    def _told(self, name: str) -> dict[str, Any]:
        file = self._files[name]
        return {
            "name": name,
            "mimeType": file["mime"],
            "sizeBytes": str(file["size"]),
            "state": file["state"],
            "uri": self._uri(name),
        }

    def _uri(self, name: str) -> str:
        return f"{self._bench.base_url}{self._mount}/v1beta/{name}"
