// HTTP/1.1 over node:http. `fetch` would do, but its parser is WebAssembly and its bodies are web streams: V8 spends
// more time on making these fast than a short run has, and the streams take a tenth of a verification's CPU.
import http from "node:http";
import https from "node:https";
import { pipeline } from "node:stream";
import { createGunzip, createInflate } from "node:zlib";

// Bytes for which a reader is woken, how long less than that waits for more in ms, and bytes from which on nothing is
// taken from the socket until the reader has taken what is there. As in the browser (transport/body.rs).
const GATHERED = 256 * 1024;
const LONGEST_MS = 10;
const MOST = 2 * GATHERED;

// As many as `fetch` follows.
const MAX_REDIRECTS = 20;
// An unused connection is closed before servers do, which would meet the next request on its way.
const IDLE_MS = 4_000;
// `setTimeout` takes a signed 32-bit number and fires at once above that.
const MAX_TIMER_MS = 2 ** 31 - 1;

const options = { keepAlive: true, timeout: IDLE_MS };
const clients = {
  "http:": { request: http.request, agent: new http.Agent(options) },
  "https:": { request: https.request, agent: new https.Agent(options) },
};

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
// What a server elsewhere must not learn (Fetch standard, HTTP-redirect fetch).
const SECRET = new Set(["authorization", "cookie", "host", "proxy-authorization"]);

/** One request and its answer. An error ends it; `abort` may be called at any time. */
class Exchange {
  #request;
  #timer;
  #timedOut = false;
  #head = withResolvers();
  #pieces = [];
  #bytes = 0;
  // null: the answer is whole. An error: it broke off.
  #end;
  #body;
  #late;
  #wake;

  constructor(method, url, headers, body, timeoutMs) {
    // Whoever waits for it hears of it; nobody may have begun to wait.
    this.#head.promise.catch(() => {});
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#fail(new Error("the time is up"));
    }, Math.min(timeoutMs, MAX_TIMER_MS));
    this.#send(method, new URL(url), headers, body, 0);
  }

  /** Whether it was its time limit that ended it. */
  get timedOut() {
    return this.#timedOut;
  }

  /** `{status, headers: [name, value, …]}`. */
  get head() {
    return this.#head.promise;
  }

  /** The pieces that are there: none yet (empty), or null at the end. Throws where the answer broke off. */
  take() {
    if (this.#pieces.length > 0) {
      const pieces = this.#pieces;
      this.#pieces = [];
      if (this.#bytes >= MOST) this.#body.resume();
      this.#bytes = 0;
      return pieces;
    }
    if (this.#end) throw this.#end;
    return this.#end === undefined ? [] : null;
  }

  /** Resolves when there is enough to take. */
  wait() {
    if (this.#end !== undefined || this.#bytes >= GATHERED) return Promise.resolve();
    this.#wake ??= withResolvers();
    return this.#wake.promise;
  }

  abort() {
    if (this.#end === undefined) this.#fail(new Error("nobody waits for the answer any more"));
  }

  #send(method, url, headers, body, redirects) {
    const client = clients[url.protocol];
    const request = client.request(url, { method, headers, agent: client.agent });
    this.#request = request;
    // Stays, so that an error that comes late is nobody's.
    request.on("error", (error) => request === this.#request && this.#fail(error));
    request.on("close", () => request === this.#request && !this.#body && this.#fail(new Error("socket hang up")));
    request.on("response", (answer) => {
      const to = method === "GET" && REDIRECTS.has(answer.statusCode) ? answer.headers.location : undefined;
      if (to === undefined) return this.#receive(answer);
      answer.resume();
      try {
        this.#send(method, ...redirected(url, to, headers, redirects + 1), body, redirects + 1);
      } catch (error) {
        this.#fail(error);
      }
    });
    request.end(body);
  }

  #receive(answer) {
    const coding = answer.headers["content-encoding"]?.trim().toLowerCase();
    const decoder =
      coding === "gzip" || coding === "x-gzip" ? createGunzip() : coding === "deflate" ? createInflate() : undefined;
    this.#body = decoder ?? answer;
    this.#body.on("data", (piece) => this.#add(piece));
    this.#body.on("end", () => this.#finish(null));
    // The decoder's own errors may come when the pipeline is through, at an end that is too early.
    this.#body.on("error", (error) => this.#fail(broken(error)));
    if (decoder) pipeline(answer, decoder, (error) => error && this.#fail(broken(error)));
    this.#head.resolve({ status: answer.statusCode, headers: answer.rawHeaders });
  }

  #add(piece) {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes >= MOST) this.#body.pause();
    if (this.#bytes >= GATHERED) this.#awake();
    else this.#late ??= setTimeout(() => this.#awake(), LONGEST_MS);
  }

  #awake() {
    clearTimeout(this.#late);
    this.#late = undefined;
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  #fail(error) {
    this.#finish(error);
    this.#request.destroy();
  }

  #finish(end) {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearTimeout(this.#timer);
    if (end) this.#head.reject(end);
    this.#awake();
  }
}

/** Address and headers for the next hop. */
function redirected(from, to, headers, hops) {
  if (hops > MAX_REDIRECTS) throw new Error(`the server redirects more than ${MAX_REDIRECTS} times`);
  const url = new URL(to, from);
  if (!(url.protocol in clients)) throw new Error("the server redirects to an address that is not http or https");
  const kept = Object.entries(headers).filter(([name]) => url.origin === from.origin || !SECRET.has(name));
  return [url, Object.fromEntries(kept)];
}

/** Node.js says "aborted" when the other side has closed the connection. */
function broken(error) {
  if (error.message !== "aborted") return error;
  return Object.assign(new Error("the connection was closed before the end of the answer"), { code: error.code });
}

function withResolvers() {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
}

/**
 * Begins a request. `headers` is [name, value, …]. A GET follows redirects. Throws `{header}` for a header that HTTP
 * does not allow.
 */
export function request(method, url, headers, body, timeoutMs) {
  const wanted = { "accept-encoding": "gzip, deflate", "user-agent": "tsink-migrate" };
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at].toLowerCase();
    const value = headers[at + 1].trim();
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch {
      // Node.js' own message may show the value.
      throw Object.assign(new Error("not a header"), { header: headers[at] });
    }
    wanted[name] = Object.hasOwn(wanted, name) && name !== "user-agent" ? `${wanted[name]}, ${value}` : value;
  }
  return new Exchange(method, url, wanted, body, timeoutMs);
}
