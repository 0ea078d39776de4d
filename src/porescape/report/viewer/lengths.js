// Lengths as people write them.

/** The largest of 1, 2, 5, 10, 20 ... that does not exceed `most`. */
export function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most) + 1e-9);
  return [5, 2, 1].find((digit) => digit * power <= most * (1 + 1e-9)) * power;
}

/** A length in a suitable unit. */
export function inWords(metres) {
  const units = [[1e-9, "nm"], [1e-6, "µm"], [1e-3, "mm"], [1, "m"]];
  const [per, unit] = units.filter(([per]) => metres >= 0.9999 * per).pop() ?? units[0];
  return `${+(metres / per).toPrecision(3)} ${unit}`;
}
