// Sending what waits: one at a time over all tabs; a record leaves the device only with its receipt.
"use strict";

import { forgetRecord, markRecord, readRecords } from "./store.js";

export class SignedOut extends Error {}

async function token() {
  const answer = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).csrf_token;
}

async function post(path, body, csrf, headers = {}) {
  const answer = await fetch(path, { method: "POST", body, headers: { "X-CSRF-Token": csrf, ...headers } });
  if (answer.status === 401) throw new SignedOut();
  return answer;
}

async function sendRecords(waiting, csrf) {
  const body = JSON.stringify({ visits: waiting.map(({ record }) => record) });
  const answer = await post("/api/v1/field/visits", body, csrf, { "Content-Type": "application/json" });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).receipts;
}

async function sendPhoto({ key, photo }, csrf) {
  const form = new FormData();
  form.append("photo", photo, "photo");
  const answer = await post(`/api/v1/field/visits/${key}/photos`, form, csrf);
  if (answer.ok) return null;
  if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
  return (await answer.json()).detail || String(answer.status);
}

// Returns the receipts that came; whatever did not arrive, or is held back for a moment, stays in the queue.
export async function sendWaiting(heldBack = new Set()) {
  return navigator.locks.request("field-queue", async () => {
    const all = await readRecords();
    const waiting = all.filter(({ key, refused }) => !refused && !heldBack.has(key));
    if (!waiting.length) return [];
    const csrf = await token();
    const receipts = [];
    const fresh = waiting.filter(({ sent }) => !sent);
    for (let first = 0; first < fresh.length; first += 50) {
      for (const receipt of await sendRecords(fresh.slice(first, first + 50), csrf)) {
        receipts.push(receipt);
        if (receipt.receipt === "refused") await markRecord(receipt.receipt_key, { refused: receipt.said });
        else await markRecord(receipt.receipt_key, { sent: true });
      }
    }
    for (const item of (await readRecords()).filter(({ sent, refused }) => sent && !refused)) {
      const fault = item.photo ? await sendPhoto(item, csrf) : null;
      if (fault) await markRecord(item.key, { refused: fault });
      else await forgetRecord(item.key);
    }
    return receipts;
  });
}
