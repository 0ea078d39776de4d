// One slice in its own canvas, drawn even without WebGL 2.

import { AXES } from "./view.js";
import { section } from "./voxels.js";

const SOLID = [239, 236, 228]; // red, green, blue as in all pictures of a report
const PORE = [32, 38, 46];

/** Draw the slice of the view; `length` writes a number of voxels as a length. */
export function drawSlice({ slice: canvas, sliceWords }, view, pore, shape, length) {
  const { axis } = view, index = view.index[axis];
  const { rows, columns, values } = section(pore, shape, axis, index);
  const paper = canvas.getContext("2d");
  canvas.width = columns;
  canvas.height = rows;
  const picture = paper.createImageData(columns, rows);
  let open = 0;
  values.forEach((is, i) => {
    picture.data.set(is ? PORE : SOLID, 4 * i);
    picture.data[4 * i + 3] = 255;
    open += is;
  });
  paper.putImageData(picture, 0, 0);
  const share = ((100 * open) / values.length).toFixed(1);
  sliceWords.textContent = `${AXES[axis]} = ${length(index + 0.5)}, slice ${index + 1} of ${shape[axis]}: ${share} % pore`;
  canvas.setAttribute("aria-label", `Slice across ${sliceWords.textContent}; pores dark`);
}
