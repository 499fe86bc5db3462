// The officer's page: today's walk, the map, every address of the beats, and what waits to be sent.
"use strict";

import { SignedOut, sendWaiting } from "./queue.js";
import * as store from "./store.js";

const L = window.L;
const said = JSON.parse(document.getElementById("words").textContent);
const main = document.getElementById("content");
const tabs = document.getElementById("tabs");
const state = document.getElementById("state");
const toast = document.getElementById("toast");
const UNDO_MS = 6000;
const RETRY_MS = 30_000;
const SHOWN = 100;
const MARK_PX = 24;

let bundle = null;
let tab = "today";
let shown = null;
let map = null;
let waitingCount = 0;
let lastReceived = null;
const heldBack = new Set();

// words and elements

function word(name, values = {}) {
  return Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, value), said.words[name]);
}

const code = (value) => said.codes[value] || value;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const button = (text, onclick, kind = "") => make("button", { type: "button", class: kind, onclick }, text);

const icons = {
  today: "M4 6h16M4 12h10M4 18h7",
  map: "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
  all: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  waiting: "M12 20V5M5 12l7-7 7 7",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", icons[name]);
  svg.append(path);
  return svg;
}

// the lock

function askPin(isNew) {
  return new Promise((resolve) => {
    const fault = make("p", { class: "fault", role: "alert", id: "pin-fault", hidden: true });
    const input = make("input", {
      type: "password", inputmode: "numeric", autocomplete: isNew ? "new-password" : "current-password",
      pattern: "[0-9]*", maxlength: 12, id: "pin", "aria-describedby": "pin-fault", required: true,
    });
    const tell = (name) => {
      fault.hidden = false;
      fault.textContent = word(name);
      input.value = "";
      input.focus();
    };
    const form = make("form", { class: "lock" },
      make("input", { type: "text", autocomplete: "username", value: "field", hidden: true }),
      make("label", { for: "pin" }, word(isNew ? "pin_new" : "pin")), input, fault, make("button", {}, word("open")));
    let wrong = 0;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const pin = input.value;
      const steps = new Set([...pin].slice(1).map((digit, place) => Number(digit) - Number(pin[place])));
      if (isNew && !/^\d{6,12}$/.test(pin)) return tell("pin_short");
      if (isNew && steps.size === 1 && [0, 1, -1].includes([...steps][0])) return tell("pin_foreseen");
      form.lastChild.disabled = true;
      if (wrong > 3) await new Promise((go) => { setTimeout(go, 1000 * 2 ** (wrong - 3)); });
      const fits = isNew ? (await store.setUp(pin), true) : await store.unlock(pin);
      form.lastChild.disabled = false;
      if (fits) return resolve();
      wrong += 1;
      return tell("pin_wrong");
    });
    main.replaceChildren(form);
    input.focus();
  });
}

// what is on the device, and what the server has

async function fetchBundle() {
  const answer = await fetch("/api/v1/field/offline", { headers: { Accept: "application/json" } });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function refresh() {
  try {
    bundle = await fetchBundle();
    if (!said.read_only) await store.keepBundle(bundle);
    lastReceived = new Date();
    await showState("online");
  } catch (error) {
    await showState(error instanceof SignedOut ? "sign_in" : "offline");
    if (!bundle) bundle = await store.readBundle();
  }
}

async function send() {
  if (said.read_only) return;
  try {
    const made = new Map((await store.readRecords()).map(({ key, record }) => [key, record]));
    const receipts = await sendWaiting(heldBack);
    if (receipts.length) await store.keepReceipts(receipts.map((each) => receiptOf(each, made.get(each.receipt_key))));
    const conflict = receipts.find(({ receipt }) => receipt === "conflict");
    if (conflict) tell(word("conflict", { said: conflict.said }));
    else if (receipts.length) tell(word("sent", { count: receipts.filter(({ receipt }) => receipt !== "refused").length }));
    if (receipts.length) await refresh();
    else await showState(lastReceived ? "online" : "offline");
  } catch (error) {
    await showState(error instanceof SignedOut ? "sign_in" : "offline");
  }
  if (tab === "waiting" && !shown) await show();
}

// What is kept of a receipt: enough to say which record it was, and what became of it.
function receiptOf({ receipt_key, receipt, visit_id, said: what }, { address_id, kind, outcome, made_at }) {
  const address = bundle && addressOf(address_id);
  return { receipt_key, receipt, visit_id, said: what, kind, outcome, made_at, text: address ? shortText(address) : String(address_id) };
}

async function showState(kind) {
  waitingCount = said.read_only ? 0 : (await store.readRecords()).length;
  state.className = kind;
  if (kind === "online") {
    state.textContent = word("online", { time: (lastReceived || new Date()).toTimeString().slice(0, 5) });
  } else if (kind === "sign_in") {
    state.replaceChildren(make("a", { href: "/sign-in?next=/field" }, word("sign_in")));
  } else {
    state.textContent = word("offline", { count: waitingCount });
  }
  drawTabs();
}

let toastTimer = 0;
function tell(text, action = null) {
  toast.replaceChildren(make("span", {}, text));
  if (action) toast.append(button(action.label, () => { toast.hidden = true; action.run(); }));
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, UNDO_MS);
}

