// Editing borders: choose an area, then reshape, split, merge or draw a new one; the server says what becomes of the
// neighbours, and a draft of a change is saved. Nothing here decides: the server computes and checks every border.
"use strict";

import { asPaths, makeMap, nameAreas, readJson, textElement } from "./land_map.js";
import * as rings from "./rings.js";

const L = window.L;
const { words, base } = readJson("editor-data");
const get = (id) => document.getElementById(id);
const HANDLES_AT_MOST = 300;
const SNAP_PX = 10;
const LAND = { color: "#5c6670", weight: 1.2, fillColor: "#dfe7ee", fillOpacity: 0.55 };
const CHOSEN = { color: "#0b5cad", weight: 3, fillColor: "#0b5cad", fillOpacity: 0.14 };
const HIDDEN = { opacity: 0, fillOpacity: 0 };
const BESIDE = { color: "#8a5300", weight: 1.6, fillColor: "#ffffff", fillOpacity: 0.2, interactive: false };
const BECOMES = { color: "#b3420b", weight: 2, dashArray: "6 4", fillColor: "#e8742c", fillOpacity: 0.16, interactive: false };

const map = makeMap(get("map"), { base, words, doubleClickZoom: false });
const layers = Object.fromEntries(["land", "beside", "becomes", "drawn", "handles"].map((name) => [name, L.featureGroup().addTo(map)]));
let tool = null;
let chosen = []; // ids, the last one first
let exact = null; // the chosen area and its neighbours, every vertex as it is stored
let history = null; // of polygons while reshaping, of points while drawing
let dragging = false; // a corner is held
let proposal = null;
let asking = 0;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const number = (value) => Math.round(value).toLocaleString("en-US");
const percent = (before, after) => (before ? `${after >= before ? "+" : "−"}${Math.abs((100 * (after - before)) / before).toFixed(2)}` : "—");
const toPixel = ([lon, lat]) => map.latLngToContainerPoint([lat, lon]);
const latlng = ([lon, lat]) => L.latLng(lat, lon);
const own = () => exact && exact.features.find(({ id }) => id === chosen[0]);
const hint = (text) => { get("hint").textContent = text; };

async function ask(path, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": get("csrf").value };
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    throw new Error(words.failed);
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const faults = (said.faults || []).map(({ field, message }) => [field, message].filter(Boolean).join("："));
  throw new Error([said.detail || words.failed, ...faults].join("\n"));
}

function refuse(error) {
  const box = get("refused");
  box.hidden = !error;
  box.replaceChildren(...(error ? error.message.split("\n").map((line) => textElement("p", line)) : []));
}

// ---- choosing --------------------------------------------------------------------------------------------------------

const onDay = (path) => `${path}${path.includes("?") ? "&" : "?"}as_of=${get("day").value}`;

async function showLand() {
  const collection = await ask(onDay(`/land-editor/areas?level=${get("level").value}`));
  layers.land.clearLayers();
  asPaths(collection, LAND, { onEachFeature: (feature, path) => {
    path.bindTooltip(textElement("span", feature.properties.name), { sticky: true });
    path.on("click", (event) => { if (tool === null || tool === "merge") { L.DomEvent.stopPropagation(event); pick(feature.id); } });
  } }).eachLayer((path) => layers.land.addLayer(path));
  const options = collection.features.map(({ id, properties }) => { const option = textElement("option", `${properties.name} ${properties.code}`); option.value = id; return option; });
  get("area").replaceChildren(get("area").options[0], ...options);
  await pick(null);
  if (collection.features.length) map.fitBounds(layers.land.getBounds(), { padding: [20, 20], animate: false });
}

function paintLand() {
  // what is there to the last bit takes the place of what is thinned out
  const drawn = new Set(exact ? exact.features.map(({ id }) => id) : []);
  layers.land.eachLayer((path) => path.setStyle(drawn.has(path.feature.id) ? HIDDEN : chosen.includes(path.feature.id) ? { ...LAND, ...CHOSEN } : { ...LAND, opacity: 1 }));
  get("area").value = String(chosen[0] ?? "");
}

async function pick(id) {
  if (tool === "merge" && id !== null) {
    chosen = chosen.includes(id) ? chosen.filter((each) => each !== id) : [id, ...chosen];
    paintLand();
    if (chosen.length > 1) await propose({ kind: "merge", area_ids: chosen });
    else withdraw();
    return;
  }
  chosen = id === null ? [] : [id];
  exact = null;
  use(null);
  if (id === null) return;
  try {
    exact = await ask(onDay(`/api/v1/land-edits/areas/${id}`));
  } catch (error) {
    refuse(error);
    return;
  }
  const area = own();
  drawBeside();
  hint(fill(words.chosen, { name: area.properties.name, m2: number(rings.roughM2(rings.open(area.geometry))) }));
  for (const button of document.querySelectorAll('[data-tool="reshape"], [data-tool="split"]')) button.disabled = false;
  map.fitBounds(L.geoJSON(area).getBounds(), { padding: [60, 60], animate: false });
}

