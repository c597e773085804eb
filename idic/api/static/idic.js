// idic: fills <div data-idic-slot="name">the page's own content</div> with this visitor's content.
// If anything fails, the page's own content stays and the page gets no error.
(() => {
  "use strict";
  // Segment's key, so that both use the same visitor id.
  const ID = "ajs_anonymous_id";
  const script = document.currentScript;
  if (!script || !script.src || !script.replaceChildren || window.idic) return;
  const {writeKey, userId, proof} = script.dataset, base = new URL("v1/web/", script.src).href;
  const views = new WeakMap(), done = new Set();
  let who = {userId, proof}, ownId, askedAs, running;

  const warn = text => done.has(text) || done.add(text) && console.warn("idic: " + text);
  const hosts = () => [...document.querySelectorAll("[data-idic-slot]")];
  // Storage may be blocked, and other scripts may write to it.
  const quietly = work => { try { return work(); } catch (_) { return null; } };
  const plain = text => quietly(() => JSON.parse(text)) || text;

  function anonymousId() {
    const cookie = quietly(() => decodeURIComponent(document.cookie.match("(^|; )" + ID + "=([^;]+)")[2]));
    const id = plain(cookie) || plain(quietly(() => localStorage[ID])) || ownId;
    if (id && id != "null") return String(id);
    const random = digit => (digit ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> digit / 4).toString(16);
    const made = ownId = "10000000-1000-4000-8000-100000000000".replace(/[018]/g, random);
    quietly(() => {
      localStorage[ID] = JSON.stringify(made);
      ownId = null;
    });
    return made;
  }

  // As text/plain, which needs no CORS preflight, and without cookies.
  const post = (path, body, more) =>
    fetch(base + path, Object.assign({method: "POST", credentials: "omit", body: JSON.stringify(body)}, more));

  async function ask(path, stop) {
    const slots = [...new Set(hosts().map(host => host.dataset.idicSlot))];
    const answer = await post(path, Object.assign({writeKey, slots, anonymousId: askedAs = anonymousId()}, who), {signal: stop.signal});
    if (answer.ok) return answer;
    if (answer.status < 500 && answer.status != 429) {
      const {error} = await answer.json();
      warn(error.message);
      if (error.code == "proof_wrong") who = {};
      // A retry would not help.
      else stop.abort();
    }
    throw 0;
  }

  // Streams the current content and every change, until the page is hidden or closed.
  async function listen(stop) {
    let pause = 500, silence;
    while (!stop.signal.aborted) {
      try {
        tell(await (await ask("content", stop)).json());
        const reader = (await ask("stream", stop)).body.getReader(), text = new TextDecoder();
        for (let rest = "", part; !(part = await reader.read()).done;) {
          pause = 500;
          // A heartbeat comes every 15 seconds.
          clearTimeout(silence);
          silence = setTimeout(refresh, 45e3);
          const lines = (rest + text.decode(part.value, {stream: true})).split("\n");
          rest = lines.pop();
          lines.forEach(line => line[0] == "d" && tell(JSON.parse(line.slice(5))));
        }
      } catch (_) {
        // Server gone, stopping or offline: try later.
      }
      clearTimeout(silence);
      pause = Math.min(2 * pause, 6e4);
      await new Promise(wake => setTimeout(wake, pause * (.75 + Math.random() / 2)));
    }
  }

  function refresh() {
    if (running) running.abort();
    running = !document.hidden && hosts()[0] && new AbortController();
    if (running) listen(running);
  }

  function tell({slots, unknown = []}) {
    unknown.forEach(name => warn(`no slot is called "${name}"`));
    hosts().forEach(host => {
      try { fill(host, slots[host.dataset.idicSlot]); } catch (error) { warn(error.message); }
    });
  }

  function fill(host, {token, html, ends_in} = {}) {
    const view = views.get(host) || {};
    views.set(host, view);
    if (view.token != token) {
      view.token = token;
      clearTimeout(view.timer);
      view.root = view.root || host.attachShadow({mode: "open"});
      // The page's own content.
      view.root.replaceChildren(document.createElement("slot"));
      if (token) {
        const box = document.createElement("div");
        box.style = "all:initial;display:block;font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word";
        box.innerHTML = html;
        box.token = token;
        box.onclick = box.onauxclick = event => click(event, token);
        view.root.replaceChildren(box);
        view.timer = setTimeout(fill, Math.min(ends_in * 1e3, 2e9), host);
      }
    }
    if (token && !done.has(token)) {
      eyes.unobserve(view.root.firstChild);
      eyes.observe(view.root.firstChild);
    }
  }

  // Content counts as shown when half of it was in view, or it filled the window.
  const eyes = new IntersectionObserver(entries => entries.forEach(entry => {
    const {token} = entry.target, seen = entry.intersectionRatio >= .5 || entry.boundingClientRect.height > innerHeight;
    if (!entry.isIntersecting || !seen || done.has(token)) return;
    done.add(token);
    post("shown", {token}, {keepalive: true}).catch(() => done.delete(token));
  }), {threshold: [0, .5]});

  function click({button, target}, token) {
    const link = button < 2 && target.closest("a[href],area[href]"), url = link && link.getAttribute("href");
    if (/^\s*https?:/i.test(url)) quietly(() => navigator.sendBeacon(base + "clicked", JSON.stringify({token, url})));
  }

  window.idic = {
    anonymousId,
    // Call this after adding slots to the page.
    refresh,
    identify(userId, proof) {
      who = {userId, proof};
      refresh();
    },
    // After a sign-out. Segment resets its own cookie.
    reset() {
      who = {};
      ownId = quietly(() => localStorage.removeItem(ID));
      tell({slots: {}});
      refresh();
    },
  };
  addEventListener("online", refresh);
  addEventListener("pageshow", event => event.persisted && refresh());
  document.addEventListener("visibilitychange", refresh);
  // Segment's client may change the visitor's id.
  setInterval(() => running && askedAs != anonymousId() && refresh(), 3e3);
  if (document.readyState == "loading") document.addEventListener("DOMContentLoaded", refresh);
  else refresh();
})();