// lists

// What all addresses of the beats begin with says nothing in the lane.
function shortText({ text }) {
  const texts = bundle.addresses.map((address) => address.text);
  let shared = 0;
  while (texts.length > 1 && shared < texts[0].length && texts.every((each) => each[shared] === texts[0][shared])) shared += 1;
  while (shared && /[0-9A-Za-z]/.test(texts[0][shared - 1])) shared -= 1;
  return text.length - shared > 3 ? text.slice(shared) : text;
}

const addressOf = (id) => bundle.addresses.find(({ address_id }) => address_id === id);
const tasksAt = (id) => bundle.tasks.filter(({ address_id }) => address_id === id);

function dueText(task) {
  if (task.overdue_days > 0) return word("overdue", { days: task.overdue_days });
  return task.overdue_days === 0 ? word("due_today") : word("due_on", { day: task.due_on });
}

function taskTag(task) {
  const pressing = task.overdue_days > 0 ? "late" : "";
  return make("span", { class: `tag ${pressing} ${task.grade || ""}` },
    `${code(task.why)}${task.grade ? ` · ${code(task.grade)}` : ""} · ${dueText(task)}`);
}

function addressItem(address, stop = null) {
  const tasks = tasksAt(address.address_id);
  return make("li", {}, make("button", { type: "button", class: "place", onclick: () => showAddress(address.address_id) },
    stop === null ? null : make("span", { class: "stop", "aria-label": word("stop", { number: stop }) }, String(stop)),
    make("span", { class: "place-text" }, make("strong", {}, shortText(address)),
      make("span", { class: "quiet" }, address.area_name || ""), ...tasks.map(taskTag))));
}

function drawToday() {
  const news = bundle.news.map(({ what, name, since }) => make("li", {}, word(`news_${what}`, { name, day: since })));
  const stops = [...new Map(bundle.tasks.map((task) => [task.address_id, task.stop]))].sort((a, b) => a[1] - b[1]);
  return [
    news.length ? make("details", { class: "news" }, make("summary", {}, `${word("news")} (${news.length})`), make("ul", {}, ...news)) : null,
    stops.length ? button(word("here"), walkFromHere, "second wide") : null,
    stops.length
      ? make("ol", { class: "places" }, ...stops.map(([id, stop]) => addressItem(addressOf(id), stop)))
      : make("p", { class: "empty" }, word("nothing_due")),
  ];
}

function walkFromHere() {
  navigator.geolocation.getCurrentPosition(async ({ coords }) => {
    try {
      const answer = await fetch(`/api/v1/field/today?lon=${coords.longitude}&lat=${coords.latitude}`);
      if (!answer.ok) return;
      const stops = new Map((await answer.json()).items.map(({ address_id, stop }) => [address_id, stop]));
      for (const task of bundle.tasks) task.stop = stops.get(task.address_id) ?? task.stop;
      await show();
    } catch {
      await showState("offline");
    }
  });
}

