// @ts-check
// Asks the kernel every few seconds whether it is there, and says so on the page when it is not.

const LOST = "The connection to Python is lost. What you see is the last state; the settings are in the address.";

/** @type {import("@anywidget/types").Initialize<{ every: number, patience: number }>} */
function initialize({ model, signal }) {
  const reload = make("button", { type: "button", onclick: () => location.reload() }, "Reload");
  const banner = make("div", { class: "explorer-banner", role: "alert" }, make("p", {}, LOST), reload);
  let answered = Date.now();
  let asked = 0;

  // What is on the page looks alive and would do nothing: it can't be used until an answer comes.
  const lose = (/** @type {boolean} */ isLost) => {
    if (isLost === banner.isConnected) return;
    if (isLost) document.body.prepend(banner);
    else banner.remove();
    const page = document.getElementById("rendered_cells");
    if (page) page.inert = isLost;
  };

  model.on("msg:custom", (content) => {
    if (!("pong" in content)) return;
    answered = Date.now();
    lose(false);
  });

  const ask = () => {
    // A sleeping laptop or a hidden tab halts timers: silence counts only while questions were being asked.
    if (Date.now() - asked > 2000 * model.get("every")) answered = Date.now();
    asked = Date.now();
    if (asked - answered > 1000 * model.get("patience")) lose(true);
    try {
      model.send({ ping: asked });
    } catch (error) {
      console.warn("The kernel can't be reached.", error);
    }
  };
  const timer = setInterval(ask, 1000 * model.get("every"));
  signal.addEventListener("abort", () => clearInterval(timer));
}

export default { initialize };
