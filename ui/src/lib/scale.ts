// SPDX-License-Identifier: MPL-2.0

/** The smallest round number that is not below n: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(n: number): number {
  if (n <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 2, 2.5, 5, 10]) if (step * power >= n * (1 - 1e-9)) return step * power;
  return 10 * power;
}

/** As roundUp, for bytes: steps are powers of two. */
export function roundUpBytes(n: number): number {
  if (n <= 1024) return 1024;
  const power = 2 ** Math.floor(Math.log2(n));
  for (const step of [1, 1.25, 1.5, 2]) if (step * power >= n) return step * power;
  return 2 * power;
}
