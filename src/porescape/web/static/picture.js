// The image with what is drawn on it: pores, the crop as a rectangle, the scale bar as a line.
//
// All coordinates are pixels of the file; (0, 0) is the corner of the first pixel. Whatever can be dragged
// can also be moved with the arrow keys, ten pixels at a time with Shift.

import { h, s } from "./dom.js";
import { choice } from "./fields.js";

const HANDLE = 7; // CSS pixels; half the edge of what is dragged
const GRASP = 22; // CSS pixels; half the edge of what a finger can hit
const SMALLEST = 64; // pixels of a crop; the server refuses less
const LEVEL = 0.05; // slope; a flatter line is taken as horizontal (chosen by hand)
const ZOOMS = [1, 2, 4, 8];
const CORNERS = { "top left": [0, 0], "top right": [1, 0], "bottom left": [0, 1], "bottom right": [1, 1] };

export function makePicture({ width, height, src, name, under, onCrop, onLine, onStroke, onMode }) {
  let crop = [0, 0, height, width]; // top, left, height, width
  let line = null; // x0, y0, x1, y1
  let mode = "view";
  let brush = { label: 1, radius: 5 };
  let zoom = 1;
  let style = "outline";
  let dragging = false; // the answer to an earlier request must not move what is being dragged

  const grey = h("img", { src, alt: `the image ${name}`, class: "grey", draggable: false });
  const fill = h("img", { alt: "", class: "overlay fill", draggable: false, hidden: true });
  const outline = h("img", { alt: "", class: "overlay outline", draggable: false, hidden: true });
  const shade = s("path", { class: "shade", "fill-rule": "evenodd" });
  const frameLine = s("rect", { class: "crop-frame" });
  const bar = s("line", { class: "bar" });
  const halo = s("line", { class: "bar halo" });
  const corners = Object.fromEntries(Object.keys(CORNERS).map((which) => [which, handle(`${which} corner of the crop`, (dx, dy) => moveCorner(which, dx, dy))]));
  const ends = ["left", "right"].map((which, i) => handle(`${which} end of the line over the scale bar`, (dx, dy) => moveEnd(i, dx, dy)));
  const strokes = s("g", { class: "strokes" });
  const tip = s("circle", { class: "tip", hidden: true });
  const drawing = s("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "group", "aria-label": "crop, scale bar and brush" });
  drawing.append(shade, frameLine, strokes, tip, halo, bar, ...Object.values(corners), ...ends);
  const frame = h("div", { class: "frame" }, grey, fill, outline, drawing);
  frame.style.setProperty("--aspect", width / height);
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "image" }, frame);
  const modes = choice("tool", [["view", "View"], ["crop", "Crop"], ["line", "Scale bar"], ["brush", "Brush"]], mode, (value) => setMode(value));
  const styles = choice("pores", [["outline", "Outline"], ["fill", "Filled"], ["none", "Off"]], style, (value) => {
    style = value;
    draw();
  });
  const closer = h("button", { type: "button", class: "button small", "aria-label": "zoom in", onclick: () => setZoom(1) }, "+");
  const farther = h("button", { type: "button", class: "button small", "aria-label": "zoom out", onclick: () => setZoom(-1) }, "−");
  const element = h(
    "div",
    { class: "stage" },
    h("div", { class: "stage-tools" }, modes.element, h("span", { class: "zoom" }, farther, closer), h("span", { class: "pores" }, h("span", { class: "note" }, "Pores"), styles.element)),
    h("div", { class: "seen" }, scroller, under),
  );

  function handle(label, move) {
    const group = s("g", { class: "handle", tabindex: "0", role: "button", "aria-label": `${label}; move it with the arrow keys` });
    group.append(s("rect", { class: "grasp" }), s("rect", { class: "knob" }));
    group.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (!by) return;
      event.preventDefault();
      move(...by);
      reportChange();
    });
    group.move = move;
    return group;
  }

  // -- what can be moved

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function moveCorner(which, dx, dy) {
    const [right, bottom] = CORNERS[which];
    let [top, left, tall, wide] = crop;
    const least = Math.min(SMALLEST, width, height);
    if (right) wide = clamp(wide + dx, least, width - left);
    else {
      const to = clamp(left + dx, 0, left + wide - least);
      [left, wide] = [to, left + wide - to];
    }
    if (bottom) tall = clamp(tall + dy, least, height - top);
    else {
      const to = clamp(top + dy, 0, top + tall - least);
      [top, tall] = [to, top + tall - to];
    }
    crop = [top, left, tall, wide].map(Math.round);
    draw();
  }

  function moveEnd(i, dx, dy) {
    line[2 * i] = clamp(line[2 * i] + dx, 0, width);
    line[2 * i + 1] = clamp(line[2 * i + 1] + dy, 0, height);
    draw();
  }

  function reportChange() {
    if (mode === "crop") onCrop([...crop]);
    if (mode === "line" && line) onLine([...line]);
  }

  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height].map((v, k) => clamp(v, 0, k ? height : width));
  };

  drawing.addEventListener("pointerdown", (event) => {
    if (mode === "view" || event.button) return;
    event.preventDefault();
    drawing.setPointerCapture(event.pointerId);
    if (mode === "brush") {
      drawing.focus({ preventScroll: true });
      paint(at(event));
      return;
    }
    dragging = true;
    let last = at(event);
    const first = last;
    const held = event.target.closest?.(".handle");
    held?.focus?.({ preventScroll: true });
    const before = mode === "crop" ? [...crop] : line && [...line];
    const dragged = (moved) => {
      const now = at(moved);
      if (held) held.move(now[0] - last[0], now[1] - last[1]);
      else if (mode === "line") line = [...first, ...now];
      else crop = rectangle(first, now);
      last = now;
      draw();
    };
    const dropped = () => {
      dragging = false;
      drawing.removeEventListener("pointermove", dragged);
      drawing.removeEventListener("pointerup", dropped);
      drawing.removeEventListener("pointercancel", dropped);
      const far = Math.hypot(last[0] - first[0], last[1] - first[1]) * scale();
      if (far < 4) {
        // a click, not a drag
        if (mode === "crop") crop = before;
        else line = before;
        draw();
        return;
      }
      if (mode === "crop") crop = atLeast(crop);
      else line = levelled(line);
      draw();
      reportChange();
    };
    drawing.addEventListener("pointermove", dragged);
    drawing.addEventListener("pointerup", dropped);
    drawing.addEventListener("pointercancel", dropped);
  });

  // -- the brush

  function paint(first) {
    const points = [rounded(first)];
    const drawn = stroke({ ...brush, points });
    strokes.append(drawn);
    const moved = (event) => {
      const now = rounded(at(event));
      const last = points.at(-1);
      if (Math.hypot(now[0] - last[0], now[1] - last[1]) < Math.max(brush.radius / 4, 1)) return;
      points.push(now);
      drawn.setAttribute("points", points.join(" "));
    };
    const ended = (event) => {
      drawing.removeEventListener("pointermove", moved);
      drawing.removeEventListener("pointerup", ended);
      drawing.removeEventListener("pointercancel", ended);
      drawn.remove();
      if (event.type === "pointerup") onStroke(points);
    };
    drawing.addEventListener("pointermove", moved);
    drawing.addEventListener("pointerup", ended);
    drawing.addEventListener("pointercancel", ended);
  }

  const rounded = (point) => point.map((v) => Math.round(10 * v) / 10);

  /** A dot is a line of no length, which round ends make visible. */
  const stroke = ({ label, radius, points }) =>
    s("polyline", { class: `stroke label-${label}`, "stroke-width": 2 * radius, points: (points.length > 1 ? points : [points[0], points[0]]).join(" ") });

  function moveTip(x, y) {
    for (const [key, value] of [["cx", x], ["cy", y], ["r", brush.radius]]) tip.setAttribute(key, value);
  }

  drawing.addEventListener("pointermove", (event) => mode === "brush" && moveTip(...at(event)));
  drawing.addEventListener("keydown", (event) => {
    if (mode !== "brush") return;
    const step = event.shiftKey ? 10 : 1;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step], " ": [0, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    const here = ["cx", "cy"].map((key, k) => clamp(Number(tip.getAttribute(key)) + by[k], 0, k ? height : width));
    moveTip(...here);
    if (event.key === " ") onStroke([rounded(here)]);
  });

  const rectangle = ([x0, y0], [x1, y1]) =>
    [Math.min(y0, y1), Math.min(x0, x1), Math.abs(y1 - y0), Math.abs(x1 - x0)].map(Math.round);

  function atLeast([top, left, tall, wide]) {
    const least = Math.min(SMALLEST, width, height);
    tall = Math.max(tall, least);
    wide = Math.max(wide, least);
    return [clamp(top, 0, height - tall), clamp(left, 0, width - wide), tall, wide];
  }

  function levelled([x0, y0, x1, y1]) {
    if (x0 > x1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
    const middle = (y0 + y1) / 2;
    const flat = Math.abs(y1 - y0) < LEVEL * (x1 - x0);
    return (flat ? [x0, middle, x1, middle] : [x0, y0, x1, y1]).map((v) => Math.round(10 * v) / 10);
  }

  // -- how it is drawn

  const scale = () => frame.clientWidth / width || 1; // CSS pixels per pixel of the file

  function place(group, x, y) {
    for (const [part, half] of [[group.firstChild, GRASP], [group.lastChild, HANDLE]]) {
      const size = half / scale();
      for (const [key, value] of [["x", x - size], ["y", y - size], ["width", 2 * size], ["height", 2 * size]]) part.setAttribute(key, value);
    }
  }

  function draw() {
    const [top, left, tall, wide] = crop;
    shade.setAttribute("d", `M0 0H${width}V${height}H0ZM${left} ${top}h${wide}v${tall}h${-wide}Z`);
    for (const [key, value] of [["x", left], ["y", top], ["width", wide], ["height", tall]]) frameLine.setAttribute(key, value);
    for (const [which, [right, bottom]] of Object.entries(CORNERS)) place(corners[which], left + right * wide, top + bottom * tall);
    for (const drawn of [bar, halo]) {
      drawn.toggleAttribute("hidden", !line);
      if (line) ["x1", "y1", "x2", "y2"].forEach((key, k) => drawn.setAttribute(key, line[k]));
    }
    if (line) ends.forEach((end, i) => place(end, line[2 * i], line[2 * i + 1]));
    for (const group of Object.values(corners)) group.toggleAttribute("hidden", mode !== "crop");
    for (const group of ends) group.toggleAttribute("hidden", mode !== "line" || !line);
    drawing.setAttribute("class", mode);
    drawing.toggleAttribute("tabindex", mode === "brush");
    if (mode === "brush") drawing.setAttribute("tabindex", "0");
    tip.toggleAttribute("hidden", mode !== "brush");
    fill.hidden = style !== "fill" || !fill.src;
    outline.hidden = style !== "outline" || !outline.src;
  }

  function setMode(value) {
    mode = value;
    modes.set(value);
    draw();
    onMode(value);
  }

  function setZoom(by) {
    const centre = [(scroller.scrollLeft + scroller.clientWidth / 2) / frame.clientWidth, (scroller.scrollTop + scroller.clientHeight / 2) / frame.clientHeight];
    zoom = ZOOMS[clamp(ZOOMS.indexOf(zoom) + by, 0, ZOOMS.length - 1)];
    frame.style.setProperty("--zoom", zoom);
    scroller.scrollTo(centre[0] * frame.clientWidth - scroller.clientWidth / 2, centre[1] * frame.clientHeight - scroller.clientHeight / 2);
    farther.disabled = zoom === ZOOMS[0];
    closer.disabled = zoom === ZOOMS.at(-1);
    draw();
  }

  new ResizeObserver(draw).observe(frame);
  moveTip(width / 2, height / 2);
  farther.disabled = true;
  draw();

  return {
    element,
    setMode,
    setCrop(value) {
      if (dragging) return;
      crop = [...value];
      draw();
    },
    setLine(value) {
      if (dragging) return;
      line = value && [...value];
      draw();
    },
    setBrush(value) {
      brush = { ...value };
      tip.setAttribute("class", `tip label-${brush.label}`);
      tip.setAttribute("r", brush.radius);
    },
    setStrokes(value) {
      strokes.replaceChildren(...value.map(stroke));
    },
    setPicture(value) {
      grey.src = value;
    },
    setPores(pictures, where) {
      for (const [image, data] of [[fill, pictures.fill], [outline, pictures.outline]]) {
        if (data) image.src = `data:image/png;base64,${data}`;
        else image.removeAttribute("src");
        const [top, left, tall, wide] = where;
        Object.assign(image.style, { left: `${(100 * left) / width}%`, top: `${(100 * top) / height}%`, width: `${(100 * wide) / width}%`, height: `${(100 * tall) / height}%` });
      }
      draw();
    },
    setPale(on) {
      frame.classList.toggle("pale", on);
    },
  };
}
