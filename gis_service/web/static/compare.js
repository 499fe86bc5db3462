// Two maps that move together: the land before and after. What is compared is one whole, or cases of which one is shown.
"use strict";

import { asPaths, makeMap, nameAreas, readJson } from "./land_map.js";

const L = window.L;
const data = readJson("compare-data");
const frame = document.getElementById("compare");
const words = { zoomIn: frame.dataset.zoomIn, zoomOut: frame.dataset.zoomOut };

const GROUND = { color: "#8d98a3", weight: 1, fillColor: "#ffffff", fillOpacity: 0.55 };
const MOVED = { color: "#b3420b", weight: 2.5, dashArray: "6 4", fillColor: "#e8742c", fillOpacity: 0.28, interactive: false };
const BROKEN = { color: "#a3231f", weight: 4, fillColor: "#a3231f", fillOpacity: 0.7 };
const PADDING = { padding: [24, 24], animate: false };
const SIDES = ["before", "after"];

const maps = SIDES.map((side) => makeMap(document.getElementById(`map-${side}`), { base: data.base, words }));
const drawn = maps.map((map) => {
  asPaths(data.ground, { ...GROUND, interactive: false }).addTo(map);
  return L.featureGroup().addTo(map);
});

function goTo(bounds) {
  for (const map of maps) map.fitBounds(bounds, PADDING);
}

function show(found) {
  SIDES.forEach((side, place) => {
    drawn[place].clearLayers();
    const areas = asPaths(found[side], ({ properties }) => ({ color: "#16212b", weight: 1.5, fillColor: properties.tint, fillOpacity: 0.85, interactive: false }));
    drawn[place].addLayer(nameAreas(areas)).addLayer(asPaths(found.moved, MOVED));
    if (side === "after") drawn[place].addLayer(nameAreas(asPaths(found.faults, BROKEN), "land-name broken"));
  });
  goTo(found.bounds);
}

// The place of one area on either map, by the id that the server gave it.
function boundsOf(id) {
  const features = SIDES.flatMap((side) => data[side].features).filter(({ properties }) => String(properties.id) === id);
  return features.length ? L.geoJSON({ type: "FeatureCollection", features }).getBounds() : null;
}

function turnTo(button) {
  const found = data.cases && data.cases[button.dataset.shows];
  const bounds = data.cases ? null : boundsOf(button.dataset.shows);
  if (found) show(found);
  if (bounds) goTo(bounds);
  if (!found && !bounds) return;
  for (const row of document.querySelectorAll("tr[aria-current]")) row.removeAttribute("aria-current");
  const row = button.closest("tr");
  if (row) row.setAttribute("aria-current", "true");
  frame.scrollIntoView({ block: "nearest" });
}

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

show(data.cases ? Object.values(data.cases)[0] : data);
for (const button of document.querySelectorAll("button[data-shows]")) {
  button.hidden = false;
  button.addEventListener("click", () => turnTo(button));
}
window.landMaps = maps;
frame.dataset.ready = "true";
