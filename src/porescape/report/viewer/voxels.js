// The voxels: unpacked, sliced, and averaged over blocks. Axes are (z, y, x), x fastest.

/** Decode base64 of deflated bits, eight voxels to a byte, as numpy.packbits orders them. */
export async function unpack(base64) {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack the structure");
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Write packed bits as one byte for each voxel. */
export function spread(bits, shape) {
  const count = shape.reduce((product, n) => product * n, 1);
  if (bits.length !== Math.ceil(count / 8)) throw new Error(`${bits.length} bytes cannot hold ${shape.join(" × ")} voxels`);
  const pore = new Uint8Array(count);
  for (let i = 0; i < count; i++) pore[i] = (bits[i >> 3] >> (7 - (i & 7))) & 1;
  return pore;
}

/** Return the slice across an axis at an index, row by row. */
export function section(pore, shape, axis, index) {
  const [rows, columns] = shape.filter((_, k) => k !== axis);
  const values = new Uint8Array(rows * columns);
  const strides = [shape[1] * shape[2], shape[2], 1];
  const [down, right] = strides.filter((_, k) => k !== axis);
  let at = 0;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) values[at++] = pore[index * strides[axis] + i * down + j * right];
  return { rows, columns, values };
}

/** The solid: 255 where a voxel is solid; for blocks of voxels, their fraction of solid. */
export function coarse(pore, shape, block) {
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