function drawAll() {
  const list = make("ul", { class: "places" });
  const fill = (wanted) => {
    const words = wanted.trim().toLowerCase().split(/\s+/);
    const found = bundle.addresses.filter(({ text, code: number }) => words.every((part) => `${text} ${number}`.toLowerCase().includes(part)));
    list.replaceChildren(...(found.length ? found.slice(0, SHOWN).map((address) => addressItem(address)) : [make("li", { class: "empty" }, word("no_match"))]));
  };
  const input = make("input", { type: "search", "aria-label": word("search"), placeholder: word("search"), oninput: () => fill(input.value) });
  fill("");
  return [input, list];
}

function drawMap() {
  const box = make("div", { class: "field-map", role: "application", "aria-label": word("map") });
  requestAnimationFrame(() => {
    map = L.map(box, { zoomControl: false, attributionControl: false, maxZoom: 20 });
    L.control.scale({ imperial: false }).addTo(map);
    const land = L.geoJSON(bundle.land, { style: { className: "beat-land" }, interactive: false });
    const spots = bundle.addresses.filter((each) => each.lon !== null);
    const bounds = spots.length ? L.latLngBounds(spots.map(({ lon, lat }) => [lat, lon])) : land.getBounds();
    if (!bounds.isValid()) return;
    map.fitBounds(bounds, { padding: [40, 40], maxZoom: 19 });
    land.addTo(map);
    land.eachLayer((area) => area.bindTooltip(make("span", {}, area.feature.properties.name), { permanent: true, direction: "center", className: "land-name" }));
    const walk = [...new Map(bundle.tasks.map((task) => [task.stop, addressOf(task.address_id)]))].sort((a, b) => a[0] - b[0])
      .map(([, address]) => address).filter((address) => address && address.lon !== null);
    L.polyline(walk.map(({ lon, lat }) => [lat, lon]), { className: "walk", interactive: false }).addTo(map);
    const stops = [];
    for (const { address_id, lon, lat } of spots) {
      const [task] = tasksAt(address_id);
      const open = () => showAddress(address_id);
      if (!task) L.circleMarker([lat, lon], { radius: 3, className: "spot" }).on("click", open).addTo(map);
      else {
        const late = task.overdue_days > 0 ? "late" : "";
        const mark = L.divIcon({ className: `stop-mark ${late}`, html: make("span", {}, String(task.stop)), iconSize: [28, 28] });
        stops.push({ order: task.stop, marker: L.marker([lat, lon], { icon: mark, keyboard: true, title: addressOf(address_id).text, zIndexOffset: 10_000 - 100 * task.stop }).on("click", open).addTo(map) });
      }
    }
    stops.sort((a, b) => a.order - b.order);
    const thin = () => {
      const taken = [];
      for (const { marker } of stops) {
        const place = map.latLngToLayerPoint(marker.getLatLng());
        const crowded = taken.some((other) => other.distanceTo(place) < MARK_PX);
        if (!crowded) taken.push(place);
        marker.getElement().classList.toggle("crowded", crowded);
      }
    };
    map.on("zoomend", thin);
    thin();
    map.on("locationfound", ({ latlng }) => L.circleMarker(latlng, { radius: 8, className: "me" }).addTo(map));
    map.locate({ watch: false });
  });
  return [box];
}

async function drawWaiting() {
  const records = await store.readRecords();
  const receipts = drawReceipts(await store.readReceipts());
  if (!records.length) return [make("p", { class: receipts ? "quiet" : "empty", id: "all-sent" }, word("nothing_waiting")), receipts];
  const items = records.map(({ key, record, refused }) => {
    const address = bundle && addressOf(record.address_id);
    const drop = async () => {
      if (!window.confirm(word("forget_sure"))) return;
      await store.forgetRecord(key);
      await show();
    };
    return make("li", { class: "kept" }, make("strong", {}, address ? shortText(address) : String(record.address_id)),
      make("span", {}, `${code(record.kind)} · ${code(record.outcome)} · ${new Date(record.made_at).toLocaleString()}`),
      refused ? make("p", { class: "fault" }, word("refused", { why: refused })) : null,
      refused ? button(word("forget"), drop, "plain") : null);
  });
  return [button(word("send_now"), send, "wide"), make("ul", { class: "places" }, ...items), receipts];
}

