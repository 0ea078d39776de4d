// What is drawn over the solid: edges of the box and of the cut, the frame of the slice, the axes and a scale bar.

import { inWords, roundLength } from "./lengths.js";
import { AXES, camera, voxelsPerPixel } from "./view.js";

const FRAME = "#D55E00"; // Okabe and Ito's vermilion, which colour-blind readers tell from blue

/**
 * Draw over a frame of the solid.
 *
 * `withSlice` says whether the slice's frame is drawn too. Returns the scale bar: {metres, pixels}.
 */
export function annotate(canvas, { view, shape, voxelSize, ink, withSlice }) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const sharp = window.devicePixelRatio || 1;
  canvas.width = width * sharp;
  canvas.height = height * sharp;
  const paper = canvas.getContext("2d");
  paper.scale(sharp, sharp);
  const [right, up, toward] = camera(view), step = voxelsPerPixel(view, shape, canvas), per = 1 / step;
  const faces = [toward[2], toward[1], toward[0]]; // (z, y, x): which sides of the box are visible
  const seen = (axis, side) => (side ? faces[axis] > 0 : faces[axis] < 0);
  const place = (point) => {
    const p = [2, 1, 0].map((axis) => point[axis] - shape[axis] / 2);
    const along = (v) => p.reduce((sum, value, k) => sum + value * v[k], 0) * per;
    return [width / 2 + along(right) + view.pan[0], height / 2 - along(up) + view.pan[1]];
  };
  const line = (points, close = false) => {
    paper.beginPath();
    points.forEach((p, i) => paper[i ? "lineTo" : "moveTo"](...place(p)));
    if (close) paper.closePath();
    paper.stroke();
  };

  paper.strokeStyle = ink;
  paper.lineWidth = 0.8;
  paper.globalAlpha = 0.45;
  drawEdges(line, seen, view, shape);
  if (withSlice) {
    paper.globalAlpha = 1;
    paper.lineWidth = 1.6;
    paper.strokeStyle = FRAME;
    paper.setLineDash([5, 3]);
    line(ringOf(view, shape), true);
    paper.setLineDash([]);
  }

  // axes and scale bar, on a background of their own
  const metres = roundLength(0.3 * width * step * voxelSize), bar = metres / voxelSize / step;
  paper.globalAlpha = 0.72;
  paper.fillStyle = getComputedStyle(document.body).backgroundColor;
  paper.beginPath();
  paper.roundRect(4, height - 68, 62, 64, 6);
  paper.roundRect(width - 22 - Math.max(bar, 44), height - 38, Math.max(bar, 44) + 18, 34, 6);
  paper.fill();
  paper.globalAlpha = 1;
  paper.lineWidth = 1.2;
  paper.strokeStyle = paper.fillStyle = ink;
  paper.font = "12px system-ui, sans-serif";
  paper.textAlign = "center";
  drawAxes(paper, [34, height - 36], right, up);
  paper.fillRect(width - 14 - bar, height - 16, bar, 4);
  paper.textBaseline = "alphabetic";
  paper.fillText(inWords(metres), width - 14 - bar / 2, height - 22);
  return { metres, pixels: bar };
}

/** Draw the visible edges of the box, without the layers or the corner that are cut away. */
function drawEdges(line, seen, { cut, planes }, [nz, ny, nx]) {
  const [cz, cy, cx] = cut;
  const low = [planes ? cz : 0, 0, 0], high = [nz, planes ? ny - cy : ny, planes ? nx - cx : nx];
  const notch = !planes && cz && cy && cx;
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
          if (axis) to[axis] -= cut[axis];
          else from[axis] += cz;
        }
        line([from, to]);
      }
  }
  if (!notch) return;
  const [z, y, x] = [cz, ny - cy, nx - cx];
  if (seen(0, 0)) line([[0, ny, x], [0, y, x], [0, y, nx]]);
  if (seen(1, 1)) line([[0, ny, x], [z, ny, x], [z, ny, nx]]);
  if (seen(2, 1)) line([[0, y, nx], [z, y, nx], [z, ny, nx]]);
  if (seen(0, 0) && seen(1, 1) && seen(2, 1)) {
    line([[0, y, x], [z, y, x], [z, ny, x]]);
    line([[z, y, x], [z, y, nx]]);
  }
}

/** The corners of the slice. */
function ringOf({ axis, index }, shape) {
  const [b, c] = [0, 1, 2].filter((k) => k !== axis);
  return [[0, 0], [0, 1], [1, 1], [1, 0]].map(([i, j]) => {
    const p = [0, 0, 0];
    p[axis] = index[axis] + 0.5;
    p[b] = i * shape[b];
    p[c] = j * shape[c];
    return p;
  });
}

/** Draw three arrows; one that points at the reader has no letter. */
function drawAxes(paper, origin, right, up) {
  paper.textBaseline = "middle";
  AXES.forEach((letter, axis) => {
    const k = 2 - axis, tip = [origin[0] + 22 * right[k], origin[1] - 22 * up[k]];
    paper.beginPath();
    paper.moveTo(...origin);
    paper.lineTo(...tip);
    paper.stroke();
    if (Math.hypot(right[k], up[k]) > 0.25)
      paper.fillText(letter, origin[0] + 31 * right[k], origin[1] - 31 * up[k]);
  });
}
