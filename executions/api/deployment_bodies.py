"""Reading a deployment that a client submits: JSON, or a form with its files.

Source:
    Obelisk reference, section 9.2 (``POST /v1/deployments``).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from msgspec import Struct
from rest_framework.request import Request

from components.manifest.files import MAX_FILE_BYTES, UnusableFile, relative_path
from components.submission import MAX_MANIFEST_BYTES
from components.submitted_files import SubmittedFile
from executions.api.bodies import convert_query, read_body
from executions.api.problems import Problem, ProblemCode

MANIFEST = "deployment_toml"
_NO_CLAIM = "file"
"""Name of a part whose digest the sender does not tell."""


class DeploymentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deployment."""

    deployment_toml: str
    description: str = ""
    allow_unavailable_runtime_config: bool = False
    deployment_id: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedDeployment:
    """A deployment with the files that came along, by path."""

    body: DeploymentBody
    files: dict[str, SubmittedFile]


def read_deployment(request: Request) -> SubmittedDeployment:
    """Return what a client submits.

    Raises:
        Problem: If it is neither JSON nor a form, too large, or not of the expected form.
    """
    plain = request._request
    if plain.content_type != "multipart/form-data":
        return SubmittedDeployment(read_body(request, DeploymentBody, max_bytes=2 * MAX_MANIFEST_BYTES), {})
    most: int = settings.OBELISK_DEPLOYMENT_BYTES
    length = plain.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        raise Problem(ProblemCode.MALFORMED_REQUEST, "a form needs a Content-Length")
    if int(length) > most:
        raise Problem(ProblemCode.BODY_TOO_LARGE, f"the form has {length} bytes; {most} are allowed")
    return _read_form(plain)


def _read_form(request: HttpRequest) -> SubmittedDeployment:
    collector = _Collector(request)
    try:
        fields, _ = _Parser(request.META, request, [collector], request.encoding or "utf-8").parse()
    except MultiPartParserError as error:
        raise Problem(ProblemCode.MALFORMED_REQUEST, f"the form cannot be read: {error}") from error
    given: dict[str, Any] = {}
    for name, values in fields.lists():
        if name not in DeploymentBody.__struct_fields__:
            known = ", ".join(DeploymentBody.__struct_fields__)
            raise Problem(ProblemCode.INVALID_BODY, f"unknown part {name!r} without a file; there are {known}")
        if len(values) > 1:
            raise Problem(ProblemCode.INVALID_BODY, f"part {name!r} stands there {len(values)} times; once is enough")
        given[name] = values[0]
    if collector.manifest is not None:
        if MANIFEST in given:
            raise Problem(ProblemCode.INVALID_BODY, f"part {MANIFEST!r} stands there twice; once is enough")
        given[MANIFEST] = _text(collector.manifest)
    try:
        body = convert_query(given, DeploymentBody)
    except Problem as problem:
        raise Problem(ProblemCode.INVALID_BODY, problem.detail) from problem
    return SubmittedDeployment(body, collector.files)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Problem(ProblemCode.INVALID_BODY, f"{MANIFEST}: byte {error.start} is not UTF-8 text") from error


class _Parser(MultiPartParser):
    """Django's parser, which leaves the paths of files as they are: they are never written anywhere by that name."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        return file_name


class _Collector(FileUploadHandler):
    """Keeps files in memory under their whole paths; of one that is too large, no more than shows that."""

    chunk_size = 1 << 20

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.files: dict[str, SubmittedFile] = {}
        self.manifest: bytes | None = None
        self._content = BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._content = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._content.tell() <= MAX_FILE_BYTES:
            self._content.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        content = self._content.getvalue()
        if self.field_name == MANIFEST:
            self.manifest = content
            return
        try:
            path = relative_path(self.file_name or "")
        except UnusableFile as error:
            raise Problem(ProblemCode.INVALID_BODY, f"the name of a file {error}") from error
        if path in self.files:
            raise Problem(ProblemCode.INVALID_BODY, f'the file "{path}" stands there twice; once is enough')
        claimed = None if self.field_name == _NO_CLAIM else self.field_name
        self.files[path] = SubmittedFile(content=content, claimed_digest=claimed)