function drawBeside() {
  layers.beside.clearLayers();
  for (const feature of exact ? exact.features : []) {
    const style = feature.id === chosen[0] ? { ...CHOSEN, interactive: false } : BESIDE;
    if (feature.id !== chosen[0] || tool !== "reshape") layers.beside.addLayer(nameAreas(L.geoJSON(feature, { style })));
  }
  paintLand();
}

// ---- tools -----------------------------------------------------------------------------------------------------------

function use(name) {
  tool = name;
  history = null;
  withdraw();
  layers.handles.clearLayers();
  layers.drawn.clearLayers();
  get("live").textContent = "";
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    if (!exact && ["reshape", "split"].includes(button.dataset.tool)) button.disabled = true;
  }
  get("map").classList.toggle("drawing", ["split", "create"].includes(name));
  if (name === "reshape") history = new rings.History(rings.open(own().geometry));
  if (name === "split" || name === "create") history = new rings.History([]);
  if (name === "create" || name === "merge") exact = null;
  if (name === "create") chosen = [];
  drawBeside();
  hint(name ? words[name] : words.choose);
  redraw();
}

function redraw() {
  get("undo").disabled = !history || !history.past.length;
  get("redo").disabled = !history || !history.future.length;
  get("cancel").disabled = tool === null;
  layers.drawn.clearLayers();
  if (tool === "reshape") drawRings();
  else if (history) drawLine();
  else layers.handles.clearLayers();
  fillTyped();
}

function change(state) {
  history.put(state);
  settle();
}

// After every step: draw, and ask the server what becomes of the neighbours.
function settle() {
  redraw();
  if (tool !== "reshape") return withdraw();
  const now = history.state;
  if (!history.past.length) return withdraw();
  return propose({ kind: "reshape", area_id: chosen[0], border: rings.close(now), moves: rings.moves(now) });
}

// ---- reshaping -------------------------------------------------------------------------------------------------------

function drawRings() {
  const state = history.state;
  drawOutline(state);
  layers.handles.clearLayers();
  const view = map.getBounds().pad(0.05);
  const visible = rings.vertices(state).filter(({ vertex }) => view.contains(latlng(vertex.at)));
  if (visible.length > HANDLES_AT_MOST) {
    hint(words.zoom);
    return;
  }
  hint(words.reshape);
  const fixed = (at) => exact.fixed.some((each) => rings.same(each, at));
  for (const { vertex, place } of visible) {
    layers.handles.addLayer(corner(vertex, place, vertex.from && fixed(vertex.from)));
    layers.handles.addLayer(between(state, place, rings.middle(state, place)));
  }
}

// A corner more: where the dot is clicked, or where it is dragged to.
function between(state, place, at) {
  const icon = L.divIcon({ className: "land-between", iconSize: [14, 14] });
  const dot = L.marker(latlng(at), { icon, draggable: true, keyboard: true, title: words.between, autoPan: true });
  const next = [place[0], place[1], place[2] + 1];
  const grown = () => rings.moved(rings.inserted(state, place, at), next, place_of(dot, { from: null }));
  held(dot, () => preview(grown()), () => { change(grown()); focusCorner(next); });
  dot.on("click keypress", ({ type, originalEvent }) => { if (type === "click" || originalEvent.key === "Enter") { change(rings.inserted(state, place, at)); focusCorner(next); } });
  return dot;
}

// Near its edge the map moves along with what is dragged; what is held must stay until it is let go.
function held(marker, onDrag, onEnd) {
  marker.on("dragstart", () => { dragging = true; });
  marker.on("drag", onDrag);
  marker.on("dragend", () => { dragging = false; onEnd(); });
}

function drawOutline(state) {
  layers.drawn.clearLayers();
  layers.drawn.addLayer(L.geoJSON({ type: "Feature", geometry: rings.close(state) }, { style: { ...CHOSEN, interactive: false } }));
}

function preview(state) {
  drawOutline(state);
  live(state);
}

function corner(vertex, place, isFixed) {
  const title = isFixed ? words.fixed : fill(words.corner, { number: place[2] + 1 });
  const icon = L.divIcon({ className: `land-corner${isFixed ? " fixed" : ""}`, iconSize: [18, 18] });
  const marker = L.marker(latlng(vertex.at), { icon, draggable: true, keyboard: true, title, autoPan: true });
  marker.place = place.join("-");
  const drag = () => {
    const at = place_of(marker, vertex);
    marker.setLatLng(latlng(at));
    preview(rings.moved(history.state, place, at));
    dragBeside(vertex.from, at);
  };
  held(marker, drag, () => change(rings.moved(history.state, place, place_of(marker, vertex))));
  marker.on("keydown", ({ originalEvent }) => byKey(originalEvent, vertex, place));
  return marker;
}

