// Turning, moving and zooming by pointer, wheel and keys. One finger or the left button turns; two fingers, shift or
// the right button move; pinch and wheel zoom.

import { move, turn, zoomAt, zoomTo } from "./view.js";

const DEGREES = 0.45; // per CSS pixel of a drag

/** Let a canvas change the view; `on` adds a listener, `moved` draws, `reset` restores the first view. */
export function listenToGestures(canvas, view, { on, moved, reset }) {
  const fingers = new Map();
  const zoomUnder = (zoom, x, y) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    zoomAt(view, zoom, [x - left - width / 2, y - top - height / 2]);
    moved();
  };
  on(canvas, "pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  on(canvas, "pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY], way = [now[0] - before[0], now[1] - before[1]];
    if (fingers.size > 1) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
      move(view, way.map((w) => w / 2));
      zoomUnder((view.zoom * apart(now)) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (event.shiftKey || event.buttons & 2) move(view, way);
    else turn(view, -DEGREES * way[0], DEGREES * way[1]);
    fingers.set(event.pointerId, now);
    moved();
  });
  for (const name of ["pointerup", "pointercancel"]) on(canvas, name, (event) => fingers.delete(event.pointerId));
  on(canvas, "contextmenu", (event) => event.preventDefault());
  on(canvas, "wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // the wheel scrolls the page until the canvas is clicked
    event.preventDefault();
    zoomUnder(view.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  on(canvas, "keydown", (event) => {
    const turns = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key];
    const zooms = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 }[event.key];
    if (turns) turn(view, ...turns);
    else if (zooms) zoomTo(view, view.zoom * zooms);
    else if (event.key === "Home") reset();
    else return;
    event.preventDefault();
    moved();
  });
}
