// Address points from vector tiles on canvas. The canvases let clicks through to the areas; we look for a point first.
"use strict";

(() => {
  const REACH_PX = 6;

  function radiusOf({ count }, zoom) {
    if (count > 1) return Math.min(9, 1.2 + 0.34 * count ** 0.4);
    return zoom >= 17 ? 5 : zoom >= 15 ? 3.5 : 2.5;
  }

  function addresses(name) {
    const given = window.gridMap.payloads[name];
    const style = (properties, zoom) => {
      const { fill } = given.classes[properties.state] || given.classes.assigned;
      const many = properties.count > 1;
      return { radius: radiusOf(properties, zoom), fill: true, fillColor: fill, fillOpacity: many ? 0.55 : 0.9, stroke: true, weight: 0.8, color: "#ffffff" };
    };
    const layer = window.gridMap.inWholeZooms(L.vectorGrid.protobuf(given.url, {
      rendererFactory: L.canvas.tile,
      vectorTileLayerStyles: { [given.layer]: style },
      pane: "gm-points",
      minZoom: given.minZoom,
      updateWhenZooming: false,
      fetchOptions: { credentials: "same-origin" },
      // remembered tiles are what pointAt looks through
      getFeatureId: ({ properties }) => properties.address_id || `${properties.count}@${Math.random()}`,
    }));
    const container = () => window.gridMap.map.getContainer();
    const listen = (event) => click(layer, given, event);
    layer.on("add", () => container().addEventListener("click", listen, true));
    layer.on("remove", () => container().removeEventListener("click", listen, true));
    window.gridPoints.layer = layer;
    return layer;
  }

  // The nearest point under a place on the screen: { properties, latlng }, or null.
  function pointAt(layer, containerPoint) {
    const map = layer._map;
    const place = map.containerPointToLatLng(containerPoint);
    let nearest = null;
    for (const tile of Object.values(layer._vectorTiles)) {
      if (!tile._map) continue; // still on its way
      const { x, y, z } = tile.getCoord();
      const corner = L.point(x, y).scaleBy(layer.getTileSize());
      const inTile = map.project(place, z).subtract(corner);
      for (const drawn of Object.values(tile._layers)) {
        const distance = inTile.distanceTo(drawn._point) - drawn.options.radius;
        const reach = drawn.properties.count > 1 ? 0 : REACH_PX; // between the circles a click is for the area
        if (distance <= reach && (!nearest || distance < nearest.distance)) {
          nearest = { distance, properties: drawn.properties, latlng: map.unproject(drawn._point.add(corner), z) };
        }
      }
    }
    return nearest;
  }

  async function click(layer, given, event) {
    const map = layer._map;
    const onControl = event.target.closest(".leaflet-control");
    if (!map || onControl || map.dragging.moved()) return;
    const found = pointAt(layer, map.mouseEventToContainerPoint(event));
    if (!found) return;
    event.stopPropagation();
    const { address_id: id, count, state } = found.properties;
    const badge = given.classes[state] || given.classes.assigned;
    if (count > 1) {
      map.setView(found.latlng, Math.min(map.getZoom() + 2, 19), { animate: false });
      return;
    }
    const answer = given.address && (await window.gridMap.fetchJson(window.gridMap.fill(given.address, { address_id: id })));
    if (!answer) return;
    const { title, figures } = answer;
    window.gridMap.showPanel({ title, badge, captions: figures.map(([caption]) => caption), figures: figures.map(([, text]) => text) });
  }

  window.gridPoints = { addresses, pointAt, layer: null };
})();
