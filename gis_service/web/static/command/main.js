// The command centre: what is asked for (state), what is fetched for it, and the parts that show it.
import { Alerts } from "./alerts.js";
import { Answers } from "./data.js";
import { MapView, together } from "./map.js";
import { given, make, monthsFrom, say, words } from "./page.js";
import { Panel } from "./panel.js";
import { Points } from "./points.js";
import { Search } from "./search.js";
import { showTable } from "./table.js";
import { Wall } from "./wall.js";

const LEVELS = ["township", "village", "compound"];
const WAIT_MS = 300;
const at = (id) => document.getElementById(id);
const answers = new Answers();
const asked = new URLSearchParams(location.search);
const state = {
  day: given.day,
  indicator: asked.get("indicator") ?? "load",
  place: Number(asked.get("place")) || given.root,
  level: null,
  beside: null, // the second map: { months } earlier, or another { indicator }
};
const first = new MapView(at("cc-first"), (id) => go({ place: id, level: null }));
let second = null;
const panel = new Panel(at("cc-panel"));
const points = new Points(first, () => first.fit(state.beside && second));
const alerts = new Alerts(at("cc-alerts"), (id) => go({ place: id, level: null }));
const tree = new Map(); // id → { id, name, code, level, parent }

const urls = {
  land: (level, day) => `/command/land/${level}?as_of=${day}`,
  indicator: (name, day) => `/command/indicators/${name}?as_of=${day}`,
  place: (id, day) => `/command/places/${id}?as_of=${day}`,
  buildings: (id, day) => `/command/buildings/${id}?as_of=${day}`,
  alerts: (day) => `/command/alerts?as_of=${day}`,
};

function ancestors(id) {
  const chain = [];
  for (let each = tree.get(id); each; each = tree.get(each.parent)) chain.unshift(each);
  return chain;
}

// Which level is drawn for a place, and which areas of it.
function drawn() {
  const place = tree.get(state.place);
  const top = LEVELS.find((level) => [...tree.values()].some((each) => each.level === level)) ?? "compound";
  const least = !place || place.level === "district" ? top : LEVELS[Math.min(LEVELS.indexOf(place.level) + 1, 2)];
  const usual = state.indicator === "beats" ? "compound" : least; // a beat is made of compounds; above, nothing tells them apart
  const level = state.level && LEVELS.indexOf(state.level) >= LEVELS.indexOf(least) ? state.level : usual;
  const within = place?.level === "compound" ? place.parent : state.place;
  const inside = ({ id }) => !place || place.level === "district" || ancestors(id).some((each) => each.id === within);
  return { level, inside, chosen: place?.level === "compound" ? place.id : null };
}

async function takeLand(view, day, levels) {
  const lands = await Promise.all(levels.map((level) => answers.get(urls.land(level, day))));
  levels.forEach((level, place) => {
    view.setLand(level, lands[place]);
    for (const { properties } of lands[place].features) tree.set(properties.id, properties);
  });
}

let turn = 0;

// Change what is asked for; everything is fetched before anything is redrawn, and an overtaken change draws nothing.
async function go(change = {}) {
  const mine = ++turn;
  Object.assign(state, change);
  const { day, indicator, place } = state;
  const slow = setTimeout(() => wait(words.loading), WAIT_MS);
  try {
    await takeLand(first, day, ["township", "village"]);
    let view = drawn();
    if (view.level === "compound" || !tree.has(place)) {
      await takeLand(first, day, ["compound"]);
      view = drawn();
    }
    const [answer, beside] = await Promise.all([answers.get(urls.indicator(indicator, day)), prepareSecond(view.level)]);
    if (mine !== turn) return;
    first.show({ ...view, answer });
    if (beside) second.show({ ...view, answer: beside });
    first.fit(beside && second);
    marks(view.level);
    crumbs();
    points.show(pointChoice?.value ?? "", day);
    if (!at("cc-rows").hidden) showTable(at("cc-rows"), first.shown, answer, (id) => go({ place: id, level: null }));
    document.documentElement.dataset.ready = "map";
    if (place) await showPlace(place, day, mine);
    if (mine !== turn) return;
    wait("");
    say(`${tree.get(place)?.name ?? given.root_name} · ${answer.name} · ${day}`);
    remember();
  } catch (fault) {
    if (mine === turn) wait(words.failed);
    throw fault;
  } finally {
    clearTimeout(slow);
  }
}

// What is on the screen is older than what was asked for: say so, and dim it; "" when it is not.
function wait(text) {
  at("cc-wait").textContent = text;
  at("cc-wait").hidden = !text;
  document.documentElement.toggleAttribute("data-waiting", Boolean(text));
}

// The address of the page tells what it shows.
function remember() {
  const { indicator, place } = state;
  const query = new URLSearchParams({ ...(asked.has("as_of") && { as_of: given.day }), indicator, ...(place && { place }), ...(pointChoice?.value && { points: pointChoice.value }) });
  if (!wall.running) history.replaceState(null, "", `?${query}`);
}

async function showPlace(place, day, mine) {
  const compound = tree.get(place)?.level === "compound";
  const [found, buildings] = await Promise.all([
    answers.get(urls.place(place, day)),
    compound ? answers.get(urls.buildings(place, day)) : null,
  ]);
  if (mine === turn) panel.show(found, buildings);
}

