// Form fields: a label, a control, a note; each calls back with a value or null, and can be set from outside.

import { h } from "./dom.js";
import { lengthText, parseLength } from "./words.js";

let count = 0;
const fresh = () => `field-${++count}`;

function wrapped(label, control, note, id, extra) {
  return h("div", { class: "field" }, h("label", { for: id }, label), h("span", { class: "controls" }, control, extra), note && h("small", {}, note));
}

/** A number, with a slider beside it if a range is given. */
export function number({ label, note, value, min, max, step = 1, slider, optional, placeholder }, changed) {
  const id = fresh();
  const box = h("input", { type: "number", id, min, max, step: String(step), value: value ?? "", placeholder: placeholder ?? "", inputmode: "decimal" });
  const range = slider && h("input", { type: "range", min: slider[0], max: slider[1], step: String(step), value: value ?? slider[0], "aria-label": `${label}, slider` });
  const read = () => {
    const text = box.value.trim();
    if (!text) return optional ? null : undefined;
    return box.validity.valid ? Number(text) : undefined;
  };
  box.addEventListener("input", () => {
    const now = read();
    box.setAttribute("aria-invalid", String(now === undefined));
    if (now === undefined) return;
    if (range && now !== null) range.value = now;
    changed(now);
  });
  range?.addEventListener("input", () => {
    box.value = range.value;
    box.setAttribute("aria-invalid", "false");
    changed(Number(range.value));
  });
  const element = wrapped(label, [range, box], note, id);
  element.set = (now) => {
    box.value = now ?? "";
    box.setAttribute("aria-invalid", "false");
    if (range && now !== null && now !== undefined) range.value = now;
  };
  return element;
}

/** One of several options. */
export function select({ label, note, value, options }, changed) {
  const id = fresh();
  const box = h("select", { id, onchange: () => changed(box.value) }, options.map(([key, words]) => h("option", { value: key, selected: key === value }, words)));
  const element = wrapped(label, box, note, id);
  element.set = (now) => (box.value = now);
  return element;
}

/** Text as typed; empty is null. */
export function text({ label, note, value, placeholder }, changed) {
  const id = fresh();
  const box = h("input", { type: "text", id, value: value ?? "", placeholder: placeholder ?? "", spellcheck: false, autocomplete: "off" });
  box.addEventListener("input", () => changed(box.value.trim() || null));
  const element = wrapped(label, box, note, id);
  element.set = (now) => (box.value = now ?? "");
  element.box = box;
  return element;
}

/** A length with its unit, in metres. */
export function length({ label, note, value, placeholder }, changed) {
  const element = text({ label, note, value: value ? lengthText(value) : "", placeholder }, (typed) => {
    const metres = typed === null ? null : parseLength(typed);
    element.box.setAttribute("aria-invalid", String(typed !== null && metres === null));
    if (typed === null || metres !== null) changed(metres);
  });
  return element;
}

/** A checkbox. */
export function tick({ label, value }, changed) {
  const id = fresh();
  const box = h("input", { type: "checkbox", id, checked: value, onchange: () => changed(box.checked) });
  const element = h("div", { class: "field tick" }, box, h("label", { for: id }, label));
  element.box = box;
  return element;
}

/** Return a row of radio buttons that looks like one control. */
export function choice(name, options, value, chosen) {
  const id = `${name}-${Math.random().toString(36).slice(2, 8)}`;
  const inputs = options.map(([key]) =>
    h("input", { type: "radio", name: id, id: `${id}-${key}`, value: key, checked: key === value, onchange: () => chosen(key) }),
  );
  const element = h(
    "span",
    { class: "choice", role: "radiogroup", "aria-label": name },
    options.map(([key, words], i) => [inputs[i], h("label", { for: `${id}-${key}` }, words)]),
  );
  const set = (key) => inputs.forEach((input) => (input.checked = input.value === key));
  return { element, set };
}