function place_of(marker, vertex) {
  const { lng, lat } = marker.getLatLng();
  return snap([lng, lat], vertex.from);
}

function snap(at, without = null) {
  if (!get("snap").checked) return at;
  const features = exact ? exact.features.filter(({ id }) => tool !== "reshape" || id !== chosen[0]) : [];
  const borders = features.flatMap(({ geometry }) => geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 1 : 0));
  return rings.snapped(at, borders, SNAP_PX, toPixel, without);
}

// A shared corner is one corner: neighbours follow while it is dragged.
function dragBeside(from, at) {
  if (!from) return;
  layers.beside.eachLayer((group) => group.eachLayer((path) => {
    const follow = (points) => points.map((each) => (Array.isArray(each[0]) ? follow(each) : rings.same(each, from) ? at : each));
    const { type, coordinates } = path.feature.geometry;
    path.setLatLngs(L.GeoJSON.coordsToLatLngs(follow(coordinates), type === "MultiPolygon" ? 2 : 1));
  }));
}

function live(state) {
  tellLive(...[rings.open(own().geometry), state].map(rings.roughM2));
}

function tellLive(before, after) {
  get("live").textContent = fill(words.live, { m2: number(after), percent: percent(before, after) });
}

const STEPS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };

function byKey(event, vertex, place) {
  if (event.key in STEPS) {
    const [north, east] = STEPS[event.key].map((step) => step * (event.shiftKey ? 10 : 1));
    event.preventDefault();
    change(rings.moved(history.state, place, rings.metresNorthEast(vertex.at, north, east)));
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    change(rings.removed(history.state, place));
  } else if (event.key === "Insert" || event.key === "+") {
    change(rings.inserted(history.state, place, rings.middle(history.state, place)));
  } else return;
  event.stopPropagation();
  live(history.state);
  focusCorner(place);
}

function focusCorner(place) {
  layers.handles.eachLayer((marker) => { if (marker.place === place.join("-")) marker.getElement().focus({ preventScroll: true }); });
}

// ---- drawing a line or a new area ------------------------------------------------------------------------------------

function drawLine() {
  const points = history.state;
  const style = { color: "#b3420b", weight: 3, interactive: false };
  layers.drawn.addLayer(tool === "create" && points.length > 2 ? L.polygon(points.map(latlng), style) : L.polyline(points.map(latlng), style));
  layers.handles.clearLayers();
  points.forEach((at) => layers.handles.addLayer(L.circleMarker(latlng(at), { radius: 5, color: "#b3420b", fillColor: "#fff", fillOpacity: 1, interactive: false })));
}

function finish() {
  const points = history ? history.state : [];
  if (tool === "split" && points.length > 1) propose({ kind: "split", area_id: chosen[0], line: points });
  if (tool === "create" && points.length > 2) {
    propose({ kind: "create", level: get("level").value, border: { type: "Polygon", coordinates: [[...points, points[0]]] } });
  }
}

map.on("click", ({ latlng: { lng, lat } }) => {
  if (tool !== "split" && tool !== "create") return;
  const at = snap([lng, lat]);
  const last = history.state.at(-1);
  if (!last || !rings.same(last, at)) change([...history.state, at]);
});
map.on("dblclick", finish);
map.on("moveend", () => { if (tool === "reshape" && !dragging) drawRings(); });

// ---- typing corners --------------------------------------------------------------------------------------------------

function fillTyped() {
  const points = tool === "reshape" ? history.state[0][0].map(({ at }) => at) : history ? history.state : [];
  get("typed").value = points.map((at) => at.join(", ")).join("\n");
}

get("take").addEventListener("click", () => {
  const points = get("typed").value.split("\n").filter((line) => line.trim()).map((line) => line.split(/[,，\s]+/).map(Number));
  if (!history || points.some((at) => at.length !== 2 || at.some(Number.isNaN))) return refuse(new Error(words.coordinates));
  refuse(null);
  if (tool === "reshape") {
    const known = new Map(history.state[0][0].map((vertex) => [vertex.at.join(), vertex]));
    const ring = points.map((at) => known.get(at.join()) || { at, from: null });
    return change([[ring, ...history.state[0].slice(1)], ...history.state.slice(1)]);
  }
  change(points);
  return finish();
});

// ---- what becomes of it ----------------------------------------------------------------------------------------------

function withdraw() {
  asking += 1;
  proposal = null;
  refuse(null);
  layers.becomes.clearLayers();
  get("parts").replaceChildren();
  get("proposal").hidden = true;
}

