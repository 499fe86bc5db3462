// Small things that every part of the page needs: elements from text, words, days.

export const given = JSON.parse(document.getElementById("cc-data").textContent);
export const { words } = given;

export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export const count = (number) => number.toLocaleString("en-US");

export const signed = (number) => (number > 0 ? `+${count(number)}` : count(number));

export const fill = (text, values) => text.replace(/{(\w+)}/g, (_all, key) => values[key]);

// The same day `months` months away, or the last of that month when it has no such day.
export function monthsFrom(day, months) {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
}

const said = document.getElementById("cc-said");

export function say(text) {
  if (said.textContent !== text) said.textContent = text;
}
