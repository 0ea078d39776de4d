// Numbers and times as people write them, and lengths as the command line reads them.

const POWER = { pm: -12, "Å": -10, nm: -9, um: -6, "µm": -6, "μm": -6, mm: -3, cm: -2, m: 0 };

/** Read a length with its unit, in metres; null if it is not one. */
export function parseLength(text) {
  const match = /^\s*([0-9.]+(?:e[+-]?\d+)?)\s*([A-Za-zµμÅ]+)\s*$/i.exec(text);
  if (!match || !(match[2] in POWER)) return null;
  const value = Number(`${Number(match[1])}e${POWER[match[2]]}`);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** Write a length in metres with a suitable unit. */
export function lengthText(metres) {
  for (const [unit, scale] of [["mm", 1e-3], ["µm", 1e-6], ["nm", 1e-9]])
    if (metres >= 0.9995 * scale) return `${Number((metres / scale).toPrecision(6))} ${unit}`;
  return `${Number((metres * 1e12).toPrecision(6))} pm`;
}

/** Keep numbers and their units on one line. */
export const bound = (words) => words.replace(/(\d) (?=(%|[npµ]?m)(?![A-Za-zµ]))/g, "$1\u00a0");

/** Write words as a sentence: a capital letter and a full stop. */
export const sentence = (words) => (words ? bound(words[0].toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".")) : "");

/** Write a duration: "45 s", "12 min", "3 h 20 min". */
export function durationText(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Write how long ago a time was, or its date. */
export function whenText(seconds) {
  const ago = Date.now() / 1000 - seconds;
  if (ago < 60) return "just now";
  if (ago < 3600) return `${Math.round(ago / 60)} min ago`;
  if (ago < 20 * 3600) return `${Math.round(ago / 3600)} h ago`;
  return new Date(seconds * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export const sizeText = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`);

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export const STATES = {
  draft: "draft",
  queued: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
};
