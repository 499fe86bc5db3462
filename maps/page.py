"""
A folium map as one HTML page that a strict Content-Security-Policy lets run.

folium's own page has inline scripts without a nonce, puts what it is given into JavaScript strings, and reads every
rendered script again as a Jinja template, so that ``{{…}}`` in a name would run on the server. Here scripts get their
nonce while they are rendered, data travels in one JSON block that no template reads again, and elements that would
carry user text as HTML are refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink
from folium.elements import ElementAddToElement
from jinja2 import Environment, PackageLoader, StrictUndefined

from maps import assets
from maps.legend import Legend

__all__ = ["GridFigure", "Mode", "UnsafeElementError", "render_map", "script_json"]

Mode = Literal["served", "inline"]
"""``served``: links below our static folders; ``inline``: one file that opens from a disk."""

_PAGES = Environment(
    loader=PackageLoader("maps"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'`${}\u2028\u2029"}
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"')


class UnsafeElementError(TypeError):
    """An element of the map would put text into HTML or JavaScript."""


def script_json(data: object) -> str:
    r"""
    Return JSON that may stand inside ``<script>``, whatever the strings in it say.

    In strings the signs that end a script, open a comment, a template literal or a template expression, and the two
    line ends that JavaScript knows and JSON does not, are written as ``\uXXXX``.

    Raises
    ------
    ValueError
        When a number is not finite.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _STRUCTURE.sub(lambda string: string[0].translate(_ESCAPES), text)


class GridFigure(Figure):  # type: ignore[misc]  # branca is untyped
    """The page around one map: title, legend and panel are HTML of ours, escaped; scripts carry the nonce."""

    def __init__(self, *, title: str, lead: str, language: str, words: Mapping[str, str]) -> None:
        super().__init__(title=title)
        self.lead = lead
        self.language = language
        self.words = dict(words)
        self.legends: list[Legend] = []

    def page(self, *, nonce: str, mode: Mode, vendor_url: str, own_url: str, image_origins: list[str]) -> str:
        """Return the whole document; see `render_map`."""
        elements = list(_walk(self))
        refuse_unsafe(elements)
        lasting = [element for element in elements if not isinstance(element, ElementAddToElement)]
        for number, element in enumerate(lasting):
            element._id = f"{number:03d}"  # noqa: SLF001 - folium draws random ids; the same map must be the same bytes
        for part in (self.header, self.html, self.script):
            part._children.clear()  # noqa: SLF001 - what an earlier rendering left
        for child in self._children.values():
            child.render()
        script = self.script.render()
        if re.search(r"</script|<!--", script, re.IGNORECASE):
            raise UnsafeElementError("a folium element wrote a closing tag into the script")
        payloads = {element.get_name(): element.payload for element in elements if hasattr(element, "payload")}
        scripts, styles = self._links()
        return _PAGES.get_template("map_page.html").render(
            figure=self,
            body=self.html.render(),
            script=script,
            payloads=script_json(payloads),
            scripts=[_linked(url, mode, vendor_url, own_url) for url in scripts],
            styles=[_linked(url, mode, vendor_url, own_url) for url in styles],
            inline=mode == "inline",
            nonce=nonce,
            image_origins=image_origins,
        )

    def _links(self) -> tuple[list[str], list[str]]:
        scripts, styles = [], []
        for element in self.header._children.values():  # noqa: SLF001 - branca offers no reading of children
            match element:
                case JavascriptLink():
                    scripts.append(element.url)
                case CssLink():
                    styles.append(element.url)
                case _:
                    raise UnsafeElementError(f"{element.get_name()} writes into the page's head, which has no nonce")
        return scripts, styles


def render_map(
    drawn: folium.Map,
    *,
    nonce: str,
    mode: Mode = "served",
    vendor_url: str = "/static/vendor/",
    own_url: str = "/static/maps/",
) -> str:
    """
    Return a map as one HTML document.

    The document runs under ``default-src 'none'; script-src 'self' 'nonce-…'; style-src 'self' 'unsafe-inline';
    img-src 'self' data:; connect-src 'self'`` (and the origin of a base map, if it has one). In mode ``inline``
    it holds everything it needs and says its policy itself, so it opens from a disk with no network.

    Parameters
    ----------
    drawn
        What one of the ``draw_…`` functions returned.
    nonce
        The nonce of this response: base64 signs, at least 8.
    mode
        See `Mode`.
    vendor_url, own_url
        Base addresses of the static folders in mode ``served``.

    Raises
    ------
    UnsafeElementError
        When someone added a folium element that carries text as HTML (pop-ups, tooltips, raw HTML).
    maps.assets.UnknownAssetError, maps.assets.AssetMissingError
        When an element needs a file that is not in the table or not on the disk.
    ValueError
        When the nonce could not be one.
    TypeError
        When the map is on no page of ours.
    """
    if not _NONCE.fullmatch(nonce):
        raise ValueError("a nonce is at least 8 base64 signs")
    figure = drawn.get_root()
    if not isinstance(figure, GridFigure):
        raise TypeError("render_map draws maps of maps.canvas.GridMap only")
    origins = list(getattr(drawn, "image_origins", ()))
    return figure.page(nonce=nonce, mode=mode, vendor_url=vendor_url, own_url=own_url, image_origins=origins)


def refuse_unsafe(elements: list[Element]) -> None:
    """
    Refuse folium elements that carry text as HTML; our script sets such text with ``textContent``.

    Raises
    ------
    UnsafeElementError
        When there is one.
    """
    for element in elements:
        if isinstance(
            element,
            (folium.Popup, folium.Tooltip, folium.features.GeoJsonDetail, folium.DivIcon, folium.Html, folium.Marker),
        ):
            raise UnsafeElementError(
                f"{type(element).__name__} writes text as HTML; put it in the properties of a layer of maps instead"
            )
        if type(element) is Element and element._template_str is not None:  # noqa: SLF001 - branca's raw HTML
            raise UnsafeElementError("raw HTML cannot be added to a map")


def _walk(element: Any) -> Iterator[Element]:
    for child in element._children.values():  # noqa: SLF001 - branca offers no reading of children
        yield child
        yield from _walk(child)


def _linked(url: str, mode: Mode, vendor_url: str, own_url: str) -> str:
    if mode == "inline":
        return assets.inline_source(url)
    return assets.served_url(url, vendor_url=vendor_url, own_url=own_url)
