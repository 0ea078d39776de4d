// The controls of the viewer: buttons, sliders and labels, and how they follow the view.

import { AXES } from "./view.js";

/** Make all elements, and put them into `element`. */
export function build(element, shape, note, open) {
  const make = (tag, className = "", text = "") => {
    const one = document.createElement(tag);
    if (className) one.className = className;
    if (text) one.textContent = text;
    return one;
  };
  const group = `viewer-${Math.random().toString(36).slice(2)}`; // so that two viewers in one page do not share radio buttons
  const choice = (role, label, options) => {
    const set = make("span", "pv-choice");
    set.setAttribute("role", "radiogroup");
    set.setAttribute("aria-label", label);
    for (const [value, words] of options) {
      const one = make("label"), input = make("input");
      Object.assign(input, { type: "radio", name: `${group}-${role}`, value });
      input.dataset.role = role;
      one.append(input, make("span", "", words));
      set.append(one);
    }
    return set;
  };
  const slider = (label, most) => {
    const row = make("label", "pv-slider"), input = make("input"), words = make("output");
    Object.assign(input, { type: "range", min: 0, max: most, step: 1 });
    row.append(make("span", "", label), input, words);
    return { row, input, words };
  };
  const root = make("div", "pv");
  const stage = make("div", "pv-stage"), canvas = make("canvas", "pv-solid"), over = make("canvas", "pv-over");
  const hint = window.matchMedia("(pointer: coarse)").matches
    ? "Swipe sideways to turn, pinch to zoom, two fingers to move."
    : "Drag to turn, click and scroll to zoom, shift-drag to move; or arrow keys, + and −.";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `The structure in three dimensions. ${hint}`);
  over.setAttribute("aria-hidden", "true");
  stage.append(canvas, over);

  const bar = make("div", "pv-bar");
  const reset = make("button", "", "Reset"), save = make("button", "", "Save picture");
  const large = make("button", "", "Full screen");
  reset.type = save.type = large.type = "button";
  large.hidden = !document.fullscreenEnabled;
  bar.append(choice("phase", "What is drawn", [["solid", "Solid"], ["pores", "Pores"]]), reset, large, save);

  const more = make("details", "pv-more");
  more.open = open;
  const cutting = make("div", "pv-group pv-cutting"), slicing = make("div", "pv-group");
  const how = choice("how", "What is cut away", [["corner", "a corner"], ["planes", "whole layers"]]);
  const cutHead = make("div", "pv-head", "Cut away ");
  cutHead.append(how);
  const cuts = shape.map((n, axis) => slider(AXES[axis], n));
  const exact = make("input");
  exact.type = "checkbox";
  const exactRow = make("label", "pv-check");
  exactRow.append(exact, make("span", "", "voxels as they are, not smoothed"));
  const detail = make("select");
  detail.dataset.role = "detail";
  detail.setAttribute("aria-label", "Detail");
  for (const block of [1, 2, 4])
    if (block === 1 || Math.min(...shape) / block >= 24) {
      const size = shape.map((n) => Math.floor(n / block)).join(" × ");
      detail.append(new Option(block === 1 ? `all ${size} voxels` : `${size}, faster`, block));
    }
  const detailRow = make("label", "pv-check");
  detailRow.append(make("span", "", "Detail"), detail);
  cutting.append(cutHead, ...cuts.map(({ row }) => row), exactRow);
  if (detail.options.length > 1) cutting.append(detailRow);

  const sliceHead = make("div", "pv-head", "Slice across ");
  sliceHead.append(choice("axis", "Slice across", AXES.map((letter, axis) => [String(axis), letter])));
  const slice = make("canvas", "pv-slice");
  slice.setAttribute("role", "img");
  const scrub = make("input");
  Object.assign(scrub, { type: "range", min: 0, step: 1 });
  scrub.setAttribute("aria-label", "Slice number");
  const sliceWords = make("div", "pv-words");
  slicing.append(sliceHead, scrub, sliceWords, slice);
  const both = make("div", "pv-both");
  both.append(slicing, cutting);
  more.append(make("summary", "", "Slices and cuts"), both);

  const words = make("p", "pv-words", hint);
  root.append(stage, bar, words, more);
  if (note) root.append(make("p", "pv-words", note));
  element.classList.add("viewer");
  element.append(root);
  return { root, canvas, over, reset, large, save, more, cuts, exact, scrub, slice, sliceWords, words, hint };
}

/** Set all controls to the view; `length` writes a number of voxels as a length. */
export function showView(parts, view, shape, length) {
  parts.cuts.forEach(({ input, words }, axis) => {
    input.value = view.cut[axis];
    words.textContent = view.cut[axis] ? length(view.cut[axis]) : "nothing";
  });
  const chosen = { phase: view.pores ? "pores" : "solid", how: view.planes ? "planes" : "corner", axis: String(view.axis) };
  for (const [role, value] of Object.entries(chosen))
    parts.root.querySelectorAll(`input[data-role=${role}]`).forEach((one) => (one.checked = one.value === value));
  parts.exact.checked = view.exact;
  parts.scrub.max = shape[view.axis] - 1;
  parts.scrub.value = view.index[view.axis];
}

/** Offer canvases, one over the other, as a picture to save. */
export function savePicture(canvases) {
  const whole = document.createElement("canvas");
  [whole.width, whole.height] = [canvases[0].width, canvases[0].height];
  const paper = whole.getContext("2d");
  paper.fillStyle = getComputedStyle(document.body).backgroundColor;
  paper.fillRect(0, 0, whole.width, whole.height);
  for (const one of canvases) paper.drawImage(one, 0, 0, whole.width, whole.height);
  const link = document.createElement("a");
  link.download = "structure.png";
  link.href = whole.toDataURL("image/png");
  link.click();
}
