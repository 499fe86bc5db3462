// Keeps the page and its files on the device, so that it opens without a network. Data is never kept here.
"use strict";

const SHELL = "field-shell-1";
const FILES = [
  "/static/site/field/app.js",
  "/static/site/field/store.js",
  "/static/site/field/queue.js",
  "/static/site/field/field.css",
  "/static/site/field/icon.svg",
  "/static/maps/tokens.css",
  "/static/vendor/leaflet/leaflet.js",
  "/static/vendor/leaflet/leaflet.css",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(["/field", ...FILES])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const others = caches.keys().then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))));
  event.waitUntil(others.then(() => self.clients.claim()));
});

// The newest when there is a network, else the kept one.
async function freshOrKept(request) {
  const cache = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname === "/field" || FILES.includes(pathname)) event.respondWith(freshOrKept(event.request));
});
