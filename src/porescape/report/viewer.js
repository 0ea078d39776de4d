// A structure of voxels to turn, cut and walk through, in one canvas and without a library.
//
// mountViewer(element, {bits, shape, voxelSize}) fills `element`; unpack(base64) makes the bits. Rays are
// followed from voxel to voxel through a 3-D texture (Amanatides and Woo 1987), so nothing is jumped over.
// The projection is parallel: one scale bar holds for every depth. Nothing is drawn while nothing moves.
//
// Axes are (z, y, x) wherever a list is given, as in the files; vectors inside the shader are (x, y, z).

const START = { azimuth: 34, elevation: 31, zoom: 1, pan: [0, 0] }; // as in the still picture
const MOST_PIXELS = 2.4e6; // of a frame at rest
const SLOW = 42, FAST = 24; // milliseconds between frames: give up or regain resolution while moving
const PATIENCE = 350; // milliseconds that a frame at rest may take; a slow machine gets a coarser one
const AXES = ["z", "y", "x"];
const SLICE = { solid: [239, 236, 228], pore: [32, 38, 46] }; // as in every picture of ours

/** Decode base64 of deflated bits, eight voxels to a byte, as numpy.packbits orders them. */
export async function unpack(base64) {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack the structure");
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Show a structure.
 *
 * @param {HTMLElement} element  Is filled; an <img> inside it stays as the picture for print and for
 *   browsers that cannot draw.
 * @param {object} options
 *   bits: Uint8Array, eight voxels to a byte, 1 = pore, (z, y, x) with x fastest;
 *   shape: [nz, ny, nx]; voxelSize: edge of a voxel [m];
 *   note: words below the controls; open: show the controls for cuts and slices at once.
 * @returns {object} view, cut(z, y, x), slice(axis, index), draw(), pixels(axis, index), onDraw, destroy().
 */
export function mountViewer(element, { bits, shape, voxelSize, note = "", open = false }) {
  const [nz, ny, nx] = shape;
  const count = nz * ny * nx;
  if (bits.length !== Math.ceil(count / 8)) throw new Error(`${bits.length} bytes are not ${shape} voxels`);
  const pore = new Uint8Array(count);
  for (let i = 0; i < count; i++) pore[i] = (bits[i >> 3] >> (7 - (i & 7))) & 1;

  const state = {
    ...START, pan: [0, 0], cut: shape.map((n) => n >> 1), planes: false, pores: false, exact: false,
    block: 1, axis: 0, index: shape.map((n) => n >> 1),
  };
  const parts = build(element, shape, note, open);
  const length = (voxels) => inWords(voxels * voxelSize);
  const handle = { view: state, lost: "", onDraw: null };

  // -- slices, drawn even where the solid cannot be ---------------------------------------------------

  handle.pixels = (axis, index) => {
    const [rows, columns] = shape.filter((_, k) => k !== axis);
    const values = new Uint8Array(rows * columns);
    const strides = [ny * nx, nx, 1];
    const [down, right] = strides.filter((_, k) => k !== axis);
    let at = 0;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) values[at++] = pore[index * strides[axis] + i * down + j * right];
    return { rows, columns, values };
  };

  function drawSlice() {
    const { axis } = state, index = state.index[axis];
    const { rows, columns, values } = handle.pixels(axis, index);
    const canvas = parts.slice, paper = canvas.getContext("2d");
    canvas.width = columns;
    canvas.height = rows;
    const picture = paper.createImageData(columns, rows);
    let open = 0;
    values.forEach((is, i) => {
      picture.data.set(is ? SLICE.pore : SLICE.solid, 4 * i);
      picture.data[4 * i + 3] = 255;
      open += is;
    });
    paper.putImageData(picture, 0, 0);
    const share = ((100 * open) / values.length).toFixed(1);
    parts.sliceWords.textContent =
      `${AXES[axis]} = ${length(index + 0.5)}, slice ${index + 1} of ${shape[axis]}: ${share} % pore`;
    canvas.setAttribute("aria-label", `Slice across ${parts.sliceWords.textContent}; pores dark`);
  }

  // -- the solid --------------------------------------------------------------------------------------

  const gl = parts.canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  let program = null, places = {}, texture = null, asked = 0, rest = 0, last = 0;
  let quality = 0.75, finest = 2; // picture elements per CSS pixel while moving, and at rest

  function prepare() {
    program = link(gl);
    gl.useProgram(program);
    places = {};
    const known = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS);
    for (let i = 0; i < known; i++) {
      const { name } = gl.getActiveUniform(program, i);
      places[name] = gl.getUniformLocation(program, name);
    }
    gl.bindVertexArray(gl.createVertexArray());
    upload();
  }

  function upload() {
    const { values, shape: [kz, ky, kx] } = coarse(pore, shape, state.block);
    if (texture) gl.deleteTexture(texture);
    texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_3D, texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.R8, kx, ky, kz, 0, gl.RED, gl.UNSIGNED_BYTE, values);
    gl.generateMipmap(gl.TEXTURE_3D); // blurred copies: what shades a point is looked up in them
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    for (const way of ["S", "T", "R"]) gl.texParameteri(gl.TEXTURE_3D, gl[`TEXTURE_WRAP_${way}`], gl.CLAMP_TO_EDGE);
    state.drawn = [kz, ky, kx];
  }

  /** Right, up and towards the reader, as (x, y, z). */
  function camera() {
    const a = (state.azimuth * Math.PI) / 180, e = (state.elevation * Math.PI) / 180;
    return [
      [Math.cos(a), -Math.sin(a), 0],
      [-Math.sin(e) * Math.sin(a), -Math.sin(e) * Math.cos(a), -Math.cos(e)],
      [Math.cos(e) * Math.sin(a), Math.cos(e) * Math.cos(a), -Math.sin(e)],
    ];
  }

  /** The full resolution's voxels per CSS pixel. */
  function step() {
    const { clientWidth, clientHeight } = parts.canvas;
    return (1.03 * Math.hypot(nx, ny, nz)) / (Math.max(Math.min(clientWidth, clientHeight), 1) * state.zoom);
  }

  handle.draw = (scale) => {
    const { clientWidth: width, clientHeight: height } = parts.canvas;
    if (!width || !height || !program || gl.isContextLost()) return;
    const sharp = window.devicePixelRatio || 1;
    const most = Math.sqrt(MOST_PIXELS / (width * height));
    const factor = Math.max(Math.min(scale ?? finest, most), 0.2);
    const columns = Math.max(Math.round(width * factor), 1), rows = Math.max(Math.round(height * factor), 1);
    if (parts.canvas.width !== columns || parts.canvas.height !== rows) {
      parts.canvas.width = columns;
      parts.canvas.height = rows;
    }
    gl.viewport(0, 0, columns, rows);
    gl.useProgram(program);
    const b = state.block, [kz, ky, kx] = state.drawn;
    const set = (name, kind, ...values) => gl[`uniform${kind}`](places[name], ...values);
    set("size", "3f", kx, ky, kz);
    // the first voxel that is left along z, and the first that is taken along y and x
    const keep = [kx - Math.round(state.cut[2] / b), ky - Math.round(state.cut[1] / b), Math.round(state.cut[0] / b)];
    set("cut", "3f", ...keep);
    set("planes", "1i", state.planes ? 1 : 0);
    set("pores", "1i", state.pores ? 1 : 0);
    set("exact", "1i", state.exact ? 1 : 0);
    set("steps", "1i", kx + ky + kz + 6);
    const [right, up, toward] = camera();
    gl.uniformMatrix3fv(places.camera, false, [...right, ...up, ...toward]);
    set("middle", "2f", columns / 2 + state.pan[0] * factor, rows / 2 - state.pan[1] * factor);
    set("pixel", "1f", step() / b / factor);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    annotate(sharp);
    handle.onDraw?.(factor);
  };

  /** Draw boxes, bars and words over the solid. */
  function annotate(sharp) {
    const { clientWidth: width, clientHeight: height } = parts.over;
    parts.over.width = width * sharp;
    parts.over.height = height * sharp;
    const paper = parts.over.getContext("2d");
    paper.scale(sharp, sharp);
    const ink = getComputedStyle(element).color;
    const [right, up, toward] = camera(), per = 1 / step();
    const place = ([z, y, x]) => {
      const p = [x - nx / 2, y - ny / 2, z - nz / 2];
      const along = (v) => p.reduce((sum, value, k) => sum + value * v[k], 0) * per;
      return [width / 2 + along(right) + state.pan[0], height / 2 - along(up) + state.pan[1]];
    };
    const line = (points, close = false) => {
      paper.beginPath();
      points.forEach((p, i) => paper[i ? "lineTo" : "moveTo"](...place(p)));
      if (close) paper.closePath();
      paper.stroke();
    };
    const faces = [toward[2], toward[1], toward[0]]; // (z, y, x): which sides of the box are in sight
    const seen = (axis, side) => (side ? faces[axis] > 0 : faces[axis] < 0);
    const [cz, cy, cx] = state.cut, planes = state.planes;
    const low = [planes ? cz : 0, 0, 0], high = [nz, planes ? ny - cy : ny, planes ? nx - cx : nx];
    const notch = !planes && cz && cy && cx;
    paper.strokeStyle = ink;
    paper.lineWidth = 0.8;
    paper.globalAlpha = 0.45;
    for (let axis = 0; axis < 3; axis++) {
      const [b, c] = [0, 1, 2].filter((k) => k !== axis);
      for (const sb of [0, 1])
        for (const sc of [0, 1]) {
          if (!seen(b, sb) && !seen(c, sc)) continue;
          const from = [...low], to = [...high];
          from[b] = to[b] = sb ? high[b] : low[b];
          from[c] = to[c] = sc ? high[c] : low[c];
          const corner = [0, 1, 1]; // the side of the notch along z, y and x
          if (notch && sb === corner[b] && sc === corner[c]) {
            if (axis) to[axis] -= state.cut[axis];
            else from[axis] += cz;
          }
          line([from, to]);
        }
    }
    if (notch) {
      const [z, y, x] = [cz, ny - cy, nx - cx];
      if (seen(0, 0)) line([[0, ny, x], [0, y, x], [0, y, nx]]);
      if (seen(1, 1)) line([[0, ny, x], [z, ny, x], [z, ny, nx]]);
      if (seen(2, 1)) line([[0, y, nx], [z, y, nx], [z, ny, nx]]);
      if (seen(0, 0) && seen(1, 1) && seen(2, 1)) {
        line([[0, y, x], [z, y, x], [z, ny, x]]);
        line([[z, y, x], [z, y, nx]]);
      }
    }
    if (parts.more.open) { // where the slice is
      const { axis } = state, at = state.index[axis] + 0.5;
      const [b, c] = [0, 1, 2].filter((k) => k !== axis);
      const ring = [[0, 0], [0, 1], [1, 1], [1, 0]].map(([i, j]) => {
        const p = [0, 0, 0];
        p[axis] = at;
        p[b] = i * shape[b];
        p[c] = j * shape[c];
        return p;
      });
      paper.globalAlpha = 1;
      paper.lineWidth = 1.6;
      paper.strokeStyle = "#D55E00";
      paper.setLineDash([5, 3]);
      line(ring, true);
      paper.setLineDash([]);
    }
    // three arrows for the axes, and a bar of round length, on ground of their own
    paper.globalAlpha = 0.72;
    paper.fillStyle = getComputedStyle(document.body).backgroundColor;
    const metres = roundLength(0.3 * width * step() * voxelSize), bar = metres / voxelSize / step();
    paper.beginPath();
    paper.roundRect(4, height - 68, 62, 64, 6);
    paper.roundRect(width - 22 - Math.max(bar, 44), height - 38, Math.max(bar, 44) + 18, 34, 6);
    paper.fill();
    paper.globalAlpha = 1;
    paper.lineWidth = 1.2;
    paper.strokeStyle = paper.fillStyle = ink;
    paper.font = "12px system-ui, sans-serif";
    paper.textAlign = "center";
    paper.textBaseline = "middle";
    const origin = [34, height - 36];
    AXES.forEach((letter, axis) => {
      const k = 2 - axis, tip = [origin[0] + 22 * right[k], origin[1] - 22 * up[k]];
      paper.beginPath();
      paper.moveTo(...origin);
      paper.lineTo(...tip);
      paper.stroke();
      if (Math.hypot(right[k], up[k]) > 0.25)
        paper.fillText(letter, origin[0] + 31 * right[k], origin[1] - 31 * up[k]);
    });
    paper.fillRect(width - 14 - bar, height - 16, bar, 4);
    paper.textBaseline = "alphabetic";
    paper.fillText(inWords(metres), width - 14 - bar / 2, height - 22);
    handle.bar = { metres, pixels: bar };
  }

  // -- when to draw -----------------------------------------------------------------------------------

  /** Find out how fast this machine draws, and settle how fine. */
  function gauge() {
    const { clientWidth, clientHeight } = parts.canvas, one = new Uint8Array(4);
    const timed = (scale) => {
      const start = performance.now();
      handle.draw(scale);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, one); // waits until it is drawn
      return performance.now() - start;
    };
    timed(0.2); // the first frame also compiles
    const small = Math.min(timed(0.4), timed(0.4)) / 0.4 ** 2;
    quality = Math.min(Math.max(Math.sqrt(SLOW / small), 0.3), window.devicePixelRatio || 1);
    finest = Math.min(Math.max(Math.sqrt(PATIENCE / small), 0.7), Math.max(window.devicePixelRatio || 1, 2));
    if (!clientWidth || !clientHeight) quality = 0.75;
  }

  /** Ask for one coarse frame now and for a fine one when nothing has moved for a while. */
  function moved() {
    if (!program) return;
    clearTimeout(rest);
    rest = setTimeout(() => {
      last = 0;
      handle.draw();
    }, 140);
    if (asked) return;
    asked = requestAnimationFrame((now) => {
      asked = 0;
      if (last && now - last > SLOW) quality = Math.max(0.8 * quality, 0.3);
      else if (last && now - last < FAST) quality = Math.min(1.06 * quality, window.devicePixelRatio || 1);
      last = now;
      handle.draw(quality);
    });
  }
  handle.cut = (z, y, x) => {
    state.cut = [z, y, x].map((k, axis) => Math.min(Math.max(Math.round(k), 0), shape[axis]));
    refresh();
  };
  handle.slice = (axis, index) => {
    state.axis = axis;
    state.index[axis] = Math.min(Math.max(Math.round(index), 0), shape[axis] - 1);
    refresh();
  };
  handle.reset = () => {
    Object.assign(state, START, { pan: [0, 0], planes: false, pores: false, exact: false });
    state.cut = shape.map((n) => n >> 1);
    refresh();
  };

  /** Bring all controls to the state, and draw. */
  function refresh() {
    parts.cuts.forEach(({ input, words }, axis) => {
      input.value = state.cut[axis];
      words.textContent = state.cut[axis] ? length(state.cut[axis]) : "nothing";
    });
    for (const [name, value] of [["phase", state.pores ? "pores" : "solid"], ["how", state.planes ? "planes" : "corner"],
      ["axis", String(state.axis)]])
      parts.root.querySelectorAll(`input[data-role=${name}]`).forEach((one) => (one.checked = one.value === value));
    parts.exact.checked = state.exact;
    parts.scrub.max = shape[state.axis] - 1;
    parts.scrub.value = state.index[state.axis];
    drawSlice();
    moved();
  }

  const off = new AbortController();
  const on = (target, name, what, more = {}) => target.addEventListener(name, what, { signal: off.signal, ...more });
  parts.cuts.forEach(({ input }, axis) =>
    on(input, "input", () => handle.cut(...state.cut.map((k, a) => (a === axis ? +input.value : k)))));
  on(parts.scrub, "input", () => handle.slice(state.axis, +parts.scrub.value));
  on(parts.exact, "change", () => { state.exact = parts.exact.checked; refresh(); });
  on(parts.more, "toggle", () => { drawSlice(); moved(); });
  on(parts.root, "change", ({ target }) => {
    const { role } = target.dataset;
    if (role === "phase") state.pores = target.value === "pores";
    else if (role === "how") state.planes = target.value === "planes";
    else if (role === "axis") state.axis = +target.value;
    else if (role === "detail") { state.block = +target.value; if (program) upload(); }
    else return;
    refresh();
  });
  on(parts.reset, "click", handle.reset);
  on(parts.large, "click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else element.requestFullscreen().catch(() => (parts.large.hidden = true));
  });
  on(document, "fullscreenchange", () => {
    parts.large.textContent = document.fullscreenElement === element ? "Smaller" : "Larger";
    if (document.fullscreenElement === element) parts.more.open = true;
  });
  on(parts.save, "click", () => {
    handle.draw();
    const whole = document.createElement("canvas");
    [whole.width, whole.height] = [parts.canvas.width, parts.canvas.height];
    const paper = whole.getContext("2d");
    paper.fillStyle = getComputedStyle(document.body).backgroundColor;
    paper.fillRect(0, 0, whole.width, whole.height);
    for (const one of [parts.canvas, parts.over]) paper.drawImage(one, 0, 0, whole.width, whole.height);
    const link = document.createElement("a");
    link.download = "structure.png";
    link.href = whole.toDataURL("image/png");
    link.click();
  });

  // one finger or the left button turns; two fingers, shift or the right button move; pinch and wheel zoom
  const fingers = new Map();
  const zoomTo = (zoom, x, y) => {
    const { left, top, width, height } = parts.canvas.getBoundingClientRect();
    const now = Math.min(Math.max(zoom, 0.5), 24), ratio = now / state.zoom;
    const from = [x - left - width / 2, y - top - height / 2];
    state.pan = state.pan.map((p, k) => from[k] - (from[k] - p) * ratio); // what lies under the pointer stays there
    state.zoom = now;
    moved();
  };
  on(parts.canvas, "pointerdown", (event) => {
    parts.canvas.setPointerCapture(event.pointerId);
    parts.canvas.focus({ preventScroll: true });
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  on(parts.canvas, "pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY], way = [now[0] - before[0], now[1] - before[1]];
    if (fingers.size > 1) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 1);
      state.pan = state.pan.map((p, k) => p + way[k] / 2);
      zoomTo((state.zoom * apart(now)) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (event.shiftKey || event.buttons & 2) state.pan = state.pan.map((p, k) => p + way[k]);
    else turn(-0.45 * way[0], 0.45 * way[1]);
    fingers.set(event.pointerId, now);
    moved();
  });
  for (const name of ["pointerup", "pointercancel"]) on(parts.canvas, name, (event) => fingers.delete(event.pointerId));
  on(parts.canvas, "contextmenu", (event) => event.preventDefault());
  on(parts.canvas, "wheel", (event) => {
    if (document.activeElement !== parts.canvas && !event.ctrlKey) return; // the page scrolls on until a click
    event.preventDefault();
    zoomTo(state.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  on(parts.canvas, "keydown", (event) => {
    const turns = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] }[event.key];
    const zooms = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 }[event.key];
    if (turns) turn(...turns);
    else if (zooms) state.zoom = Math.min(Math.max(state.zoom * zooms, 0.5), 24);
    else if (event.key === "Home") handle.reset();
    else return;
    event.preventDefault();
    moved();
  });
  function turn(azimuth, elevation) {
    state.azimuth = (state.azimuth + azimuth + 360) % 360;
    state.elevation = Math.min(Math.max(state.elevation + elevation, -90), 90);
  }

  // -- start, loss, end -------------------------------------------------------------------------------

  function fail(words) {
    program = null;
    handle.lost = words;
    element.classList.remove("live");
    parts.words.textContent = `${words}: this is the picture drawn when the page was written. Slices still work.`;
    parts.more.open = true;
  }
  on(parts.canvas, "webglcontextlost", (event) => {
    event.preventDefault();
    fail("The graphics card gave up");
  });
  on(parts.canvas, "webglcontextrestored", () => {
    texture = null;
    begin();
  });
  function begin() {
    if (!gl) return fail("This browser has no WebGL 2, so the structure cannot be turned");
    try {
      prepare();
    } catch (error) {
      return fail(`The structure cannot be drawn here (${error.message})`);
    }
    handle.lost = "";
    parts.words.textContent = parts.hint;
    element.classList.add("live");
    gauge();
    handle.draw();
  }
  refresh();
  begin();
  const watch = new ResizeObserver(() => moved());
  watch.observe(parts.canvas);
  const theme = window.matchMedia("(prefers-color-scheme: dark)");
  on(theme, "change", moved);
  handle.destroy = () => {
    off.abort();
    watch.disconnect();
    clearTimeout(rest);
    cancelAnimationFrame(asked);
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
    parts.root.remove();
    element.classList.remove("live");
  };
  return handle;
}

