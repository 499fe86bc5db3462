"""Copy the pinned browser files out of ``node_modules`` into ``maps/static/vendor`` (``python -m maps.vendor``)."""

import shutil
import sys
from pathlib import Path

from maps.assets import ASSETS, VENDOR_DIR, Asset

__all__ = ["VENDORED", "NodeModulesMissingError", "copy_vendor_files"]

PAGES = (Asset("htmx.org", "dist/htmx.min.js"),)
"""What the service's pages need beside what maps ask for."""

PICTURES = tuple(Asset("leaflet", f"dist/images/{name}") for name in ("layers.png", "layers-2x.png", "marker-icon.png"))
"""What leaflet.css names."""

VENDORED = tuple(dict.fromkeys(asset for asset in (*ASSETS.values(), *PAGES, *PICTURES) if asset.package))
"""Every file that is copied, each once."""


class NodeModulesMissingError(FileNotFoundError):
    """The npm packages of package-lock.json are not installed."""


def copy_vendor_files(node_modules: Path, vendor: Path = VENDOR_DIR) -> list[Path]:
    """
    Copy each file of `VENDORED`, and the licence of its package beside it.

    Parameters
    ----------
    node_modules
        Where ``npm ci`` put the packages.
    vendor
        Folder to fill; it is emptied first, so that nothing of an older version stays.

    Returns
    -------
    list of pathlib.Path
        The copies, in the order of `VENDORED`.

    Raises
    ------
    NodeModulesMissingError
        When the folder or one of the files is not there; nothing is touched then.
    """
    sources = {asset: node_modules / asset.package / asset.source for asset in VENDORED}
    missing = [str(source.relative_to(node_modules)) for source in sources.values() if not source.is_file()]
    if missing:
        raise NodeModulesMissingError(
            f"{node_modules} lacks {', '.join(missing)}: run `npm ci` in the project's root first"
        )
    shutil.rmtree(vendor, ignore_errors=True)
    for asset, source in sources.items():
        target = vendor / asset.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        for licence in sorted((node_modules / asset.package).glob("LICENSE*")):
            shutil.copyfile(licence, vendor / asset.package / licence.name)
    return [vendor / asset.target for asset in sources]


if __name__ == "__main__":
    try:
        copied = copy_vendor_files(Path(__file__).parents[1] / "node_modules")
    except NodeModulesMissingError as problem:
        sys.exit(str(problem))
    sys.stdout.write(f"{len(copied)} files copied into {VENDOR_DIR}\n")