async function propose(edit) {
  withdraw();
  const mine = asking;
  get("hint").textContent = words.checking;
  try {
    const found = await ask(onDay("/api/v1/land-edits"), edit);
    if (mine !== asking) return;
    proposal = found;
    tell();
  } catch (error) {
    if (mine === asking) refuse(error);
  } finally {
    if (mine === asking) hint(words[tool] || words.choose);
  }
}

function tell() {
  layers.becomes.addLayer(L.geoJSON(proposal.borders, { style: BECOMES }));
  const mine = proposal.borders.features.find(({ properties }) => tool === "reshape" && properties.area_id === chosen[0]);
  if (mine) tellLive(mine.properties.m2_before, mine.properties.m2_after); // what was told while dragging is rough
  const lines = proposal.borders.features.map(({ properties: { name, m2_before, m2_after } }) =>
    fill(m2_before ? words.changed : words.founded, { name: name || words.new, before: number(m2_before), after: number(m2_after), percent: percent(m2_before, m2_after) }));
  const moves = proposal.moved.map(({ from_name, to_name, area_m2 }) =>
    fill(words.moved, { m2: number(area_m2), from: from_name || words.nobody, to: to_name || words.nobody }));
  get("told").replaceChildren(...[...lines, ...moves, ...proposal.notes].map((line) => textElement("li", line)));
  get("parts").replaceChildren(...nameless().map(namePart), ...swapping());
  get("proposal").hidden = false;
}

// Parts that were there before their map: whose is which piece of ground is for a person to say.
function swapping() {
  const { asked, borders } = proposal;
  const waited = asked.kind === "redraw" && borders.features.every(({ properties }) => properties.m2_before === 0);
  if (!waited) return [];
  const button = textElement("button", words.swap);
  Object.assign(button, { type: "button", className: "second", id: "swap" });
  button.addEventListener("click", () => {
    const shapes = asked.borders.map(({ border }) => border);
    const seen = borders.features.map(({ geometry, properties }) => [geometry, properties.m2_after]);
    asked.borders.forEach((each, place) => { each.border = shapes[(place + 1) % shapes.length]; });
    borders.features.forEach((each, place) => { [each.geometry, each.properties.m2_after] = seen[(place + 1) % seen.length]; });
    layers.becomes.clearLayers();
    tell();
  });
  return [button];
}

// What a person has to name: the areas that a split, a merge or a drawing leaves.
function nameless() {
  const { asked } = proposal;
  if (asked.kind === "split") return asked.parts;
  if (asked.kind === "merge") return [asked.into];
  return asked.kind === "create" ? [asked] : [];
}

function namePart(part, place) {
  const box = document.createElement("fieldset");
  const { m2_after } = proposal.borders.features[place].properties;
  box.append(textElement("legend", fill(words.part, { number: place + 1, m2: number(m2_after) })));
  for (const [field, length] of [["name", 200], ["code", 64]]) {
    const input = document.createElement("input");
    Object.assign(input, { value: part[field], required: true, maxLength: length });
    input.addEventListener("input", () => { part[field] = input.value.trim(); });
    const label = textElement("label", words[field]);
    label.append(input);
    box.append(label);
  }
  return box;
}

get("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(get("save"));
  const order = { mode: form.get("mode"), day: get("day").value, asked: proposal.asked, note: form.get("note").trim() || null };
  try {
    const { id } = await ask("/api/v1/land-changes", order);
    window.location.assign(`/changes/${id}`);
  } catch (error) {
    refuse(error);
    get("refused").scrollIntoView({ block: "nearest" });
  }
});

// ---- keys and buttons ------------------------------------------------------------------------------------------------

function step(way) {
  if (history && history[way]()) settle();
}

function cancel() {
  if (tool === null) return;
  use(null);
  hint(words.discarded);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const key = event.key.toLowerCase();
  if (event.key === "Escape") return cancel();
  if (typing) return undefined;
  if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
    event.preventDefault();
    return step(key === "y" || event.shiftKey ? "redo" : "undo");
  }
  if (event.key === "Enter" && (tool === "split" || tool === "create") && !event.target.closest("button, a, summary")) return finish();
  return undefined;
});
get("undo").addEventListener("click", () => step("undo"));
get("redo").addEventListener("click", () => step("redo"));
get("cancel").addEventListener("click", cancel);
get("area").addEventListener("change", ({ target }) => pick(target.value ? Number(target.value) : null));
get("level").addEventListener("change", () => showLand().catch(refuse));
get("day").addEventListener("change", () => { if (get("day").value) showLand().catch(refuse); });
for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => use(button.dataset.tool));

window.landEditor = { map, layers, state: () => ({ tool, chosen, history, proposal }) };
await showLand().catch(refuse);
get("map").dataset.ready = "true";
