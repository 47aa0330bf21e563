// SPDX-License-Identifier: MPL-2.0

/** One measurement: a time in milliseconds and values by name. */
export interface Sample {
  at: number;
  values: Record<string, number>;
}

const kept = new Map<string, Sample[]>();

/** How many samples and how many series are kept. */
const length = 180;
const series = 40;

/** Adds a sample to the series and returns it all; a sample that is not newer changes nothing. */
export function remember(key: string, sample: Sample | undefined): Sample[] {
  const list = kept.get(key) ?? [];
  if (!sample || (list.length > 0 && list[list.length - 1]!.at >= sample.at)) return list;
  const next = [...list.slice(-length + 1), sample];
  kept.delete(key);
  kept.set(key, next);
  for (const old of kept.keys()) {
    if (kept.size <= series) break;
    kept.delete(old);
  }
  return next;
}
