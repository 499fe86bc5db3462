import re
from pathlib import Path

import folium
import pytest
from folium.plugins import HeatMap

from maps import assets, vendor
from maps.assets import ASSETS, AssetMissingError, UnknownAssetError, inline_source, local_asset, served_url
from maps.vendor import NodeModulesMissingError, copy_vendor_files

PROJECT = Path(__file__).parents[2]


def test_folium_asks_for_files_by_names_that_the_table_knows() -> None:
    leaflet = dict(folium.Map.default_js)["leaflet"]
    styles = dict(folium.Map.default_css)["leaflet_css"]
    [(_, heat)] = HeatMap.default_js

    assert [local_asset(url).target for url in (leaflet, styles, heat)] == [
        "leaflet/leaflet.js",
        "leaflet/leaflet.css",
        "leaflet.heat/leaflet-heat.js",
    ]


def test_a_name_outside_the_table_is_an_error_and_never_a_download() -> None:
    with pytest.raises(UnknownAssetError, match=r"package\.json"):
        served_url(dict(folium.Map.default_js)["jquery"], vendor_url="/v/", own_url="/o/")


def test_our_own_and_foreign_files_are_served_from_two_folders() -> None:
    assert served_url("own:grid_map.js", vendor_url="/v/", own_url="/o/") == "/o/grid_map.js"
    assert served_url("npm:leaflet.js", vendor_url="/v/", own_url="/o/") == "/v/leaflet/leaflet.js"


def test_own_files_are_all_there() -> None:
    assert [asset.path for asset in ASSETS.values() if not asset.package and not asset.path.is_file()] == []


def test_every_package_of_the_table_is_pinned_and_the_lock_names_no_host() -> None:
    wanted = re.findall(r'"([\w.@/-]+)": "\d+\.\d+\.\d+"', (PROJECT / "package.json").read_text(encoding="utf-8"))
    lock = (PROJECT / "package-lock.json").read_text(encoding="utf-8")

    assert {asset.package for asset in vendor.VENDORED} <= set(wanted)
    assert "resolved" not in lock


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    for asset in vendor.VENDORED:
        file = tmp_path / "node_modules" / asset.package / asset.source
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(asset.source, encoding="utf-8")
    (tmp_path / "node_modules" / "leaflet" / "LICENSE").write_text("BSD", encoding="utf-8")
    return tmp_path / "node_modules"


def test_vendored_files_are_copied_with_their_licence_and_old_ones_go(node_modules: Path, tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").touch()

    copied = copy_vendor_files(node_modules, tmp_path / "vendor")

    assert [file.is_file() for file in copied] == [True] * len(vendor.VENDORED)
    assert (tmp_path / "vendor" / "leaflet" / "LICENSE").read_text(encoding="utf-8") == "BSD"
    assert not (tmp_path / "vendor" / "old.js").exists()


def test_without_npm_packages_nothing_is_touched_and_the_remedy_is_named(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").touch()

    with pytest.raises(NodeModulesMissingError, match="npm ci"):
        copy_vendor_files(tmp_path / "node_modules", tmp_path / "vendor")

    assert (tmp_path / "vendor" / "old.js").exists()


@pytest.fixture
def vendored(node_modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assets, "VENDOR_DIR", tmp_path / "vendor")
    copy_vendor_files(node_modules, tmp_path / "vendor")
    return tmp_path / "vendor"


def test_pictures_of_an_embedded_style_sheet_are_embedded_too(vendored: Path) -> None:
    sheet = "a{b:url(images/layers.png)}c{d:url(#default#VML)}e{f:url('data:,x')}"
    (vendored / "leaflet" / "leaflet.css").write_text(sheet, encoding="utf-8")

    source = inline_source("npm:leaflet.css")

    assert source == (
        "a{b:url(data:image/png;base64,ZGlzdC9pbWFnZXMvbGF5ZXJzLnBuZw==)}c{d:url(#default#VML)}e{f:url('data:,x')}"
    )


@pytest.mark.parametrize("closing", ["</script>", "</SCRIPT", "<!--"])
def test_a_file_that_would_end_its_element_is_not_embedded(vendored: Path, closing: str) -> None:
    (vendored / "leaflet" / "leaflet.js").write_text(f"'{closing}'", encoding="utf-8")

    with pytest.raises(ValueError, match="cannot be embedded"):
        inline_source("npm:leaflet.js")


def test_a_file_that_was_not_copied_names_the_remedy(vendored: Path) -> None:
    (vendored / "leaflet" / "leaflet.js").unlink()

    with pytest.raises(AssetMissingError, match=r"maps\.vendor"):
        inline_source("npm:leaflet.js")
