// The brush: strokes on what is pore and what is solid in the plane of the cut, from which the segmentation learns.

import { get, post } from "./api.js";
import { h } from "./dom.js";
import { choice, number } from "./fields.js";
import { percent, sentence } from "./words.js";

const PORE = 1;
const SOLID = 2;
const LABELS = [[String(PORE), "Pore"], [String(SOLID), "Solid"], ["3", "Cannot be told"]];
const USUAL = 1 / 150; // of the longer side of the image, the radius of the brush (chosen by hand)

/**
 * @param {function} onTaught Called with what was learned, or with null when no strokes are left.
 */
export function makeBrush(draft, picture, { path, image, signal, onTaught }) {
  const { form } = draft;
  let strokes = [];
  let dirty = false;
  let asking = false;
  let outside = false; // a phase has strokes, but none inside the frame
  const says = h("p", { class: "note", role: "status" });
  const brush = { label: PORE, radius: Math.max(2, Math.round(Math.max(image.width, image.height) * USUAL)) };
  picture.setBrush(brush);

  const label = choice("brush", LABELS, String(brush.label), (value) => {
    brush.label = Number(value);
    start();
  });
  const radius = number({ label: "Radius of the brush", value: brush.radius, min: "0.5", max: "500", step: 0.5, note: "pixels" }, (value) => {
    brush.radius = value;
    picture.setBrush(brush);
  });
  const undo = h("button", { type: "button", class: "button small", onclick: () => changed(strokes.slice(0, -1)) }, "Undo the last stroke");
  const clear = h("button", { type: "button", class: "button small", onclick: () => changed([]) }, "Clear all strokes");
  const keep = h(
    "p",
    { class: "note" },
    "To use it elsewhere: ",
    h("a", { href: `${path}/taught.toml`, download: "taught.toml" }, "taught.toml"),
    " for ",
    h("code", {}, "--taught"),
    ", ",
    h("a", { href: `${path}/labels.png`, download: "labels.png" }, "labels.png"),
    " for ",
    h("code", {}, "segment --labels"),
    ".",
  );
  const buttons = h("p", { class: "buttons" }, undo, clear);

  function start() {
    picture.setBrush(brush);
    picture.setMode("brush");
  }

  const missing = () => [[PORE, "pore"], [SOLID, "solid"]].filter(([value]) => !strokes.some((one) => one.label === value)).map(([, name]) => name);

  function show() {
    picture.setStrokes(strokes);
    buttons.hidden = !strokes.length;
    keep.hidden = !form.settings.segmentation.taught;
    const taught = form.settings.segmentation.taught;
    if (!strokes.length) says.textContent = taught ? "Taught by labels made elsewhere." : "";
    else if (missing().length) says.textContent = `Now draw a stroke on ${missing().join(" and on ")}.`;
    else if (outside) says.textContent = "Draw on pore and on solid inside the frame.";
    else if (taught) says.textContent = `${percent(taught.right)} of what you drew comes out as you drew it. Draw more where the outline is still wrong.`;
  }

  function changed(now) {
    const before = strokes.length;
    strokes = now;
    show();
    if (!strokes.length) {
      if (before) post(`${path}/teach`, { form: plain(), strokes }, signal).catch(() => {}); // forgotten on the server, too
      return onTaught(null);
    }
    teach();
  }

  /** The form without what was learned before. */
  const plain = () => {
    const own = structuredClone(form);
    Object.assign(own.settings.segmentation, { method: "plane", taught: null, threshold: null });
    return own;
  };

  async function teach() {
    dirty = true;
    if (asking) return;
    asking = true;
    while (dirty && !signal.aborted) {
      dirty = false;
      if (!missing().length) says.textContent = "Learning …";
      try {
        const { taught } = await post(`${path}/teach`, { form: plain(), strokes }, signal);
        if (signal.aborted) return;
        if (!dirty && taught) onTaught(taught);
        outside = !taught;
      } catch (error) {
        if (signal.aborted) return;
        if (!dirty) {
          says.textContent = sentence(error.message);
          asking = false;
          return;
        }
      }
    }
    asking = false;
    show();
  }

  get(`${path}/strokes`)
    .then((answer) => {
      strokes = [...answer.strokes, ...strokes];
      show();
    })
    .catch(() => {}); // there may be none
  show();

  return {
    elements: [
      h("p", { class: "note" }, "Where no method is right, draw a few strokes on what lies in the plane of the cut, and on what does not: the segmentation learns from them. The arrow keys move the brush, the space bar presses it."),
      h("div", { class: "fields" }, label.element, radius),
      says,
      buttons,
      keep,
    ],
    /** A stroke was drawn in the picture. */
    drawn(points) {
      changed([...strokes, { label: brush.label, radius: brush.radius, points }]);
    },
    /** Which grey is pore has changed: what was learned follows from it. */
    again() {
      if (strokes.length && form.settings.segmentation.taught) teach();
    },
    forget() {
      if (strokes.length) changed([]);
    },
    show,
  };
}
