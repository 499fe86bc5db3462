"""
Where the JavaScript and CSS of a map come from: our own disk, never the internet.

folium and its plugins name the files that they need by the address of a public host. `local_asset` turns such a name
into one of our files and refuses one that it does not know, so a new plugin cannot quietly load from outside.
"""

import base64
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ASSETS",
    "OWN_DIR",
    "VENDOR_DIR",
    "Asset",
    "AssetMissingError",
    "UnknownAssetError",
    "inline_source",
    "local_asset",
    "served_url",
]

OWN_DIR = Path(__file__).with_name("static")
"""Our own scripts and styles; the service serves them at ``/static/maps/``."""

VENDOR_DIR = OWN_DIR / "vendor"
"""The pinned npm files that `maps.vendor` copied; the service serves them at ``/static/vendor/``."""


class UnknownAssetError(LookupError):
    """A map element asks for a file that the table of local files does not hold."""


class AssetMissingError(FileNotFoundError):
    """A local file of the table is not on this disk yet."""


@dataclass(frozen=True)
class Asset:
    """
    One local file that a browser loads.

    Attributes
    ----------
    package
        npm package, or empty for one of our own files.
    source
        Path inside the package, or under `OWN_DIR`.
    """

    package: str
    source: str

    @property
    def target(self) -> str:
        """Path below `VENDOR_DIR` or `OWN_DIR`, which is also the path below the base URL."""
        return f"{self.package}/{self.source.removeprefix('dist/')}" if self.package else self.source

    @property
    def path(self) -> Path:
        """The file on this disk."""
        return (VENDOR_DIR if self.package else OWN_DIR) / self.target


_LEAFLET_JS = Asset("leaflet", "dist/leaflet.js")
_LEAFLET_CSS = Asset("leaflet", "dist/leaflet.css")
_HEAT = Asset("leaflet.heat", "dist/leaflet-heat.js")

ASSETS = {
    # what folium 0.20 asks for
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js": _LEAFLET_JS,
    "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.css": _LEAFLET_CSS,
    "https://cdn.jsdelivr.net/gh/python-visualization/folium@main/folium/templates/leaflet_heat.min.js": _HEAT,
    # what our own elements ask for
    "npm:leaflet.js": _LEAFLET_JS,
    "npm:leaflet.css": _LEAFLET_CSS,
    "npm:leaflet.vectorgrid": Asset("leaflet.vectorgrid", "dist/Leaflet.VectorGrid.bundled.min.js"),
    "own:grid_map.js": Asset("", "grid_map.js"),
    "own:grid_labels.js": Asset("", "grid_labels.js"),
    "own:grid_points.js": Asset("", "grid_points.js"),
    "own:tokens.css": Asset("", "tokens.css"),
    "own:grid_map.css": Asset("", "grid_map.css"),
}
"""The name that an element asks for → the local file."""

# ``url(#default#VML)`` in leaflet.css names no file
_FILE_IN_CSS = re.compile(r"url\((?P<quote>['\"]?)(?!data:|#)(?P<name>[^)'\"]+)(?P=quote)\)")


def local_asset(url: str) -> Asset:
    """
    Return the local file for the name that an element asks for.

    Raises
    ------
    UnknownAssetError
        When the table has no file of that name: add the npm package to package.json and a line to `ASSETS`.
    """
    try:
        return ASSETS[url]
    except KeyError:
        raise UnknownAssetError(
            f"no local file for {url!r}; add its npm package to package.json and a line to maps.assets.ASSETS"
        ) from None


def served_url(url: str, *, vendor_url: str, own_url: str) -> str:
    """Return the address below our own static folders (both end in ``/``) of the file that an element asks for."""
    asset = local_asset(url)
    return (vendor_url if asset.package else own_url) + asset.target


def inline_source(url: str) -> str:
    """
    Return the text of the file that an element asks for, fit to stand inside ``<script>`` or ``<style>``.

    Pictures that a style sheet names are embedded as data URLs.

    Raises
    ------
    AssetMissingError
        When the file has not been copied yet.
    ValueError
        When the file would end its own element.
    """
    asset = local_asset(url)
    source = _text(asset.path)
    if asset.path.suffix == ".css":
        source = _FILE_IN_CSS.sub(lambda found: _data_url(asset.path.parent / found["name"]), source)
    if re.search(r"</(script|style)|<!--", source, re.IGNORECASE):
        raise ValueError(f"{asset.path.name} cannot be embedded: it holds a closing tag")
    return re.sub(r"\n?//# sourceMappingURL=\S+", "", source)


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AssetMissingError(f"{path.name} is missing: run `npm ci && python -m maps.vendor`") from None


def _data_url(picture: Path) -> str:
    kind = mimetypes.guess_type(picture.name)[0] or "application/octet-stream"
    return f"url(data:{kind};base64,{base64.b64encode(_bytes(picture)).decode('ascii')})"
