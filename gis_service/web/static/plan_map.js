// Beats by hand: click a compound, choose the beat that gets it, see loads, contiguity and cost, then give it.
import { asPaths, makeMap, textElement } from "./land_map.js";

const box = document.querySelector(".plan-edit");
const panel = box.querySelector(".plan-panel");
const words = JSON.parse(box.dataset.words);
const api = `/api/v1/planning/scenarios/${box.dataset.scenario}`;
const said = (template, values) => template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const amount = (number) => number.toLocaleString("en");

const answer = await fetch(`/planning/scenarios/${box.dataset.scenario}/map`, { credentials: "same-origin" });
const given = await answer.json();
const beats = new Map(given.beats.map((beat) => [beat.key, beat]));
const units = new Map(given.units.map((unit) => [unit.no, unit]));
const inArea = Map.groupBy ? Map.groupBy(given.units, (unit) => unit.area) : grouped(given.units);
const near = new Map();
let pairing = null;
for (const [one, other] of given.edges) {
  near.set(one, [...(near.get(one) || []), other]);
  near.set(other, [...(near.get(other) || []), one]);
}

function grouped(all) {
  const found = new Map();
  for (const unit of all) found.set(unit.area, [...(found.get(unit.area) || []), unit]);
  return found;
}

// A barrier is drawn between two middles, not along the way from one to the other.
function across([one, other]) {
  const middle = [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
  const flat = Math.cos((middle[0] * Math.PI) / 180);
  const [north, east] = [(other[1] - one[1]) * flat * 0.3, ((one[0] - other[0]) / flat) * 0.3];
  return [[middle[0] - north, middle[1] - east], [middle[0] + north, middle[1] + east]];
}

function mainBeat(area) {
  const own = inArea.get(area) || [];
  return own.reduce((best, unit) => (!best || unit.migrants > best.migrants ? unit : best), null)?.beat;
}

function style(feature) {
  const beat = beats.get(mainBeat(feature.properties.id));
  const divided = new Set((inArea.get(feature.properties.id) || []).map((unit) => unit.beat)).size > 1;
  return { color: "#5b6772", weight: divided ? 2 : 0.8, dashArray: divided ? "4 3" : null, fillColor: beat ? beat.fill : "#f3d6ea", fillOpacity: 0.85 };
}

const map = makeMap(document.getElementById("plan-map"), { attributionControl: false });
const layer = asPaths(given.features, style, {
  onEachFeature: (feature, path) => {
    path.on("click", () => choose(feature.properties.id));
    path.bindTooltip(() => textElement("span", `${feature.properties.name} · ${beats.get(mainBeat(feature.properties.id))?.name ?? words.nobody}`), { sticky: true });
    path.on("add", () => {
      const element = path.getElement();
      element.setAttribute("tabindex", "0");
      element.setAttribute("role", "button");
      element.setAttribute("aria-label", feature.properties.name);
      element.dataset.areaId = feature.properties.id;
      element.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          choose(feature.properties.id);
        }
      });
    });
  },
}).addTo(map);
map.fitBounds(layer.getBounds(), { padding: [12, 12] });
const LINES = { bridges: { color: "#0b5cad", weight: 4 }, added: { color: "#0b5cad", weight: 2, dashArray: "2 5" }, barriers: { color: "#b3261e", weight: 4 } };
for (const [kind, look] of Object.entries(LINES)) {
  for (const mark of given.marks[kind]) window.L.polyline(kind === "barriers" ? across(mark.line) : mark.line, { ...look, interactive: false }).addTo(map);
}
for (const lock of given.locks) window.L.circleMarker(lock.at, { radius: 5, color: "#ffffff", weight: 1.5, fillColor: "#111111", fillOpacity: 1, interactive: false }).addTo(map);

function choose(area, no = null) {
  const own = inArea.get(area) || [];
  const unit = no === null ? own[0] : units.get(no);
  if (!unit) return;
  if (pairing && pairing.from !== unit.no) {
    mark(pairing.kind, [pairing.from, unit.no], true);
    return;
  }
  pairing = null;
  layer.resetStyle();
  layer.eachLayer((path) => path.feature.properties.id === area && path.setStyle({ color: "#111111", weight: 3 }));
  const close = textElement("button", words.close, { type: "button", class: "plain" });
  close.addEventListener("click", () => {
    pairing = null;
    panel.hidden = true;
    layer.resetStyle();
  });
  panel.replaceChildren(textElement("h3", unit.name));
  if (own.length > 1) panel.append(chooser(own.map((each) => [each.no, each.name]), unit.no, (value) => choose(area, Number(value))));
  const beat = beats.get(unit.beat);
  panel.append(facts([[words.beat, beat?.name ?? words.nobody], [words.officer, beat?.officer ?? words.nobody], [words.migrants, amount(unit.migrants)]]));
  if (box.dataset.mayEdit) panel.append(...giving(unit), marking(unit));
  panel.append(close);
  panel.hidden = false;
}

