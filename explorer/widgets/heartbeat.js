// Asks the kernel every few seconds whether it is there, and says so on the page when it is not.

const LOST = "The connection to Python is lost. What you see is the last state; the settings are in the address.";

function makeBanner() {
  const banner = document.createElement("div");
  banner.className = "explorer-banner";
  banner.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = LOST;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Reload";
  button.addEventListener("click", () => location.reload());
  banner.append(words, button);
  return banner;
}

export default {
  initialize({ model, signal }) {
    const banner = makeBanner();
    let answered = Date.now();
    let asked = 0;

    model.on("msg:custom", (content) => {
      if (!("pong" in content)) return;
      answered = Date.now();
      banner.remove();
    });

    const timer = setInterval(() => {
      // A sleeping laptop or a hidden tab halts timers: silence counts only while questions were being asked.
      const late = Date.now() - asked > 2000 * model.get("every");
      if (late) answered = Date.now();
      asked = Date.now();
      if (asked - answered > 1000 * model.get("patience") && !banner.isConnected) document.body.prepend(banner);
      try {
        model.send({ ping: asked });
      } catch (error) {
        console.warn("The kernel can't be reached.", error);
      }
    }, 1000 * model.get("every"));
    signal.addEventListener("abort", () => clearInterval(timer));
  },
};
