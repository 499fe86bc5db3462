// Two maps that move together: the land before and after a change.
"use strict";

import { asPaths, makeMap, nameAreas, readJson } from "./land_map.js";

const data = readJson("compare-data");
const frame = document.getElementById("compare");
const words = { zoomIn: frame.dataset.zoomIn, zoomOut: frame.dataset.zoomOut };

const GROUND = { color: "#8d98a3", weight: 1, fillColor: "#ffffff", fillOpacity: 0.55 };
const MOVED = { color: "#b3420b", weight: 2.5, dashArray: "6 4", fillColor: "#e8742c", fillOpacity: 0.28, interactive: false };
const BROKEN = { color: "#a3231f", weight: 4, fillColor: "#a3231f", fillOpacity: 0.7 };

function draw(side) {
  const map = makeMap(document.getElementById(`map-${side}`), { base: data.base, words });
  asPaths(data.ground, { ...GROUND, interactive: false }).addTo(map);
  const areas = asPaths(data[side], ({ properties }) => ({ color: "#16212b", weight: 1.5, fillColor: properties.tint, fillOpacity: 0.85, interactive: false }));
  nameAreas(areas).addTo(map);
  asPaths(data.moved, MOVED).addTo(map);
  if (side === "after") nameAreas(asPaths(data.faults, BROKEN), "land-name broken").addTo(map);
  map.fitBounds(data.bounds, { padding: [24, 24], animate: false });
  return map;
}

const maps = ["before", "after"].map(draw);
let leading = null;

maps.forEach((map, place) => {
  const other = maps[1 - place];
  map.on("move zoom", () => {
    if (leading && leading !== map) return;
    leading = map;
    other.setView(map.getCenter(), map.getZoom(), { animate: false });
    leading = null;
  });
});
window.landMaps = maps;
frame.dataset.ready = "true";