function facts(pairs) {
  const list = document.createElement("dl");
  for (const [name, value] of pairs) list.append(textElement("dt", name), textElement("dd", value));
  return list;
}

function chooser(options, chosen, changed) {
  const select = document.createElement("select");
  for (const [value, label] of options) select.append(textElement("option", label, value === chosen ? { value, selected: "" } : { value }));
  select.addEventListener("change", () => changed(select.value));
  return select;
}

// The neighbours' beats first: only these can stay in one piece.
function giving(unit) {
  const around = [...new Set((near.get(unit.no) || []).map((other) => units.get(other)?.beat).filter((key) => key && key !== unit.beat))];
  const rest = [...beats.keys()].filter((key) => key !== unit.beat && !around.includes(key));
  const options = [["", words.choose], ["new", words.new], ...[...around, ...rest].map((key) => [key, `${beats.get(key).name} · ${amount(beats.get(key).migrants)}`])];
  const told = document.createElement("div");
  const give = textElement("button", words.give, { type: "button", disabled: "" });
  let chosen = "";
  const select = chooser(options, "", async (key) => {
    chosen = key;
    give.disabled = !key;
    told.replaceChildren();
    if (!key || key === "new") return;
    const balance = await send("balance", { units: [unit.no], beat: key });
    if (balance) told.replaceChildren(...balanced(balance));
  });
  give.addEventListener("click", async () => {
    give.disabled = true;
    const step = chosen === "new" ? { kind: "new_beat", units: [unit.no] } : { kind: "give", units: [unit.no], beat: chosen };
    if (await send("steps", { step, after_step: given.steps })) {
      window.location.hash = "by-hand";
      window.location.reload();
    }
  });
  const label = textElement("label", words.to);
  label.append(select);
  return [label, told, give];
}

// Locks, bridges and barriers: what the next drawing respects. A pair is made by choosing the other compound.
function marking(unit) {
  const row = document.createElement("div");
  row.className = "marks";
  const add = (label, act) => {
    const button = textElement("button", label, { type: "button", class: "second" });
    button.addEventListener("click", act);
    row.append(button);
  };
  const locked = given.locks.some((lock) => lock.unit === unit.no);
  if (unit.beat) add(locked ? words.unlock : words.lock, () => mark("lock", [unit.no], !locked));
  const pair = (kind, label) =>
    add(label, () => {
      pairing = { kind, from: unit.no };
      row.replaceChildren(textElement("p", words.other, { role: "status" }));
    });
  pair("bridge", words.bridge);
  pair("barrier", words.barrier);
  for (const kind of ["bridges", "barriers"]) {
    for (const found of given.marks[kind].filter((each) => each.units.includes(unit.no))) {
      const other = units.get(found.units.find((no) => no !== unit.no));
      add(said(kind === "bridges" ? words.unbridge : words.unbar, { name: other.name }), () => mark(kind.slice(0, -1), found.units, false));
    }
  }
  return row;
}

async function mark(kind, pair, on) {
  pairing = null;
  const step = { kind: "mark", mark: kind, units: pair, on };
  if (await send("steps", { step, after_step: given.steps })) {
    window.location.hash = "by-hand";
    window.location.reload();
  }
}

function balanced(balance) {
  const rows = Object.entries(balance.loads).map(([key, load]) => {
    const share = balance.deviations[key] * 100;
    return [beats.get(key)?.name ?? key, `${amount(load)} (${share >= 0 ? "+" : ""}${share.toFixed(1)} %)`];
  });
  const pieces = balance.broken.length
    ? balance.broken.map((key) => textElement("p", said(words.broken, { beat: beats.get(key)?.name ?? key }), { class: "bad" }))
    : [textElement("p", words.whole, { class: "good" })];
  return [facts(rows), ...pieces, textElement("p", said(words.addresses, { count: amount(balance.addresses) }))];
}

async function send(what, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": box.dataset.csrf };
  const reply = await fetch(`${api}/${what}`, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
  if (reply.ok) return reply.json();
  const problem = await reply.json().catch(() => ({}));
  panel.append(textElement("p", problem.detail || words.failed, { class: "fault", role: "alert" }));
  return null;
}
