// Where the card of the tour stands, and who is told that the kernel is gone.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeModel, fakePage, load } from "./fake_page.js";

before(fakePage);

const card = { width: 288, height: 200 };
const desk = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const overlaps = (place, at) =>
  place.left < at.right && place.left + card.width > at.left && place.top < at.bottom && place.top + card.height > at.top;
const inside = (place, screen) =>
  place.left >= 0 && place.top >= 0 && place.left + card.width <= screen.width && place.top + card.height <= screen.height;

test("the card stands next to what it speaks of and covers none of it", async () => {
  const { cardPlace } = await load("tour");
  for (const [left, top, right, bottom] of [
    [16, 140, 304, 210], // a slider at the side: to its right
    [336, 450, 870, 880], // the matrix: to its left
    [336, 60, 1424, 130], // the tiles: to their left, over the settings
    [16, 60, 1424, 130], // all of the width: below
    [16, 700, 1424, 880], // and at the foot of the page: above
  ]) {
    const at = { left, top, right, bottom };
    const place = cardPlace(card, at, desk);
    assert.ok(!overlaps(place, at), JSON.stringify({ at, place }));
    assert.ok(inside(place, desk), JSON.stringify({ at, place }));
  }
});

test("where there is no room, or nothing to stand next to, it is in the corner", async () => {
  const { cardPlace } = await load("tour");
  const corner = { left: 1440 - 288 - 12, top: 900 - 200 - 12 };
  assert.deepEqual(cardPlace(card, null, desk), { left: 12, top: corner.top });
  assert.deepEqual(cardPlace(card, { left: 0, top: 0, right: 1440, bottom: 900 }, desk), corner);
});

test("on a phone it stands at the other end of the screen", async () => {
  const { cardPlace } = await load("tour");
  assert.equal(cardPlace(card, { left: 0, top: 60, right: 390, bottom: 300 }, phone).top, 844 - 200 - 12);
  assert.equal(cardPlace(card, { left: 0, top: 600, right: 390, bottom: 800 }, phone).top, 12);
});

/** A signal of Lumino: who is connected hears what is emitted. */
const makeSignal = () => {
  const slots = new Set();
  return {
    connect: (slot) => slots.add(slot),
    disconnect: (slot) => slots.delete(slot),
    emit(...heard) {
      for (const slot of slots) slot(null, ...heard);
    },
    slots,
  };
};

async function noticeIn(kernel) {
  const el = fakePage();
  let classChanged = () => {};
  globalThis.MutationObserver = class {
    constructor(heard) {
      classChanged = heard;
    }
    observe() {}
    disconnect() {}
  };
  const classes = new Set();
  el.classList = { add: () => {}, contains: (name) => classes.has(name) };
  const other = document.createElement("div");
  el.parentElement = { dataset: {}, children: [other, el] };
  const stop = new AbortController();
  const { default: part } = await load("kernel_notice");
  const model = Object.assign(new FakeModel({}), { widget_manager: { kernel } });
  part.render({ model, el, signal: stop.signal });
  const disconnect = () => {
    classes.add("jupyter-widgets-disconnected");
    classChanged();
  };
  return { el, other, stop, disconnect, isLost: () => el.textContent.includes("Run the cell again") && other.inert === true };
}

for (const status of ["restarting", "autorestarting", "dead", "terminating"]) {
  test(`a kernel that is ${status} is said to be gone`, async () => {
    const kernel = { statusChanged: makeSignal(), disposed: makeSignal() };
    const { el, isLost } = await noticeIn(kernel);
    for (const well of ["busy", "idle", "starting", "unknown"]) kernel.statusChanged.emit(well);
    assert.equal(isLost(), false);
    kernel.statusChanged.emit(status);
    assert.equal(isLost(), true);
    assert.equal(el.inert, false); // what says so can be read
  });
}

test("so is one whose place another takes, and one that ipywidgets knows to be gone", async () => {
  const kernel = { statusChanged: makeSignal(), disposed: makeSignal() };
  const replaced = await noticeIn(kernel);
  kernel.disposed.emit();
  assert.equal(replaced.isLost(), true);
  for (const none of [null, undefined, {}]) {
    const elsewhere = await noticeIn(none);
    assert.equal(elsewhere.isLost(), false);
    elsewhere.disconnect();
    assert.equal(elsewhere.isLost(), true);
  }
});

test("a view that is gone hears nothing more", async () => {
  const kernel = { statusChanged: makeSignal(), disposed: makeSignal() };
  const { stop } = await noticeIn(kernel);
  stop.abort();
  assert.equal(kernel.statusChanged.slots.size + kernel.disposed.slots.size, 0);
});
