// Address points over the areas, as vector tiles on canvas: none, all, or only those that wait for a decision.
import { given, make, words } from "./page.js";

const L = window.L;
const LIBRARY = "/static/vendor/leaflet.vectorgrid/Leaflet.VectorGrid.bundled.min.js";
const FILLS = { assigned: "#0072b2", unresolved: "#d55e00" };
const REACH_PX = 7;
let loading = null;

// What draws them is fetched when somebody first asks for points.
function library() {
  loading ??= new Promise((resolve, reject) => {
    document.head.append(make("script", { src: LIBRARY, onload: resolve, onerror: reject }));
  });
  return loading;
}

function style({ count, state }, zoom) {
  const radius = count > 1 ? Math.min(9, 1.2 + 0.34 * count ** 0.4) : zoom >= 17 ? 5 : zoom >= 15 ? 3.5 : 2.5;
  return { radius, fill: true, fillColor: FILLS[state] ?? FILLS.assigned, fillOpacity: count > 1 ? 0.6 : 0.9, stroke: true, weight: 0.8, color: "#ffffff" };
}

export class Points {
  constructor(view, onKey) {
    this.view = view;
    this.onKey = onKey; // there is more or less room for the land
    this.layer = null;
    const pane = view.map.createPane("cc-points");
    Object.assign(pane.style, { zIndex: 420, pointerEvents: "none" });
    view.map.getContainer().addEventListener("click", (event) => this.#click(event), true);
  }

  // Show `which` ("", "all" or "waiting") of a day; the same again changes nothing.
  async show(which, day) {
    const asked = `${which} ${day}`;
    if (this.asked === asked) return;
    this.asked = asked;
    if (which) await library();
    if (this.asked !== asked) return;
    this.layer?.remove();
    this.layer = null;
    this.view.setPointKey(which ? this.#key(which) : null);
    this.view.map.options.zoomSnap = which ? 1 : 0.25; // tiles are drawn for whole zoom levels
    this.onKey();
    if (!which) return;
    const { map } = this.view;
    if (map.getZoom() % 1) map.setZoom(Math.floor(map.getZoom()), { animate: false });
    const waiting = which === "waiting";
    const url = `/api/v1/tiles/addresses/{z}/{x}/{y}.mvt?as_of=${day}${waiting ? "&only_unresolved=true" : ""}`;
    this.layer = L.vectorGrid.protobuf(url, {
      rendererFactory: L.canvas.tile,
      vectorTileLayerStyles: { addresses: (properties, zoom) => style(waiting ? { ...properties, state: "unresolved" } : properties, zoom) },
      pane: "cc-points",
      updateWhenZooming: false,
      fetchOptions: { credentials: "same-origin" },
      getFeatureId: ({ properties }) => properties.address_id || `${properties.count}@${Math.random()}`,
    }).addTo(map);
  }

  #key(which) {
    const shown = which === "waiting" ? ["unresolved"] : ["assigned", "unresolved"];
    return shown.map((state) => ({ fill: FILLS[state], label: words[state] }));
  }

  // A click on a point is for its address, on several for a closer look, between them for the area.
  #click(event) {
    const found = this.layer && !event.target.closest(".leaflet-control") && this.#at(event);
    if (!found) return;
    event.stopPropagation();
    const { count, address_id: id } = found.properties;
    if (count > 1) this.view.map.setView(found.latlng, Math.min(this.view.map.getZoom() + 2, 19), { animate: false });
    else location.assign(`/addresses/${id}?as_of=${given.day}`);
  }

  #at(event) {
    const { map } = this.view;
    const place = map.mouseEventToLatLng(event);
    let nearest = null;
    for (const tile of Object.values(this.layer._vectorTiles)) {
      if (!tile._map) continue; // still on its way
      const { x, y, z } = tile.getCoord();
      const corner = L.point(x, y).scaleBy(this.layer.getTileSize());
      const inTile = map.project(place, z).subtract(corner);
      for (const { _point, options, properties } of Object.values(tile._layers)) {
        const distance = inTile.distanceTo(_point) - options.radius;
        if (distance <= (properties.count > 1 ? 0 : REACH_PX) && (!nearest || distance < nearest.distance)) {
          nearest = { distance, properties, latlng: map.unproject(_point.add(corner), z) };
        }
      }
    }
    return nearest;
  }
}