/** Make the controls. */
function build(element, shape, note, open) {
  const make = (tag, className = "", text = "") => {
    const one = document.createElement(tag);
    if (className) one.className = className;
    if (text) one.textContent = text;
    return one;
  };
  const group = `viewer-${Math.random().toString(36).slice(2)}`; // radio buttons of two viewers are strangers
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
  const large = make("button", "", "Larger");
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
  scrub.setAttribute("aria-label", "Which slice");
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

/** Solid of ever so many voxels, 255 where it is; of blocks, the share of it. */
function coarse(pore, shape, block) {
  if (block === 1) {
    const values = new Uint8Array(pore.length);
    for (let i = 0; i < pore.length; i++) values[i] = pore[i] ? 0 : 255;
    return { values, shape };
  }
  const [kz, ky, kx] = shape.map((n) => Math.floor(n / block)), [, ny, nx] = shape;
  const sums = new Uint16Array(kz * ky * kx);
  for (let z = 0; z < kz * block; z++)
    for (let y = 0; y < ky * block; y++) {
      const from = (z * ny + y) * nx, to = (Math.floor(z / block) * ky + Math.floor(y / block)) * kx;
      for (let x = 0; x < kx * block; x++) sums[to + Math.floor(x / block)] += 1 - pore[from + x];
    }
  return { values: Uint8Array.from(sums, (sum) => Math.round((255 * sum) / block ** 3)), shape: [kz, ky, kx] };
}

/** The largest of 1, 2, 5, 10, 20 ... that is not above `most`. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most) + 1e-9);
  return [5, 2, 1].find((digit) => digit * power <= most * (1 + 1e-9)) * power;
}

/** A length in the unit that suits. */
function inWords(metres) {
  const units = [[1e-9, "nm"], [1e-6, "µm"], [1e-3, "mm"], [1, "m"]];
  const [per, unit] = units.filter(([per]) => metres >= 0.9999 * per).pop() ?? units[0];
  return `${+(metres / per).toPrecision(3)} ${unit}`;
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
    throw new Error(gl.getProgramInfoLog(program) || "the shader was refused");
  return program;
}

const VERTEX = `#version 300 es
void main() { // one triangle that covers all
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler3D;
uniform sampler3D volume; // 1 = solid
uniform vec3 size, cut; // voxels
uniform int planes, pores, exact, steps;
uniform mat3 camera; // right, up, towards the reader
uniform vec2 middle; // of the box in the picture [pixel]
uniform float pixel; // its edge [voxel]
out vec4 colour;

const vec3 LAMP = vec3(0.30, 0.42, 0.86); // right, up, towards the reader
const vec3 CUT = vec3(1.000, 0.980, 0.935), WALL = vec3(0.660, 0.770, 0.860), DEEP = vec3(0.050, 0.100, 0.175);
const vec3 PORE_CUT = vec3(0.990, 0.790, 0.420), PORE_WALL = vec3(0.930, 0.640, 0.240);

float matter(float solid) { return pores == 1 ? 1.0 - solid : solid; }
float at(vec3 p) { return matter(textureLod(volume, p / size, 0.0).r); }
float voxel(ivec3 cell) { return matter(texelFetch(volume, cell, 0).r); }
float around(vec3 p, float wide) { return matter(textureLod(volume, p / size, log2(wide)).r); }

// towards less matter: differences over a cube of 4 voxels, wide enough to round the stairs
vec3 outwards(vec3 p) {
  vec3 sum = vec3(0.0);
  for (int k = 0; k < 8; k++) {
    vec3 way = vec3(k & 1, (k >> 1) & 1, k >> 2) * 2.0 - 1.0;
    sum -= way * (at(p + way) + 0.6 * at(p + 1.7 * way));
  }
  for (int k = 0; k < 3; k++) {
    vec3 way = vec3(k == 0, k == 1, k == 2) * 1.4;
    sum += 1.5 * sign(way) * (at(p - way) - at(p + way));
  }
  return dot(sum, sum) > 1e-6 ? normalize(sum) : camera[2];
}

// how much of the sky is free: ever wider looks along the normal and beside it
float open(vec3 p, vec3 n) {
  vec3 a = normalize(cross(n, abs(n.x) < 0.6 ? vec3(1, 0, 0) : vec3(0, 1, 0))), b = cross(n, a);
  float light = 0.0;
  for (int k = 0; k < 5; k++) {
    vec3 way = k == 0 ? n : normalize(n + (k < 3 ? a : b) * (k % 2 == 1 ? 1.3 : -1.3));
    float free = 1.0;
    float reach = 1.5;
    for (int i = 0; i < 3; i++) {
      vec3 q = p + way * reach;
      if (any(lessThan(q, vec3(0.0))) || any(greaterThan(q, size))) break;
      free *= 1.0 - 0.75 * around(q, reach * 0.7);
      reach *= 2.2;
    }
    light += k == 0 ? 1.6 * free : free;
  }
  return light / 5.6;
}

void main() {
  vec2 off = (gl_FragCoord.xy - middle) * pixel;
  vec3 ahead = -camera[2];
  ahead = mix(ahead, vec3(1e-5), lessThan(abs(ahead), vec3(1e-5))); // no division by nothing
  vec3 start = 0.5 * size + off.x * camera[0] + off.y * camera[1] - length(size) * ahead;
  vec3 low = vec3(0.0), high = size;
  if (planes == 1) { low.z = cut.z; high.xy = cut.xy; }
  vec3 per = 1.0 / ahead, a = (low - start) * per, b = (high - start) * per;
  vec3 enter = min(a, b), leave = max(a, b);
  float near = max(max(enter.x, enter.y), enter.z), far = min(min(leave.x, leave.y), leave.z);
  colour = vec4(0.0);
  if (near >= far || any(greaterThanEqual(low, high))) return;

  vec3 face = vec3(equal(enter, vec3(near))); // the side of the voxel that the ray came in by
  ivec3 cell = clamp(ivec3(floor(start + (near + 1e-3) * ahead)), ivec3(low), ivec3(high) - 1);
  ivec3 way = ivec3(sign(ahead));
  vec3 next = (vec3(cell) + max(vec3(way), 0.0) - start) * per, stride = abs(per);
  float t = near, before = near, first = near, hit = -1.0;
  bool outside = true, capped = false;
  for (int i = 0; i < steps; i++) {
    float until = min(min(next.x, next.y), next.z);
    bool taken = planes == 0 && float(cell.x) >= cut.x && float(cell.y) >= cut.y && float(cell.z) < cut.z;
    if (taken) {
      outside = true;
    } else {
      if (outside) { // at the surface of the block: a cut face, if there is matter
        if ((exact == 1 ? voxel(cell) : at(start + (t + 1e-3) * ahead)) > 0.5) { hit = t; capped = true; break; }
        outside = false;
        first = before = t;
      }
      float half_way = 0.5 * (t + until);
      if ((exact == 1 ? voxel(cell) : at(start + half_way * ahead)) > 0.5) {
        hit = exact == 1 ? t : half_way;
        break;
      }
      before = half_way;
    }
    if (until >= far - 1e-4) break;
    vec3 least = vec3(lessThanEqual(next, min(next.yzx, next.zxy)));
    face = least;
    t = until;
    cell += ivec3(least) * way;
    next += least * stride;
  }

  float fog = 0.16 * max(max(size.x, size.y), size.z);
  if (hit < 0.0) { // it looks through
    float dim = outside ? 0.0 : 1.0 - exp((first - far) / fog);
    colour = vec4(DEEP * dim, dim);
    return;
  }
  if (!capped && exact == 0)
    for (int i = 0; i < 5; i++) {
      float m = 0.5 * (before + hit);
      if (at(start + m * ahead) > 0.5) hit = m; else before = m;
    }
  vec3 p = start + hit * ahead;
  vec3 flat_normal = normalize(-face * vec3(way));
  vec3 n = capped ? flat_normal : exact == 1 ? normalize(flat_normal + outwards(p)) : outwards(p);
  vec3 lamp = camera * normalize(LAMP);
  vec3 light;
  if (capped) {
    float shade = 0.50 + 0.50 * max(dot(n, lamp), 0.0);
    light = (pores == 1 ? PORE_CUT : CUT) * shade;
  } else {
    float facing = max(dot(n, lamp), 0.0), rim = 1.0 - max(dot(n, camera[2]), 0.0);
    float sky = open(p, n);
    // edges are bright in an electron microscope, hollows dark
    float shade = sky * (0.30 + 0.62 * facing) + 0.10 + 0.22 * rim * rim * sky;
    light = mix(DEEP, (pores == 1 ? PORE_WALL : WALL) * 1.25, clamp(shade, 0.0, 1.0));
    light = mix(DEEP, light, exp((first - hit) / (2.2 * fog)));
  }
  colour = vec4(light, 1.0);
}`;
