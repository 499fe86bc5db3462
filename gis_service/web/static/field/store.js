// What the device keeps: everything sealed with a key that only the officer's PIN makes (AES-GCM, PBKDF2-SHA-256).
"use strict";

const ROUNDS = 600_000;
const CHECK = "field";

let database = null;
let key = null;

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function opened() {
  if (database) return database;
  const request = indexedDB.open("field", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("kept");
    request.result.createObjectStore("queue");
  };
  database = await asked(request);
  return database;
}

async function inStore(name, mode, work) {
  const transaction = (await opened()).transaction(name, mode);
  const finished = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const result = await work(transaction.objectStore(name));
  await finished; // a record counts as kept only when it is on the disk
  return result;
}

async function seal(value) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = value instanceof ArrayBuffer ? value : new TextEncoder().encode(JSON.stringify(value));
  return { iv, sealed: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain) };
}

async function unsealBytes({ iv, sealed }) {
  return crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
}

async function unseal(box) {
  return JSON.parse(new TextDecoder().decode(await unsealBytes(box)));
}

async function keyOf(pin, salt) {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  return crypto.subtle.deriveKey(how, material, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

export const isUnlocked = () => key !== null;

export async function isSetUp() {
  return Boolean(await inStore("kept", "readonly", (store) => asked(store.get("lock"))));
}

export async function setUp(pin) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  key = await keyOf(pin, salt);
  const check = await seal(CHECK);
  await inStore("kept", "readwrite", (store) => asked(store.put({ salt, check }, "lock")));
}

export async function unlock(pin) {
  const lock = await inStore("kept", "readonly", (store) => asked(store.get("lock")));
  const tried = await keyOf(pin, lock.salt);
  const before = key;
  key = tried;
  try {
    if ((await unseal(lock.check)) === CHECK) return true;
  } catch {
    // a wrong PIN makes a key that opens nothing
  }
  key = before;
  return false;
}

// what was taken along

export async function keepBundle(bundle) {
  const box = await seal(bundle);
  box.expiresAt = Date.parse(bundle.expires_at);
  await inStore("kept", "readwrite", (store) => asked(store.put(box, "bundle")));
}

export async function readBundle() {
  const box = await inStore("kept", "readonly", (store) => asked(store.get("bundle")));
  if (!box) return null;
  if (box.expiresAt < Date.now()) {
    await forgetBundle();
    return null;
  }
  return unseal(box);
}

export async function forgetBundle() {
  await inStore("kept", "readwrite", (store) => asked(store.delete("bundle")));
}

// what the server said of the records sent last

const RECEIPTS = 50;

export async function readReceipts() {
  const box = await inStore("kept", "readonly", (store) => asked(store.get("receipts")));
  return box ? unseal(box) : [];
}

export async function keepReceipts(fresh) {
  const keys = new Set(fresh.map(({ receipt_key }) => receipt_key));
  const before = (await readReceipts()).filter(({ receipt_key }) => !keys.has(receipt_key));
  const box = await seal([...fresh, ...before].slice(0, RECEIPTS));
  await inStore("kept", "readwrite", (store) => asked(store.put(box, "receipts")));
}

// records that wait to be sent

export async function keepRecord(record, photo = null) {
  const box = { record: await seal(record), photo: photo ? await seal(await photo.arrayBuffer()) : null };
  if (photo) box.photoType = photo.type;
  await inStore("queue", "readwrite", (store) => asked(store.put(box, record.receipt_key)));
}

export async function readRecords() {
  const [keys, boxes] = await inStore("queue", "readonly", (store) =>
    Promise.all([asked(store.getAllKeys()), asked(store.getAll())]),
  );
  return Promise.all(
    boxes.map(async (box, place) => ({
      key: keys[place],
      record: await unseal(box.record),
      photo: box.photo ? new Blob([await unsealBytes(box.photo)], { type: box.photoType }) : null,
      refused: box.refused || null,
      sent: Boolean(box.sent),
    })),
  );
}

export async function markRecord(recordKey, marks) {
  await inStore("queue", "readwrite", async (store) => {
    const box = await asked(store.get(recordKey));
    if (box) await asked(store.put({ ...box, ...marks }, recordKey));
  });
}

export async function forgetRecord(recordKey) {
  await inStore("queue", "readwrite", (store) => asked(store.delete(recordKey)));
}
