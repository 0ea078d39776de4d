// The viewer: a structure of voxels to turn, cut and slice, without a library. Nothing is drawn while nothing
// moves; without WebGL 2 the still picture stays, and the slices work.

import { build, savePicture, showView } from "./controls.js";
import { listenToGestures } from "./gestures.js";
import { inWords } from "./lengths.js";
import { annotate } from "./overlay.js";
import { makePace } from "./pace.js";
import { drawSlice } from "./slice.js";
import { makeSolid } from "./solid.js";
import { clamp, newView, resetView } from "./view.js";
import { section, spread } from "./voxels.js";

/**
 * Show a structure.
 *
 * @param {HTMLElement} element  Is filled; an <img> inside it stays as the picture for print and for
 *   browsers that cannot draw.
 * @param {object} options
 *   bits: Uint8Array, eight voxels to a byte, 1 = pore, (z, y, x) with x fastest;
 *   shape: [nz, ny, nx]; voxelSize: edge of a voxel [m];
 *   note: a text below the controls; open: show the controls for cuts and slices at once.
 * @returns {object} view, cut(z, y, x), slice(axis, index), draw(), pixels(axis, index), onDraw, destroy().
 */
export function mountViewer(element, { bits, shape, voxelSize, note = "", open = false }) {
  const pore = spread(bits, shape);
  const view = newView(shape);
  const parts = build(element, shape, note, open);
  const solid = makeSolid(parts.canvas, pore, shape, view);
  const length = (voxels) => inWords(voxels * voxelSize);
  const handle = { view, lost: "", onDraw: null, pixels: (axis, index) => section(pore, shape, axis, index) };
  const pace = makePace((scale) => handle.draw(scale), solid.finish);

  handle.draw = (scale) => {
    const drawn = solid.draw(scale ?? pace.finest());
    if (!drawn) return;
    handle.bar = annotate(parts.over, { view, shape, voxelSize, ink: getComputedStyle(element).color, withSlice: parts.more.open });
    handle.onDraw?.(drawn);
  };
  const moved = () => {
    if (solid.ready()) pace.moved();
  };
  const showSlice = () => drawSlice(parts, view, pore, shape, length);
  const refresh = () => {
    showView(parts, view, shape, length);
    showSlice();
    moved();
  };
  handle.cut = (z, y, x) => {
    view.cut = [z, y, x].map((k, axis) => clamp(Math.round(k), 0, shape[axis]));
    refresh();
  };
  handle.slice = (axis, index) => {
    view.axis = axis;
    view.index[axis] = clamp(Math.round(index), 0, shape[axis] - 1);
    refresh();
  };
  handle.reset = () => {
    resetView(view, shape);
    refresh();
  };

  // -- what the controls do

  const off = new AbortController();
  const on = (target, name, what, more = {}) => target.addEventListener(name, what, { signal: off.signal, ...more });
  parts.cuts.forEach(({ input }, axis) =>
    on(input, "input", () => handle.cut(...view.cut.map((k, a) => (a === axis ? +input.value : k)))));
  on(parts.scrub, "input", () => handle.slice(view.axis, +parts.scrub.value));
  on(parts.exact, "change", () => { view.exact = parts.exact.checked; refresh(); });
  on(parts.more, "toggle", () => { showSlice(); moved(); });
  on(parts.root, "change", ({ target }) => {
    const { role } = target.dataset;
    if (role === "phase") view.pores = target.value === "pores";
    else if (role === "how") view.planes = target.value === "planes";
    else if (role === "axis") view.axis = +target.value;
    else if (role === "detail") { view.block = +target.value; solid.update(); }
    else return;
    refresh();
  });
  on(parts.reset, "click", handle.reset);
  on(parts.large, "click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else element.requestFullscreen().catch(() => (parts.large.hidden = true));
  });
  on(document, "fullscreenchange", () => {
    parts.large.textContent = document.fullscreenElement === element ? "Leave full screen" : "Full screen";
    if (document.fullscreenElement === element) parts.more.open = true;
  });
  on(parts.save, "click", () => {
    handle.draw();
    savePicture([parts.canvas, parts.over]);
  });
  listenToGestures(parts.canvas, view, { on, moved, reset: handle.reset });

  // -- start, loss, end

  function fail(words) {
    solid.stop();
    handle.lost = words;
    element.classList.remove("live");
    parts.words.textContent = `${words}. This picture was drawn when the page was written; the slices still work.`;
    parts.more.open = true;
  }
  function begin() {
    if (!solid.supported) return fail("This browser has no WebGL 2, so the structure cannot be turned");
    try {
      solid.prepare();
    } catch (error) {
      return fail(`The structure cannot be drawn in this browser (${error.message})`);
    }
    handle.lost = "";
    parts.words.textContent = parts.hint;
    element.classList.add("live");
    pace.gauge(parts.canvas.clientWidth > 0 && parts.canvas.clientHeight > 0);
    handle.draw();
  }
  on(parts.canvas, "webglcontextlost", (event) => {
    event.preventDefault();
    fail("The graphics card stopped drawing");
  });
  on(parts.canvas, "webglcontextrestored", () => {
    solid.forget();
    begin();
  });
  refresh();
  begin();
  const watch = new ResizeObserver(moved);
  watch.observe(parts.canvas);
  on(window.matchMedia("(prefers-color-scheme: dark)"), "change", moved);
  handle.destroy = () => {
    off.abort();
    watch.disconnect();
    pace.stop();
    solid.release();
    parts.root.remove();
    element.classList.remove("live");
  };
  return handle;
}
