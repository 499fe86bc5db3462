// Names on the map that do not lie on each other: big areas first, a name only where its area has room for it.
"use strict";

(() => {
  const LINE_PX = 16;
  const ink = document.createElement("canvas").getContext("2d");

  function widthOf(text) {
    ink.font = "600 13px system-ui, 'Noto Sans CJK SC', sans-serif";
    return ink.measureText(text).width;
  }

  function boxOf(map, layer, lines) {
    const middle = map.latLngToLayerPoint(layer.feature.properties.at);
    const half = L.point(Math.max(...lines.map(widthOf)) / 2 + 3, (lines.length * LINE_PX) / 2 + 1);
    return L.bounds(middle.subtract(half), middle.add(half));
  }

  function roomOf(map, layer) {
    const bounds = layer.getBounds();
    return L.bounds(map.latLngToLayerPoint(bounds.getNorthWest()), map.latLngToLayerPoint(bounds.getSouthEast())).getSize();
  }

  function label(layer, lines) {
    const text = document.createElement("div");
    lines.forEach((line, place) => {
      const row = text.appendChild(document.createElement(place ? "small" : "b"));
      row.textContent = line;
    });
    const icon = L.divIcon({ className: "gm-label", html: text, iconSize: null });
    return L.marker(layer.feature.properties.at, { icon, interactive: false, keyboard: false, pane: "gm-labels" });
  }

  // Put labels for `layers` into `group`; returns how many found room.
  function place(map, layers, group) {
    group.clearLayers();
    const view = map.getBounds().pad(0.1);
    const taken = [];
    layers
      .filter((layer) => view.contains(layer.feature.properties.at))
      .map((layer) => ({ layer, room: roomOf(map, layer) }))
      .filter(({ room }) => room.x > 26 && room.y > 14)
      .sort((one, other) => other.room.x * other.room.y - one.room.x * one.room.y)
      .slice(0, 400)
      .forEach(({ layer, room }) => {
        const { name, value } = layer.feature.properties;
        for (const lines of value ? [[name, value], [name]] : [[name]]) {
          const box = boxOf(map, layer, lines);
          if (box.getSize().x > room.x * 1.15 || box.getSize().y > room.y * 1.3 || taken.some((other) => other.intersects(box))) continue;
          taken.push(box);
          label(layer, lines).addTo(group);
          return;
        }
      });
    return taken.length;
  }

  window.gridLabels = { place };
})();
