// Talking to the server: the token, trying again when it is busy, and errors in words.

const PATIENCE = 60; // times that a busy server is asked again
const TOKEN = "smearlab-token";

export class ApiError extends Error {
  constructor(status, message, rows = null) {
    super(message);
    this.status = status;
    this.rows = rows; // the error of each picture, where none could be used
  }
}

let token = "";
try {
  token = sessionStorage.getItem(TOKEN) ?? "";
} catch { /* storage is switched off: the token is asked for again after a reload */ }

export function setToken(text) {
  token = text.trim();
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch { /* as above */ }
}

export const model = () => call("/model");
export const differential = (counts) => call("/differential", { json: { counts } });

export function predict(files, { thumbnails = false, signal } = {}) {
  return call(`/predict${thumbnails ? "?thumbnails=true" : ""}`, { form: formOf(files), signal });
}

export function explain(file, signal) {
  return call("/explain", { form: formOf([file]), signal });
}

function formOf(files) {
  const form = new FormData();
  for (const file of files) form.append("pictures", file, file.name);
  return form;
}

async function call(path, { json, form, signal } = {}) {
  for (let tries = 0; ; tries += 1) {
    const response = await send(path, json, form, signal);
    const retry = response.status === 429 && tries < PATIENCE;
    if (response.ok) return response.json();
    if (!retry) throw await failure(response);
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
    signal?.throwIfAborted();
  }
}

async function send(path, json, form, signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (json) headers["Content-Type"] = "application/json";
  const body = json ? JSON.stringify(json) : form;
  try {
    return await fetch(path, { method: body ? "POST" : "GET", headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached. Is it still running?");
  }
}

async function failure(response) {
  try {
    const answer = await response.json();
    return new ApiError(response.status, answer.error.message, answer.predictions ?? null);
  } catch {
    return new ApiError(response.status, `The server answered with status ${response.status}.`);
  }
}
