// When frames are drawn, and how fine: coarse while something moves, fine at rest, none while nothing moves.

import { clamp } from "./view.js";

const SLOW = 42; // milliseconds between frames while moving: above, the resolution is lowered
const FAST = 24; // below, it is raised
const PATIENCE = 350; // milliseconds that a frame at rest may take; a slow machine gets a coarser one
const STILL = 140; // milliseconds without movement before the frame at rest

/** `draw` takes pixels per CSS pixel; `finish` waits until the frame is drawn. */
export function makePace(draw, finish) {
  let quality = 0.75, finest = 2; // pixels per CSS pixel while moving, and at rest
  let asked = 0, rest = 0, last = 0;
  const sharp = () => window.devicePixelRatio || 1;

  const timed = (scale) => {
    const start = performance.now();
    draw(scale);
    finish();
    return performance.now() - start;
  };

  return {
    finest: () => finest,

    /** Measure how fast this machine draws, and choose both resolutions; `visible`: the canvas has a size. */
    gauge(visible) {
      timed(0.2); // the first frame also compiles
      const small = Math.min(timed(0.4), timed(0.4)) / 0.4 ** 2;
      quality = visible ? Math.min(Math.max(Math.sqrt(SLOW / small), 0.3), sharp()) : 0.75;
      finest = clamp(Math.sqrt(PATIENCE / small), 0.7, Math.max(sharp(), 2));
    },

    /** Draw one coarse frame now and a fine one when nothing has moved for a while. */
    moved() {
      clearTimeout(rest);
      rest = setTimeout(() => {
        last = 0;
        draw();
      }, STILL);
      if (asked) return;
      asked = requestAnimationFrame((now) => {
        asked = 0;
        if (last && now - last > SLOW) quality = Math.max(0.8 * quality, 0.3);
        else if (last && now - last < FAST) quality = Math.min(1.06 * quality, sharp());
        last = now;
        draw(quality);
      });
    },

    stop() {
      clearTimeout(rest);
      cancelAnimationFrame(asked);
    },
  };
}