// One line a record that the server has answered for; a conflict stays in sight with what somebody has to look at.
function drawReceipts(receipts) {
  if (!receipts.length) return null;
  const items = receipts.map(({ receipt, visit_id, said: what, kind, outcome, made_at, text }) =>
    make("li", { class: `kept ${receipt}` }, make("strong", {}, text),
      make("span", {}, `${code(kind)} · ${code(outcome)} · ${new Date(made_at).toLocaleString()}`),
      make("span", { class: "quiet" }, [visit_id && word("receipt", { number: visit_id }), what].filter(Boolean).join(" · "))));
  return make("section", { class: "receipts" }, make("h2", {}, word("receipts")), make("ul", { class: "places" }, ...items));
}

// one address

function rentalBox(rental) {
  const facts = word("rental_facts", rental);
  const tag = make("span", { class: `tag ${rental.grade}` }, code(rental.grade));
  const why = suspicions(rental);
  return make("p", {}, `${word("rental")}: `, tag, ` ${facts}`, why.length ? make("strong", { class: "suspected" }, word("suspected", { why: why.join("、") })) : null);
}

function suspicions({ rooms, beds, residents, usable_area_m2: area }) {
  const found = [];
  const limits = said.limits;
  if (area && residents && area / residents < limits.area_m2) found.push(word("per_person", { number: (area / residents).toFixed(1) }));
  if (rooms && residents / rooms > limits.per_room) found.push(word("per_room", { number: (residents / rooms).toFixed(1) }));
  if (rooms >= limits.rooms) found.push(word("many_rooms", { number: rooms }));
  if (beds >= limits.beds) found.push(word("many_beds", { number: beds }));
  return found;
}

function checklist(rental) {
  const warning = make("p", { class: "suspected", role: "status" });
  const fields = {};
  const read = () => Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, input.value === "" ? null : Number(input.value)]));
  const warn = () => {
    const why = suspicions(read());
    warning.textContent = why.length ? word("suspected", { why: why.join("、") }) : "";
  };
  const entry = (name, label, value, step = 1) => {
    fields[name] = make("input", { type: "number", inputmode: "decimal", min: 0, step, value: value ?? "", oninput: warn });
    return make("label", {}, word(label), fields[name]);
  };
  const box = make("fieldset", { class: "checklist" }, make("legend", {}, word("checklist")),
    entry("rooms", "rooms", rental?.rooms), entry("beds", "beds", rental?.beds), entry("residents", "persons", rental?.residents),
    entry("usable_area_m2", "area_m2", rental?.usable_area_m2, 0.1), warning);
  warn();
  return { box, read };
}

function recordForm(address, tasks, rental) {
  const first = tasks.length ? said.kind_of[tasks[0].why] : said.kinds[0];
  const kind = make("select", { "aria-label": word("what") }, ...said.kinds.map((each) => make("option", { value: each, selected: each === first }, code(each))));
  const list = checklist(rental);
  const fit = () => { list.box.hidden = kind.value !== "rental_inspection"; };
  kind.addEventListener("change", fit);
  fit();
  const note = make("textarea", { rows: 2, maxlength: 500 });
  const photo = make("input", { type: "file", accept: "image/jpeg,image/png", capture: "environment" });
  const keep = async (outcome) => {
    const record = {
      receipt_key: crypto.randomUUID(), address_id: address.address_id, kind: kind.value, outcome,
      made_at: new Date().toISOString(), note: note.value.trim() || null, figures: null,
    };
    if (kind.value === "rental_inspection") {
      const figures = list.read();
      if ([figures.rooms, figures.beds, figures.residents].every((value) => value !== null)) record.figures = figures;
    }
    await store.keepRecord(record, photo.files[0] || null);
    heldBack.add(record.receipt_key);
    const release = setTimeout(() => { heldBack.delete(record.receipt_key); send(); }, UNDO_MS);
    const undo = async () => {
      clearTimeout(release);
      heldBack.delete(record.receipt_key);
      await store.forgetRecord(record.receipt_key);
      bundle.tasks.push(...settled);
      await store.keepBundle(bundle);
      tell(word("undone"));
      await show();
    };
    const isSettled = ["done", "to_follow_up", "no_such_place"].includes(outcome);
    const settled = isSettled ? bundle.tasks.filter((task) => task.address_id === address.address_id && said.kind_of[task.why] === kind.value) : [];
    bundle.tasks = bundle.tasks.filter((task) => !settled.includes(task));
    await store.keepBundle(bundle);
    tell(word("done", { address: shortText(address) }), { label: word("undo"), run: undo });
    closeAddress();
  };
  return make("section", { class: "record" },
    make("label", {}, word("what"), kind), list.box,
    make("details", {}, make("summary", {}, word("more")), make("label", {}, word("note"), note), make("label", {}, word("photo"), photo)),
    make("div", { class: "outcomes" }, ...said.outcomes.map((outcome) => button(code(outcome), () => keep(outcome), outcome === "done" ? "" : "second"))));
}

