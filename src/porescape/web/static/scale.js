// The pixel size: from the file, typed, or from a line over the scale bar.

import { h, put } from "./dom.js";
import { text } from "./fields.js";
import { bound, sentence } from "./words.js";

export function makeScale(draft, picture) {
  const { form } = draft;
  const says = h("p", { class: "says" }, "…");
  const pixelSize = text({ label: "Pixel size", placeholder: "from the file", value: form.pixel_size, note: "with its unit, e.g. 0.1 µm; leave it empty to use the value in the file" }, (value) => {
    form.pixel_size = value;
    form.line = form.length = null;
    lineLength.set("");
    picture.setLine(null);
    showLine();
    draft.changed();
  });
  const lineLength = text({ label: "Length of the line", placeholder: "10 µm", value: form.length, note: "the length printed beside the scale bar" }, (value) => {
    form.length = value;
    if (form.line) draft.changed();
  });
  const lineSays = h("p", { class: "note" });
  const lineBox = h("div", { class: "line-box", hidden: true }, lineSays, lineLength);
  const drawButton = h("button", { type: "button", class: "button", onclick: () => startLine() }, "Measure the scale bar instead");

  function startLine() {
    picture.setMode("line");
    if (!form.line && draft.seen?.bar) takeBar(draft.seen.bar);
    showLine();
    picture.element.scrollIntoView({ block: "nearest" });
    if (form.line) lineLength.box.focus({ preventScroll: true });
  }

  function takeBar(bar) {
    form.line = bar.line;
    picture.setLine(form.line);
  }

  function showLine() {
    lineBox.hidden = !form.line && lineBox.hidden;
    const [x0, y0, x1, y1] = form.line ?? [0, 0, 0, 0];
    lineSays.textContent = form.line
      ? `The line is ${Math.hypot(x1 - x0, y1 - y0).toFixed(1)} pixels long. Drag its ends, or move them with the arrow keys; zoom in to see them better.`
      : "Draw a line over the scale bar, from one end to the other.";
  }

  showLine();
  lineBox.hidden = !form.line;
  if (form.line) picture.setLine(form.line);

  return {
    elements: [says, lineBox, h("details", {}, h("summary", {}, "Enter it by hand"), pixelSize, h("p", { class: "buttons" }, drawButton))],
    /** A line was drawn in the picture, or one of its ends moved. */
    lineDrawn(line) {
      form.line = line;
      delete form.pixel_size;
      pixelSize.set("");
      showLine();
      if (form.length) draft.changed();
      else lineLength.box.focus({ preventScroll: true });
    },
    modeChosen(mode) {
      lineBox.hidden = mode !== "line" && !form.line;
    },
    show(seen) {
      if (form.line) picture.setLine(form.line);
      if (seen.pixel_size) {
        const { text: size, source, field } = seen.pixel_size;
        put(says, h("b", {}, bound(size)), bound(` per pixel (${source}). The image used is ${field}.`));
      } else put(says, sentence(seen.missing), " ", seen.bar ? `A scale bar of ${seen.bar.pixels} pixels was found in the image: enter the length printed beside it.` : "Measure the scale bar to get it.");
      says.classList.toggle("wanted", !seen.pixel_size);
      if (seen.missing && !form.line && lineBox.hidden) {
        if (seen.bar) takeBar(seen.bar);
        lineBox.hidden = false;
        picture.setMode("line");
        showLine();
      }
    },
  };
}
