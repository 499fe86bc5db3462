// The panel of one area: figures with their sources, next step, twelve months, one week, people; a compound's buildings.
import { count, fill, make, signed, words } from "./page.js";
import { trend } from "./trend.js";

function figures(place) {
  const cards = place.figures.map(({ caption, text, source }) =>
    make("li", {}, make("strong", {}, text), make("span", {}, caption), make("span", {}, `${words.source} ${source}`)));
  return make("ul", { class: "cc-figures" }, ...cards);
}

function changes(place) {
  const list = make("dl", { class: "cc-changes" });
  for (const { caption, count: number, text } of place.changes) {
    list.append(make("dt", {}, caption), make("dd", {}, text || (number ? signed(number) : words.without_change)));
  }
  return list;
}

async function call(button, person, token) {
  button.disabled = true;
  const answer = await fetch("/api/v1/persons/unmask", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify({ table: "officer", row: person.badge, field: "phone", reason: words.call_reason }),
  });
  button.disabled = false;
  if (!answer.ok) return;
  const { value } = await answer.json();
  button.replaceWith(make("a", { class: "button", href: `tel:${value}` }, value));
}

function people(place) {
  if (!place.people.length) return [make("p", { class: "quiet cc-people-head" }, words.no_people)];
  const token = document.querySelector('input[name="csrf_token"]')?.value ?? "";
  const rows = place.people.map((person) => {
    const name = make("span", {}, person.name, make("small", {}, `${person.role} · ${person.unit}`));
    const phone = person.phone ? make("span", { class: "quiet" }, person.phone) : "";
    const may = person.phone && place.may_unmask;
    const button = may ? make("button", { type: "button", class: "second", "aria-label": `${words.call}: ${person.name}`, onclick: (event) => call(event.currentTarget, person, token) }, words.call) : "";
    return make("li", {}, name, phone, button);
  });
  const more = place.people_total > place.people.length ? [make("p", { class: "note" }, fill(words.more_people, { shown: place.people.length, total: place.people_total }))] : [];
  return [make("ul", { class: "cc-people" }, ...rows), ...more];
}

function buildings(found) {
  const head = make("tr", {}, ...[words.building, words.addresses, words.migrants, words.officer].map((text) => make("th", { scope: "col" }, text)));
  const rows = found.buildings.map((row) =>
    make("tr", {}, make("th", { scope: "row" }, make("a", { href: `/addresses/${row.address_id}?as_of=${found.as_of}` }, row.building)), make("td", { class: "number" }, count(row.addresses)), make("td", { class: "number" }, row.text || count(row.migrants)), make("td", {}, row.officer)));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": words.buildings }, table);
}

export class Panel {
  #shown = "";

  constructor(element) {
    this.element = element;
  }

  show(place, found) {
    const key = JSON.stringify([place, found]);
    if (this.#shown === key) return;
    this.#shown = key;
    const heading = (text, name = "") => make("h3", { class: name }, text);
    this.element.replaceChildren(
      make("h2", {}, place.name),
      make("p", { class: "note" }, `${place.code} · ${words.as_of} ${place.as_of}`),
      figures(place),
      make("a", { class: "cc-next", href: place.next.href }, fill(words.next, { step: place.next.text })),
      heading(words.trend),
      place.trend ? trend(place.trend) : make("p", { class: "note" }, words.withheld),
      heading(words.changes),
      changes(place),
      ...(found ? [heading(words.buildings), buildings(found)] : []),
      heading(fill(words.people, { count: count(place.people_total) }), "cc-people-head"),
      ...people(place),
      make("p", {}, make("a", { href: `/areas/${place.id}?as_of=${place.as_of}` }, words.open)),
    );
  }
}
