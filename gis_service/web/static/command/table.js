// The map as a table: the same areas, classes and values, worst first.
import { make, words } from "./page.js";

export function showTable(box, shapes, answer, onPick) {
  const labels = new Map(answer.classes.map(({ key, label }) => [key, label]));
  const rows = shapes
    .map(({ feature }) => ({ ...feature.properties, entry: answer.values[feature.properties.id] ?? ["", "—", null] }))
    .sort((one, other) => (other.entry[2] ?? -Infinity) - (one.entry[2] ?? -Infinity))
    .map(({ id, code, name, entry: [key, text] }) =>
      make("tr", {}, make("th", { scope: "row" }, make("button", { type: "button", onclick: () => onPick(id) }, name)), make("td", {}, code), make("td", { class: "number" }, text), make("td", {}, labels.get(key) ?? "—")));
  const head = make("tr", {}, ...[words.area, words.code, words.value, words.class].map((text) => make("th", { scope: "col" }, text)));
  const caption = make("caption", {}, `${answer.title} · ${words.as_of} ${answer.as_of} · ${words.source} ${answer.source}`);
  box.replaceChildren(make("table", {}, caption, make("thead", {}, head), make("tbody", {}, ...rows)));
}
