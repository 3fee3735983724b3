// @ts-check
// Pings the kernel every few seconds. If no answer comes it finds out why, reports it on the page, reconnects as soon
// as it can, and offers to reopen the same experiment.

/**
 * @template T
 * @typedef {{ connect: (slot: (sender: unknown, value: T) => void) => void, disconnect: (slot: any) => void }} Signal
 */
/**
 * @typedef {{
 *   id: string, serverSettings: { baseUrl: string }, connectionStatus: string, reconnect: () => Promise<void>,
 *   statusChanged: Signal<string>, disposed: Signal<void>,
 * }} Kernel JupyterLab's
 */

const WORDS = {
  ended: "Python has ended, so nothing here answers any more.",
  busy: "Python does not answer: it is busy or was stopped. The page continues as soon as it does.",
  server: "The server does not answer: it has ended or can’t be reached. The page continues as soon as it does.",
  network: "The network is lost. The page continues as soon as it is back.",
};
const OPEN = "Open it again";
const EVERY_MS = 2000; // between two pings
const PATIENCE_MS = 6000; // without an answer before the banner appears
const PROBE_MS = 2500;
const ASLEEP_MS = 5000; // gap between two ticks: timers halt in a sleeping laptop or a hidden tab
const RETRY_MS = 5000; // timeout of a new connection

/** Find out why a kernel is silent.
 * @param {Kernel} kernel @returns {Promise<keyof WORDS>} */
async function causeOf({ id, serverSettings }) {
  const impatience = new AbortController();
  const timer = setTimeout(() => impatience.abort(), PROBE_MS);
  try {
    const address = `${serverSettings.baseUrl}api/kernels/${id}`;
    const answer = await fetch(address, { signal: impatience.signal, redirect: "manual", cache: "no-store" });
    if (answer.ok) return "busy";
    return answer.status >= 500 ? "server" : "ended"; // a restarted server knows neither kernel nor login
  } catch {
    return navigator.onLine ? "server" : "network";
  } finally {
    clearTimeout(timer);
  }
}

/** What reopening the page restores: header.js stores it. */
function keptWords() {
  const kept = JSON.parse(stored("sessionStorage", "explorer-kept") ?? "null");
  if (!kept) return "If you open it again, you keep the settings and the tab; the runs are lost.";
  return `If you open it again, you keep the settings, the tab and ${kept.words}; anything later is lost.`;
}

/** Reload the page without confirmation, since the user has been told what is lost. */
function openAgain() {
  store("sessionStorage", "explorer-again", "1");
  document.documentElement.removeAttribute("data-explorer-unsaved");
  location.reload();
}

/** @type {import("@anywidget/types").Initialize<object>} */
function initialize({ model, signal }) {
  const { kernel } = /** @type {{ kernel: Kernel }} */ (/** @type {unknown} */ (model.widget_manager));
  const words = make("p");
  const button = make("button", { type: "button", onclick: () => insist() }, OPEN);
  const banner = make("div", { class: "explorer-banner", role: "alert" }, words, button);
  let answered = performance.now();
  let [ticked, asked, tried] = [answered, 0, 0];
  let [hasEnded, wasAway, isProbing, isWanted] = [false, false, false, false];

  // The widgets look alive but don't respond: they are disabled until an answer comes.
  const say = (/** @type {keyof WORDS | null} */ cause) => {
    if (cause) write(words, `${WORDS[cause]} ${keptWords()}`);
    const page = document.getElementById("rendered_cells");
    if (page) page.inert = cause !== null;
    if (!cause) banner.remove();
    else if (!banner.isConnected) document.body.prepend(banner);
  };

  const end = () => {
    hasEnded = true;
    say("ended");
  };

  const probe = async () => {
    if (isProbing) return;
    isProbing = true;
    const cause = await causeOf(kernel);
    isProbing = false;
    const isAway = cause === "server" || cause === "network";
    if (isWanted && !isAway) openAgain();
    if (cause === "ended") return end();
    if (hasEnded || performance.now() - answered < patience()) return;
    // A socket that survived a network outage may look open for minutes. A new connection requests the state.
    const isBroken = wasAway || kernel.connectionStatus !== "connected";
    if (!isAway && isBroken && performance.now() - tried > RETRY_MS) {
      tried = performance.now();
      const reconnect = async () => kernel.reconnect(); // it throws at once if the page is being left
      reconnect().catch(() => {});
    }
    wasAway = isAway;
    say(cause);
  };

  const patience = () => PATIENCE_MS / (kernel.connectionStatus === "connected" ? 1 : 3);

  const insist = () => {
    isWanted = true;
    write(button, "Waiting for the server …");
    probe();
  };

  const tick = () => {
    const now = performance.now();
    if (now - ticked > ASLEEP_MS) answered = now; // silence counts only while pings were being sent
    ticked = now;
    if (hasEnded) return void (isWanted && probe());
    if (kernel.connectionStatus === "connected" && now - asked >= EVERY_MS) {
      asked = now;
      model.send({ ping: now });
    }
    if (now - answered > patience()) probe();
  };

  model.on("msg:custom", (content) => {
    if (!("pong" in content) || hasEnded) return;
    answered = performance.now();
    [wasAway, isWanted] = [false, false];
    write(button, OPEN);
    say(null);
  });
  const onStatus = (/** @type {unknown} */ _, /** @type {string} */ status) => void (status === "dead" && end());
  kernel.statusChanged.connect(onStatus);
  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    kernel.statusChanged.disconnect(onStatus);
  });
}

export default { initialize };