async function prepareSecond(level) {
  at("cc-second").hidden = !state.beside;
  if (!state.beside) return null;
  if (!second) {
    second = new MapView(at("cc-second"), (id) => go({ place: id, level: null }));
    together(first, second);
  }
  const { months = 0, indicator = state.indicator } = state.beside;
  const day = monthsFrom(state.day, months);
  second.legend.hidden = indicator === state.indicator;
  await takeLand(second, day, level === "compound" ? LEVELS : LEVELS.slice(0, 2));
  return answers.get(urls.indicator(indicator, day));
}

function marks(level) {
  for (const button of at("cc-indicators").children) button.setAttribute("aria-pressed", button.dataset.indicator === state.indicator);
  for (const button of at("cc-levels").children) button.setAttribute("aria-pressed", button.dataset.level === level);
  at("cc-day").textContent = state.day;
}

function crumbs() {
  const steps = ancestors(state.place);
  const root = steps[0]?.id === given.root ? [] : [{ id: given.root, name: given.root_name }];
  const parts = [...root, ...steps].flatMap(({ id, name }, place, all) => [
    ...(place ? [" › "] : []),
    make("button", { type: "button", "aria-current": place === all.length - 1 ? "location" : null, onclick: () => go({ place: id, level: null }) }, name),
  ]);
  at("cc-crumbs").replaceChildren(...parts);
}

const pointChoice = at("cc-points");
if (pointChoice && ["all", "waiting"].includes(asked.get("points"))) pointChoice.value = asked.get("points");

// ---- the bar -------------------------------------------------------------------------------------------------------

at("cc-indicators").addEventListener("click", ({ target }) => target.dataset.indicator && go({ indicator: target.dataset.indicator }));
at("cc-levels").addEventListener("click", ({ target }) => target.dataset.level && go({ level: target.dataset.level }));
at("cc-month").addEventListener("input", ({ target }) => {
  at("cc-day").textContent = monthsFrom(given.day, Number(target.value));
});
at("cc-month").addEventListener("change", ({ target }) => go({ day: monthsFrom(given.day, Number(target.value)) }));
at("cc-beside").addEventListener("change", ({ target: { value } }) => {
  const months = Number(value);
  go({ beside: !value ? null : Number.isNaN(months) ? { indicator: value } : { months } });
});
pointChoice?.addEventListener("change", () => {
  points.show(pointChoice.value, state.day);
  remember();
});
at("cc-table").addEventListener("click", ({ currentTarget }) => {
  at("cc-rows").hidden = !at("cc-rows").hidden;
  currentTarget.setAttribute("aria-pressed", String(!at("cc-rows").hidden));
  go();
});
new Search(at("cc-search"), at("cc-found"), {
  areas: (text) => [...tree.values()]
    .filter(({ name, code }) => name.includes(text) || code.startsWith(text))
    .sort((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level))
    .slice(0, 8)
    .map(({ id, name, parent }) => ({ id, name, hint: tree.get(parent)?.name ?? "" })),
  addresses: async (text) => {
    const query = new URLSearchParams({ text, limit: 8, as_of: state.day });
    const answer = await fetch(`/api/v1/addresses/found?${query}`, { credentials: "same-origin" });
    return answer.ok ? (await answer.json()).items.map((row) => ({ id: row.area_id, name: row.text, hint: row.area_name ?? "", address: row.address_id })) : [];
  },
  onPick: ({ id, address }) => (id ? go({ place: id, level: null }) : location.assign(`/addresses/${address}?as_of=${state.day}`)),
});

// ---- wall ----------------------------------------------------------------------------------------------------------

// A new day has begun since the page was opened: what showed today shows the new one.
async function newDay() {
  if (asked.has("as_of")) return;
  await answers.renew("/command/alerts");
  const { as_of: today } = await answers.get("/command/alerts");
  if (today === given.day) return;
  const change = state.day === given.day ? { day: today } : {};
  given.day = today;
  await go(change);
}

async function refresh() {
  await newDay();
  const shown = [urls.indicator(state.indicator, state.day), urls.alerts(state.day), ...(state.place ? [urls.place(state.place, state.day)] : [])];
  const changed = await Promise.all(shown.map((url) => answers.renew(url)));
  if (changed.some(Boolean)) {
    await go();
    alerts.show(await answers.get(urls.alerts(state.day)));
  }
  document.documentElement.dataset.refreshed = String(Number(document.documentElement.dataset.refreshed ?? 0) + 1);
}

const wall = new Wall({
  rotateS: given.rotate_s,
  refreshS: given.refresh_s,
  places: () => [given.root, ...[...tree.values()].filter(({ level }) => level === "township").map(({ id }) => id)].filter(Boolean),
  go: (change) => go({ ...change, level: null }),
  refresh,
});

function onWall(on) {
  document.documentElement.classList.toggle("wall", on);
  if (on) {
    document.documentElement.dataset.theme = "dark";
    wall.start();
  } else {
    delete document.documentElement.dataset.theme;
    wall.stop();
  }
}

at("cc-wall").addEventListener("click", () => {
  onWall(true);
  document.documentElement.requestFullscreen?.().catch(() => {});
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && document.documentElement.classList.contains("wall")) onWall(false);
});

onWall(asked.get("wall") === "1" || asked.get("wall") === "true");
await go();
alerts.show(await answers.get(urls.alerts(state.day)));
document.documentElement.dataset.ready = "all";
takeLand(first, state.day, ["compound"]); // ready before somebody drills down, and for the search
window.commandCentre = { first, given, go, points, second: () => second, wall };
