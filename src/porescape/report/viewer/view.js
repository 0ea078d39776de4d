// What is shown and from where: the state that all controls change, and the camera derived from it.
//
// Axes are (z, y, x) wherever a list is given, as in the files; vectors of the camera are (x, y, z). The projection
// is parallel: one scale bar holds for every depth.

const START = { azimuth: 34, elevation: 31, zoom: 1 }; // as in the still picture
const ZOOMS = [0.5, 24];
const MARGIN = 1.03; // of the box's diagonal in the canvas; chosen by hand
export const AXES = ["z", "y", "x"];

const middle = (shape) => shape.map((n) => n >> 1);

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The first view.
 *
 * Angles in degrees; `pan` in CSS pixels; `cut` in voxels along z, y and x, as a corner or (`planes`) as whole layers;
 * `exact`: voxels as they are; `block`: voxels along the edge of one that is drawn; `axis`, `index`: the slice.
 */
export const newView = (shape) => ({
  ...START, pan: [0, 0], cut: middle(shape), planes: false, pores: false, exact: false, block: 1, axis: 0, index: middle(shape),
});

/** Restore the first view, except for slice and detail. */
export function resetView(view, shape) {
  Object.assign(view, START, { pan: [0, 0], cut: middle(shape), planes: false, pores: false, exact: false });
}

export function turn(view, azimuth, elevation) {
  view.azimuth = (view.azimuth + azimuth + 360) % 360;
  view.elevation = clamp(view.elevation + elevation, -90, 90);
}

export function zoomTo(view, zoom) {
  view.zoom = clamp(zoom, ...ZOOMS);
}

/** Zoom so that the point at `from`, in CSS pixels from the middle of the canvas, stays there. */
export function zoomAt(view, zoom, from) {
  const before = view.zoom;
  zoomTo(view, zoom);
  view.pan = view.pan.map((p, k) => from[k] - (from[k] - p) * (view.zoom / before));
}

export function move(view, way) {
  view.pan = view.pan.map((p, k) => p + way[k]);
}

/** Right, up and towards the reader, as (x, y, z). */
export function camera({ azimuth, elevation }) {
  const a = (azimuth * Math.PI) / 180, e = (elevation * Math.PI) / 180;
  return [
    [Math.cos(a), -Math.sin(a), 0],
    [-Math.sin(e) * Math.sin(a), -Math.sin(e) * Math.cos(a), -Math.cos(e)],
    [Math.cos(e) * Math.sin(a), Math.cos(e) * Math.cos(a), -Math.sin(e)],
  ];
}

/** Voxels of the full resolution per CSS pixel of a canvas. */
export function voxelsPerPixel(view, shape, { clientWidth, clientHeight }) {
  const [nz, ny, nx] = shape;
  return (MARGIN * Math.hypot(nx, ny, nz)) / (Math.max(Math.min(clientWidth, clientHeight), 1) * view.zoom);
}
