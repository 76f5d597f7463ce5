/**
 * doorward.js: logging in, staying logged in and logging out, for scripts of a web application. No dependencies.
 *
 *     import { Doorward } from "/v1/doorward.js";           // below the mount point, if doorward has one
 *     const auth = new Doorward({ services: ["https://api.example.com"] });
 *     auth.addEventListener("signedout", () => location.assign("/login"));
 *     await auth.logIn({ login, password });
 *     const orders = await auth.fetch("https://api.example.com/orders");
 *
 * With the cookie transport (the default) the session is in a cookie that no script can read, injected ones included.
 * Requests to the page's own origin carry it by themselves; for other services a short access token is exchanged for
 * it. With the bearer transport, for pages of another origin, both tokens are in the memory of the page. Neither is
 * ever put into storage, a cookie or an address. Tabs tell each other by BroadcastChannel what is new, and of all that
 * want to renew at once one does (Web Locks). Without either they still do not disturb each other: the server answers
 * racers with the same successor.
 *
 * @module doorward
 */

/**
 * @typedef {{id: string, email: string, email_verified: boolean, username: ?string, profile: Object<string, *>,
 *   roles: string[], created_at: string}} Account
 * @typedef {{pointer: string, code: string, detail: string}} FieldError
 * @typedef {{text: string, until: number, refresh: ?string, session: ?string, at: number}} Held
 */

const EARLY = 15_000; // Milliseconds before its end at which a token is renewed, or a quarter of its life.
const PATIENCE = 2_000; // Milliseconds that another tab may take to say what it holds.
const GUESS = 200; // The same where nobody can tell how many tabs there are.
const ATTEMPTS = 3; // How often doorward is asked that is overloaded.
const LONGEST_WAIT = 10; // Seconds of Retry-After that are waited for.

/** What doorward refused: `code` is stable (see its /docs), `message` is for people, `errors` are per field. */
export class Refused extends Error {
  /** @param {Response} answer @param {{code?: string, detail?: string, errors?: FieldError[]}} problem */
  constructor(answer, problem) {
    super(problem.detail ?? `doorward answered ${answer.status}`);
    this.name = "Refused";
    /** @type {number} */ this.status = answer.status;
    /** @type {string} */ this.code = problem.code ?? "";
    /** @type {FieldError[]} */ this.errors = problem.errors ?? [];
    /** @type {?number} Seconds after which it is worth another try. */
    this.retryAfter = Number(answer.headers.get("retry-after")) || null;
  }
}

/** doorward could not be asked: offline, or overloaded for longer than one waits. Nobody is logged out by that. */
export class Unreachable extends Error {
  /** @param {*} cause */
  constructor(cause) {
    super("doorward cannot be reached", { cause });
    this.name = "Unreachable";
  }
}

/** Somebody's log-in, as this tab sees it. Events: `signedin` and `signedout`, whichever tab was the cause. */
export class Doorward extends EventTarget {
  #base;
  #cookie;
  #services;
  #name;
  #channel;
  /** @type {?Held} */ #held = null;
  /** @type {?Promise<Held>} */ #renewal = null;

