"""The files of a deployment that is submitted over the network: those that come along, and those that are stored.

Source:
    Obelisk reference, sections 9.2 (``POST /v1/deployments``) and 11.2, two-phase submit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from components.manifest import Entry, FileReference
from components.manifest.files import (
    MAX_FILE_BYTES,
    MAX_WIT_BYTES,
    MAX_WIT_FILES,
    UnusableFile,
    content_digest,
)
from components.manifest.references import file_references, table_of
from components.models import Blob
from components.problems import DeploymentRefused
from engine.wit.wit_folder import WitFolder

WIT_SUFFIX = ".wit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedFile:
    """A file that came along.

    Args:
        content: Its content.
        claimed_digest: What the sender says that its digest is, if they say so.
    """

    content: bytes
    claimed_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIssue:
    """Something that is wrong with one file of a submission.

    Args:
        section: Table of the deployment file that names it, such as ``activity_wasm``; ``files`` if none does.
        component_name: The entry in it, where known.
        field_path: The key that names it.
        path: Its path, relative to the deployment file.
        digest: The digest that it should have, where known.
        message: What is wrong, and what would be right.
    """

    section: str
    component_name: str | None = None
    field_path: str
    path: str | None = None
    digest: str | None = None
    message: str


@dataclass(slots=True, kw_only=True)
class FileReport:
    """What is wrong with the files of a submission, by kind."""

    missing_digest_fields: list[FileIssue] = field(default_factory=list)
    missing_files: list[FileIssue] = field(default_factory=list)
    unexpected_files: list[FileIssue] = field(default_factory=list)
    digest_mismatches: list[FileIssue] = field(default_factory=list)
    oversized_files: list[FileIssue] = field(default_factory=list)

    def all_issues(self) -> list[FileIssue]:
        """Return them all."""
        return [
            *self.missing_digest_fields,
            *self.missing_files,
            *self.unexpected_files,
            *self.digest_mismatches,
            *self.oversized_files,
        ]


class FilesRefused(DeploymentRefused):
    """Files are missing, too many, too large or not what they are said to be; nothing was stored.

    Args:
        report: What is wrong.
    """

    def __init__(self, report: FileReport) -> None:
        super().__init__([issue.message for issue in report.all_issues()])
        self.report = report


class SubmittedFiles:
    """Files that came along, and files that are stored; `components.manifest.files.FileSource`.

    Args:
        sent: What came along, by path.
        max_bytes: Size limit of one file.
    """

    def __init__(self, sent: Mapping[str, SubmittedFile], *, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._sent = sent
        self._max_bytes = max_bytes
        self._wanted: set[str] = set()
        self._report = FileReport()
        self._section: str = "files"
        self._component: str | None = None

    def check(self, entries: Iterable[Entry]) -> None:
        """Look whether all is there that entries name, and nothing that no entry could want.

        Raises:
            FilesRefused: If not.
        """
        can_import = False
        for entry in entries:
            self._section, self._component = table_of(entry), entry.name
            can_import = can_import or self._section.endswith("_js")
            for file in file_references(entry):
                try:
                    self.read(file)
                except UnusableFile:
                    continue  # it is in the report
        self._section, self._component = "files", None
        self._check_claims()
        if not can_import:
            self._find_unexpected()
        self._refuse_if_any()

    def check_what_was_read(self) -> None:
        """Look whether all was there that was read.

        Raises:
            FilesRefused: If not.
        """
        self._refuse_if_any()

    def check_all_used(self) -> None:
        """Look whether all that came along was read.

        Raises:
            FilesRefused: If not.
        """
        self._find_unexpected()
        self._refuse_if_any()

    def read(self, file: FileReference) -> bytes:
        """See `FileSource`; what is wrong is remembered."""
        self._wanted.add(file.path)
        sent = self._sent.get(file.path)
        if sent is not None:
            return self._read_sent(file, sent)
        if file.content_digest is None:
            self._note(
                self._report.missing_digest_fields,
                file,
                f'key "{file.key}" names "{file.path}", which did not come along and has no content_digest to find it '
                "by; send the file, or give its digest",
            )
        else:
            stored = Blob.objects.filter(digest=file.content_digest).values_list("content", flat=True).first()
            if stored is not None:
                return bytes(stored)
            self._note(
                self._report.missing_files,
                file,
                f'key "{file.key}" names "{file.path}" ({file.content_digest}), which is not stored; send it along',
            )
        raise UnusableFile(f'names "{file.path}", which is not there')

    def read_wit(self, path: str) -> WitFolder:
        """Return a folder of WIT, whose files have to come along each time: nothing else says which they are.

        Args:
            path: The folder, relative to the deployment file.

        Raises:
            UnusableFile: If no file of it came along, or too much did.
            TypeSyntaxError: If what stands in the files is wrong.
        """
        names = [name for name in self._sent if name.startswith(f"{path}/") and name.endswith(WIT_SUFFIX)]
        if not names:
            raise UnusableFile(f'did not come along; send its {WIT_SUFFIX} files, named "{path}/..."')
        if len(names) > MAX_WIT_FILES:
            raise UnusableFile(f"holds more than {MAX_WIT_FILES} {WIT_SUFFIX} files")
        if sum(len(self._sent[name].content) for name in names) > MAX_WIT_BYTES:
            raise UnusableFile(f"holds more than {MAX_WIT_BYTES >> 20} MiB of WIT")
        self._wanted.update(names)
        texts = {}
        for name in sorted(names):
            try:
                texts[name.removeprefix(f"{path}/")] = self._sent[name].content.decode()
            except UnicodeDecodeError as error:
                raise UnusableFile(f"holds {name}, where byte {error.start} is not UTF-8 text") from error
        return WitFolder(texts, place=path)

    def _read_sent(self, file: FileReference, sent: SubmittedFile) -> bytes:
        digest = content_digest(sent.content)
        if len(sent.content) > self._max_bytes:
            self._note(
                self._report.oversized_files,
                file,
                f'"{file.path}" has {len(sent.content)} bytes; {self._max_bytes} are allowed',
            )
        elif file.content_digest not in (None, digest):
            self._note(
                self._report.digest_mismatches,
                file,
                f'"{file.path}" has the digest {digest}, not {file.content_digest} as the deployment file says',
            )
        else:
            return sent.content
        raise UnusableFile(f'names "{file.path}", which is refused')

    def _note(self, issues: list[FileIssue], file: FileReference, message: str) -> None:
        issue = FileIssue(
            section=self._section,
            component_name=self._component,
            field_path=file.key,
            path=file.path,
            digest=file.content_digest,
            message=message,
        )
        if issue not in issues:
            issues.append(issue)

    def _check_claims(self) -> None:
        for path, sent in self._sent.items():
            digest = content_digest(sent.content)
            if sent.claimed_digest not in (None, digest):
                self._report.digest_mismatches.append(
                    FileIssue(
                        section="files",
                        field_path=path,
                        path=path,
                        digest=sent.claimed_digest,
                        message=f'"{path}" has the digest {digest}, not {sent.claimed_digest} as its sender says',
                    )
                )

    def _find_unexpected(self) -> None:
        for path in self._sent.keys() - self._wanted:
            self._report.unexpected_files.append(
                FileIssue(
                    section="files",
                    field_path=path,
                    path=path,
                    message=f'"{path}" came along and nothing in the deployment file names it',
                )
            )

    def _refuse_if_any(self) -> None:
        if self._report.all_issues():
            raise FilesRefused(self._report)
