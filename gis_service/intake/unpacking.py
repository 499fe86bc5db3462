"""Zip archives: how far they may unpack, and the members of a Shapefile under names of our own."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from gis_service.errors import InvalidInputError, TooLargeError
from gis_service.intake.limits import Limits
from gis_service.texts import T

MOST_MEMBERS: Final = 2000
#: below this nobody is harmed by any ratio, bytes
HARMLESS_BYTES: Final = 2 * 2**20
SHAPEFILE_PARTS: Final = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def check_archive(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse an archive that unpacks to far more than its size, is encrypted, or has too many members.

    Raises
    ------
    TooLargeError, InvalidInputError
    """
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise TooLargeError(T("The archive holds {count} files; that is too many.", count=len(members)))
    if any(member.flag_bits & 1 for member in members):
        raise InvalidInputError(T("The archive has a password: pack it without one."))
    unpacked = sum(member.file_size for member in members)
    packed = max(sum(member.compress_size for member in members), 1)
    if (unpacked > HARMLESS_BYTES and unpacked > packed * limits.max_unzip_ratio) or unpacked > limits.memory_bytes / 2:
        raise TooLargeError(T("The file unpacks to far more than its size; that is not taken."))


def unpack_shapefiles(path: Path, into: Path, limits: Limits) -> dict[str, Path]:
    """Unpack every Shapefile of an archive, and nothing else.

    Returns
    -------
    From a layer's name to its `.shp` in `into`, under a name of our own: no member chooses where it is written.

    Raises
    ------
    InvalidInputError
        There is none, or a part is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, limits)
            parts = {_key(member): member for member in archive.infolist() if not member.is_dir()}
            stems = sorted(stem for stem, ending in parts if ending == ".shp")
            layers: dict[str, Path] = {}
            for number, stem in enumerate(stems):
                missing = [ending for ending in (".shx", ".dbf") if (stem, ending) not in parts]
                if missing:
                    raise InvalidInputError(
                        T("Shapefile {name} lacks its {parts} file.", name=stem, parts=" ".join(missing))
                    )
                for ending in SHAPEFILE_PARTS:
                    if (stem, ending) in parts:
                        (into / f"layer{number}{ending}").write_bytes(archive.read(parts[stem, ending]))
                layers[PurePosixPath(stem).name] = into / f"layer{number}.shp"
    except zipfile.BadZipFile as error:
        raise InvalidInputError(T("The file is damaged: pack it again.")) from error
    if not layers:
        raise InvalidInputError(T("The archive holds no Shapefile (.shp with .shx and .dbf)."))
    return layers


def _key(member: zipfile.ZipInfo) -> tuple[str, str]:
    """The path without its ending (names from Chinese Windows are GBK inside old archives), and the ending."""
    name = member.filename
    if not member.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("gb18030")
        except UnicodeError:
            name = member.filename
    whole = PurePosixPath(name.replace("\\", "/"))
    return str(whole.with_suffix("")), whole.suffix.lower()
