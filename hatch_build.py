"""Builds no distribution without the symbolic links of the package, and writes them into the sdist.

The package `cutover` has links to the top-level folders, and `.import` a link to the package: an editable installation
puts that folder on the module path, and so the one name `cutover`, not the whole repository. hatchling follows links to
folders and has no way to keep one, so the sdist gets them here.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LINKS = {
    ".import/cutover": "../cutover",
    "cutover/engines": "../engines",
    "cutover/harness": "../harness",
    "cutover/reports": "../reports",
    "cutover/scenarios": "../scenarios",
}


class LinksHook(BuildHookInterface):
    """What hatchling calls before and after it builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Refuses a tree in which a link is missing, as after unpacking an archive that has none."""
        missing = [link for link in LINKS if not (Path(self.root) / link / "__init__.py").is_file()]
        if missing:
            raise RuntimeError(
                f"symbolic links are missing in {self.root}: {', '.join(missing)}. This copy was made without them, so "
                "the package would be empty. Clone with `git clone -c core.symlinks=true`, or unpack an archive that "
                "keeps symbolic links, such as the sdist, and install again."
            )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - as above
        """Adds the links to an sdist."""
        if self.target_name == "sdist":
            _add_links(Path(artifact_path))


def _add_links(sdist: Path) -> None:
    content = io.BytesIO(gzip.decompress(sdist.read_bytes()))
    with tarfile.open(fileobj=content, mode="a", format=tarfile.PAX_FORMAT) as archive:
        top = archive.getnames()[0].partition("/")[0]
        time = archive.getmembers()[0].mtime
        for link, target in LINKS.items():
            member = tarfile.TarInfo(f"{top}/{link}")
            member.type, member.linkname, member.mtime, member.mode = tarfile.SYMTYPE, target, time, 0o777
            archive.addfile(member)
    sdist.write_bytes(gzip.compress(content.getvalue(), mtime=int(os.environ.get("SOURCE_DATE_EPOCH", time))))
