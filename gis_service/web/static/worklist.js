// The worklist: the addresses of the page on a map, one of them chosen; j and k go on, Enter leads to the decision, and a
// click on the map sets the point while it is placed by hand.
"use strict";

import { makeMap, nameAreas, textElement } from "./land_map.js";

const L = window.L;
const element = document.getElementById("map");
const parsed = (id) => { const block = document.getElementById(id); return block ? JSON.parse(block.textContent) : null; };
const AREA = { color: "#5c6670", weight: 1.2, fillColor: "#dfe7ee", fillOpacity: 0.45, interactive: false };
const SUGGESTED = { color: "#0b5cad", weight: 2.5, fillColor: "#0b5cad", fillOpacity: 0.16, interactive: false };
const DOT = { radius: 5, color: "#ffffff", weight: 1, fillColor: "#b3420b", fillOpacity: 0.9 };

const rows = () => [...document.querySelectorAll("#found tr[data-item]")];

function draw() {
  const { base, points } = parsed("points-data");
  const map = makeMap(element, { base, words: { zoomIn: element.dataset.zoomIn, zoomOut: element.dataset.zoomOut } });
  const around = L.featureGroup().addTo(map);
  const here = L.featureGroup().addTo(map);
  const dots = L.featureGroup(points.map(({ id, at, text }) => L.circleMarker(at, DOT).bindTooltip(textElement("span", text)).on("click", (event) => { L.DomEvent.stopPropagation(event); choose(id); }))).addTo(map);

  function choose(id) {
    const row = rows().find((each) => Number(each.dataset.item) === id);
    if (!row) return;
    for (const each of rows()) each.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({ block: "nearest" });
    row.querySelector("a[hx-get]").click();
  }

  // Show the address that the panel tells of: its point, the compounds around it, the one suggested.
  function show() {
    around.clearLayers();
    here.clearLayers();
    const item = parsed("item-data");
    if (!item) return dots.getLayers().length && map.fitBounds(dots.getBounds(), { padding: [30, 30], animate: false });
    for (const { id, name, geometry } of item.areas) {
      const feature = { type: "Feature", properties: { name }, geometry };
      around.addLayer(nameAreas(L.geoJSON(feature, { style: id === item.suggested ? SUGGESTED : AREA })));
    }
    around.bringToBack();
    if (item.at) mark(item.at);
    const near = item.areas.slice(0, 4).map(({ geometry }) => L.geoJSON(geometry).getBounds());
    const bounds = near.reduce((all, each) => all.extend(each), L.latLngBounds(item.at ? [item.at] : []));
    if (bounds.isValid()) map.fitBounds(bounds, { padding: [20, 20], maxZoom: 17, animate: false });
    return undefined;
  }

  function mark(at) {
    here.clearLayers();
    here.addLayer(L.circleMarker(at, { radius: 10, color: "#b3420b", weight: 4, fill: false, interactive: false }));
    here.addLayer(L.circleMarker(at, { ...DOT, interactive: false }));
  }

  map.on("click", ({ latlng }) => {
    const byHand = document.querySelector("details.by-hand");
    if (!byHand) return;
    byHand.open = true;
    byHand.querySelector('[name="lon"]').value = latlng.lng.toFixed(7);
    byHand.querySelector('[name="lat"]').value = latlng.lat.toFixed(7);
    mark(latlng);
    here.getLayers()[0].bindTooltip(textElement("span", element.dataset.here), { permanent: true, direction: "top", offset: [0, -8] }).openTooltip();
  });
  document.body.addEventListener("htmx:afterSwap", ({ target }) => { if (target.id === "item") show(); });
  document.getElementById("found").addEventListener("click", ({ target }) => {
    const row = target.closest("tr[data-item]");
    if (row && !target.closest("a")) choose(Number(row.dataset.item));
    if (row) for (const each of rows()) each.toggleAttribute("aria-current", each === row);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, button, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = rows().findIndex((row) => row.hasAttribute("aria-current"));
    const next = { j: at + 1, k: at - 1 }[event.key];
    if (next !== undefined && rows()[next]) choose(Number(rows()[next].dataset.item));
    if (event.key === "Enter" && !event.target.closest("a")) {
      event.preventDefault();
      const box = document.querySelector("#item .decide input[name=reason]");
      if (box) box.focus();
    }
  });
  show();
  window.worklist = { map, dots, around, here };
  element.dataset.ready = "true";
}

if (element) draw();
