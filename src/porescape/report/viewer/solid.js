// The solid (or the pores) in a canvas, drawn by the graphics card.

import { link } from "./shader.js";
import { camera, voxelsPerPixel } from "./view.js";
import { coarse } from "./voxels.js";

const MOST_PIXELS = 2.4e6; // of a frame at rest
const LEAST_SCALE = 0.2; // pixels of a frame per CSS pixel

export function makeSolid(canvas, pore, shape, view) {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true });
  let program = null, places = {}, texture = null;

  function upload() {
    const { values, shape: [kz, ky, kx] } = coarse(pore, shape, view.block);
    if (texture) gl.deleteTexture(texture);
    texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_3D, texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.R8, kx, ky, kz, 0, gl.RED, gl.UNSIGNED_BYTE, values);
    gl.generateMipmap(gl.TEXTURE_3D); // blurred copies, from which the shading is computed
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    for (const way of ["S", "T", "R"]) gl.texParameteri(gl.TEXTURE_3D, gl[`TEXTURE_WRAP_${way}`], gl.CLAMP_TO_EDGE);
    view.drawn = [kz, ky, kx];
  }

  return {
    supported: gl !== null,

    ready: () => program !== null,

    /** Set up, also after a lost context; throws if the graphics card refuses. */
    prepare() {
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
    },

    /** Upload the voxels again after `view.block` has changed. */
    update() {
      if (program) upload();
    },

    /** Draw a frame of `scale` pixels per CSS pixel; return its actual scale, or 0 if nothing could be drawn. */
    draw(scale) {
      const { clientWidth: width, clientHeight: height } = canvas;
      if (!width || !height || !program || gl.isContextLost()) return 0;
      const most = Math.sqrt(MOST_PIXELS / (width * height));
      const factor = Math.max(Math.min(scale, most), LEAST_SCALE);
      const columns = Math.max(Math.round(width * factor), 1), rows = Math.max(Math.round(height * factor), 1);
      if (canvas.width !== columns || canvas.height !== rows) {
        canvas.width = columns;
        canvas.height = rows;
      }
      gl.viewport(0, 0, columns, rows);
      gl.useProgram(program);
      const b = view.block, [kz, ky, kx] = view.drawn;
      const set = (name, kind, ...values) => gl[`uniform${kind}`](places[name], ...values);
      set("size", "3f", kx, ky, kz);
      // the first voxel kept along z, and the first removed along y and x
      const keep = [kx - Math.round(view.cut[2] / b), ky - Math.round(view.cut[1] / b), Math.round(view.cut[0] / b)];
      set("cut", "3f", ...keep);
      set("planes", "1i", view.planes ? 1 : 0);
      set("pores", "1i", view.pores ? 1 : 0);
      set("exact", "1i", view.exact ? 1 : 0);
      set("steps", "1i", kx + ky + kz + 6);
      gl.uniformMatrix3fv(places.camera, false, camera(view).flat());
      set("middle", "2f", columns / 2 + view.pan[0] * factor, rows / 2 - view.pan[1] * factor);
      set("pixel", "1f", voxelsPerPixel(view, shape, canvas) / b / factor);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      return factor;
    },

    /** Wait until the frame is drawn, by reading one of its pixels. */
    finish() {
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    },

    /** Draw nothing more: the context is lost or unusable. */
    stop() {
      program = null;
    },

    /** Drop the texture of a lost context. */
    forget() {
      texture = null;
    },

    release() {
      gl?.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