  /**
   * @param {Object} [options]
   * @param {"cookie"|"bearer"} [options.transport] Where the session is kept; "cookie" needs a page of the same origin.
   * @param {string[]} [options.services] Origins that may be sent access tokens; no other ever is.
   * @param {string|URL} [options.base] Where doorward's API is; known from where this module was loaded.
   */
  constructor({ transport = "cookie", services = [], base = new URL(".", import.meta.url) } = {}) {
    super();
    this.#base = new URL(base, location.href);
    this.#cookie = transport === "cookie";
    if (this.#cookie && this.#base.origin !== location.origin)
      throw new TypeError("the cookie transport needs a page of doorward's own origin");
    this.#services = new Set([this.#base.origin, ...services.map((each) => new URL(each).origin)]);
    this.#name = `doorward ${transport} ${this.#base}`;
    this.#channel = globalThis.BroadcastChannel ? new BroadcastChannel(this.#name) : null;
    this.#channel?.addEventListener("message", ({ data }) => this.#hear(data));
    // Held for as long as the page lives, so that the others can count it; and such a page is never kept and revived.
    globalThis.navigator.locks?.request(`${this.#name} tabs`, { mode: "shared" }, () => new Promise(() => {}));
  }

  /**
   * Log in. Rejects with {@link Refused}, for example `invalid_credentials`, and {@link Unreachable}.
   * @param {{login: string, password: string, remember?: boolean}} credentials
   * @returns {Promise<Account>}
   */
  async logIn({ login, password, remember = false }) {
    const transport = this.#cookie ? "cookie" : "bearer";
    const answer = await this.#post("login", { login, password, transport, remember });
    this.#hold(answer);
    this.#channel?.postMessage({ said: "in", held: this.#held });
    this.dispatchEvent(new Event("signedin"));
    return answer.account;
  }

  /**
   * Log out here and in the other tabs; with `everywhere` on all devices. Rejects with {@link Unreachable} when it
   * could not be done, and then nothing has changed.
   * @param {{everywhere?: boolean}} [options]
   */
  async logOut({ everywhere = false } = {}) {
    if (!this.#cookie && !this.#held) await this.#ask();
    const session = this.#held?.session ?? null;
    const refresh = this.#held?.refresh;
    await this.#post("logout", { everywhere, ...(refresh ? { refresh_token: refresh } : {}) });
    this.#channel?.postMessage({ said: "out", session });
    this.#forget();
  }

  /**
   * Who is logged in, or `null`. Ask it when the page begins: with the bearer transport other tabs are asked.
   * @returns {Promise<?Account>}
   */
  async account() {
    const me = new URL("me", this.#base);
    if (!this.#cookie && !this.#held) await this.#ask();
    if (!this.#cookie && !this.#held) return null;
    try {
      const answer = await (this.#cookie ? fetch(me, { cache: "no-store" }) : this.fetch(me));
      if (answer.ok) return (await answer.json()).account;
      throw await refusal(answer);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return null;
      throw error instanceof TypeError ? new Unreachable(error) : error;
    }
  }

  /**
   * `fetch`, by whoever is logged in. An answer of 401 is met by one renewal and one more try. Tokens go to the listed
   * services alone, without cookies, and follow no redirect. Rejects with a `TypeError` for any other address.
   * @param {RequestInfo|URL} input
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async fetch(input, init) {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    const again = request.clone();
    if (this.#cookie && origin === location.origin) {
      const answer = await fetch(request);
      if (answer.status !== 401) return answer;
      // Another tab may have got a new cookie while this was on its way.
      const me = await fetch(new URL("me", this.#base));
      if (me.status === 401) this.#forget();
      return me.ok ? fetch(again) : answer;
    }
    if (!this.#services.has(origin)) throw new TypeError(`${origin} is not among the services that may get a token`);
    const held = await this.#current();
    const answer = await fetch(withToken(request, held.text));
    if (answer.status !== 401) return answer;
    return fetch(withToken(again, (await this.#renew(held)).text));
  }

  /**
   * An access token that is good for some seconds at least, for what is not `fetch`. Keep it nowhere; ask each time.
   * Rejects with {@link Refused} when nobody is logged in, and {@link Unreachable}.
   * @returns {Promise<string>}
   */
  async accessToken() {
    return (await this.#current()).text;
  }

  /** A new access token whatever the old one is worth, after a change of roles for example. */
  async renew() {
    return (await this.#renew(this.#held)).text;
  }

  /** @returns {Promise<Held>} */
  async #current() {
    const held = this.#held;
    return held && Date.now() < held.until ? held : this.#renew(held);
  }

  /** @param {?Held} stale @returns {Promise<Held>} */
  #renew(stale) {
    this.#renewal ??= this.#alone(() => this.#renewAlone(stale)).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
  async #alone(act) {
    const locks = globalThis.navigator.locks;
    return locks ? await locks.request(this.#name, act) : act();
  }

  /** @param {?Held} stale @returns {Promise<Held>} */
  async #renewAlone(stale) {
    if (this.#held === stale) await this.#ask();
    const held = this.#held;
    if (held && held !== stale && Date.now() < held.until) return held; // another tab was quicker
    try {
      if (this.#cookie) return this.#tell(await this.#exchange());
      if (!held?.refresh) throw new Refused(new Response(null, { status: 401 }), { code: "invalid_token" });
      return this.#tell(await this.#post("token/refresh", { refresh_token: held.refresh }));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.#forget();
      throw error;
    }
  }

  /** Another tab may have got a new cookie while the request was on its way, so a refusal is asked for twice. */
  async #exchange() {
    try {
      return await this.#post("token/exchange");
    } catch (error) {
      if (error.status !== 401) throw error;
      return this.#post("token/exchange");
    }
  }

  /** Hold what was answered, and tell the other tabs. @returns {Held} */
  #tell(answer) {
    const held = this.#hold(answer);
    this.#channel?.postMessage({ said: "held", held });
    return held;
  }

  /** @returns {?Held} */
  #hold(answer) {
    const life = (answer.expires_in ?? 0) * 1000;
    this.#held = answer.access_token
      ? {
          text: answer.access_token,
          until: Date.now() + life - Math.min(EARLY, life / 4),
          refresh: answer.refresh_token ?? null,
          session: answer.session_id ?? null,
          at: Date.now(),
        }
      : null;
    return this.#held;
  }

  #forget() {
    this.#held = null;
    this.dispatchEvent(new Event("signedout"));
  }

  /** Ask the other tabs, if there are any, for something newer, and wait until all have answered. */
  async #ask() {
    if (!this.#channel) return;
    const { held } = (await globalThis.navigator.locks?.query()) ?? {};
    let others = held ? held.filter(({ name }) => name === `${this.#name} tabs`).length - 1 : Infinity;
    if (others < 1) return;
    await new Promise((resolve) => {
      const heard = ({ data }) => data.said === "answer" && --others < 1 && resolve();
      this.#channel.addEventListener("message", heard);
      setTimeout(() => resolve(this.#channel.removeEventListener("message", heard)), held ? PATIENCE : GUESS);
      this.#channel.postMessage({ said: "ask" });
    });
  }

  /** What another tab says. */
  #hear({ said, held, session }) {
    if (said === "ask") this.#channel.postMessage({ said: "answer", held: this.#held });
    if (said === "answer" || said === "held") {
      if (held && !(this.#held?.at >= held.at)) this.#held = held;
    }
    if (said === "in") {
      this.#held = held;
      this.dispatchEvent(new Event("signedin"));
    }
    if (said === "out" && !(session && this.#held?.session && session !== this.#held.session)) this.#forget();
  }

  /** Ask doorward. What it cannot answer at the moment is asked again when it says so. */
  async #post(path, body = {}) {
    for (let attempt = 1; ; attempt++) {
      let answer;
      try {
        answer = await fetch(new URL(path, this.#base), {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(body),
          credentials: this.#cookie ? "same-origin" : "omit",
          cache: "no-store",
          redirect: "error",
        });
      } catch (error) {
        throw new Unreachable(error);
      }
      if (answer.ok) return answer.status === 204 ? {} : answer.json();
      const refused = await refusal(answer);
      if (answer.status < 500) throw refused;
      if (attempt === ATTEMPTS || refused.retryAfter > LONGEST_WAIT) throw new Unreachable(refused);
      await new Promise((resolve) => setTimeout(resolve, (refused.retryAfter ?? 1) * 1000));
    }
  }
}

/** @param {Response} answer @returns {Promise<Refused>} */
async function refusal(answer) {
  return new Refused(answer, await answer.json().catch(() => ({})));
}

/** @param {Request} request @param {string} token */
function withToken(request, token) {
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${token}`);
  return new Request(request, { headers, credentials: "omit", redirect: "error" });
}