async function showAddress(id) {
  shown = id;
  const address = addressOf(id);
  const tasks = tasksAt(id);
  const residents = bundle.residents.filter(({ address_id }) => address_id === id);
  const rental = bundle.rentals.find(({ address_id }) => address_id === id);
  const people = residents.map(({ name, registered_on }) => make("li", {}, name, make("span", { class: "quiet" }, ` ${word("since", { day: registered_on })}`)));
  const visited = address.last_visit ? word("visited", { day: address.last_visit.slice(0, 10) }) : word("never_visited");
  main.replaceChildren(make("article", { class: "address" },
    button(`‹ ${word("close")}`, closeAddress, "plain"),
    make("h2", {}, address.text),
    make("p", { class: "quiet" }, [address.area_name, visited].filter(Boolean).join(" · ")),
    make("p", { class: "tags" }, ...tasks.map(taskTag)),
    rental ? rentalBox(rental) : null,
    make("details", { open: residents.length < 6 }, make("summary", {}, word("residents", { count: residents.length })),
      people.length ? make("ul", { class: "people" }, ...people) : make("p", { class: "quiet" }, word("nobody_registered"))),
    said.read_only ? make("p", { class: "quiet" }, word("read_only")) : recordForm(address, tasks, rental)));
  main.focus();
  window.scrollTo(0, 0);
}

async function closeAddress() {
  shown = null;
  await showState(state.className || "offline");
  await show();
}

// the whole

function drawTabs() {
  tabs.hidden = false;
  tabs.replaceChildren(...["today", "map", "all", "waiting"].map((name) => {
    const count = name === "today" && bundle ? new Set(bundle.tasks.map(({ address_id }) => address_id)).size : name === "waiting" ? waitingCount : 0;
    const select = () => { tab = name; shown = null; show(); };
    return make("button", { type: "button", "aria-current": tab === name ? "page" : null, onclick: select },
      icon(name), make("span", {}, word(name)), count ? make("span", { class: "count" }, String(count)) : null);
  }));
}

async function show() {
  if (map) map.remove();
  map = null;
  drawTabs();
  if (!bundle && tab !== "waiting") return main.replaceChildren(make("p", { class: "empty" }, word("expired")));
  const parts = tab === "today" ? drawToday() : tab === "map" ? drawMap() : tab === "all" ? drawAll() : await drawWaiting();
  main.className = tab;
  main.replaceChildren(...parts.filter(Boolean));
  return undefined;
}

async function start() {
  if ("serviceWorker" in navigator && window.isSecureContext) await navigator.serviceWorker.register("/field/worker.js", { scope: "/field" });
  if (!said.read_only) {
    await askPin(!(await store.isSetUp()));
    bundle = await store.readBundle();
    if (bundle) await show();
  }
  await refresh();
  await show();
  await send();
  window.addEventListener("online", async () => { await send(); await refresh(); });
  window.addEventListener("offline", () => showState("offline"));
  setInterval(() => { if (waitingCount) send(); }, RETRY_MS);
  document.getElementById("sign-out").addEventListener("submit", (event) => {
    if (!waitingCount) return;
    event.preventDefault();
    window.alert(word("unsent_leave"));
  });
}

start();
