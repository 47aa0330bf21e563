// SPDX-License-Identifier: MPL-2.0

/** Which drawn row shows which of a long list: the rows from a number on, each with a key of its own. */
export interface Slots {
  from: number;
  keys: number[];
  /** The next key that was never used. */
  next: number;
}

/** No rows. */
export const noSlots: Slots = { from: 0, keys: [], next: 0 };

/**
 * The slots after the list was scrolled to another row, so that the fewest elements are made and moved: down, what
 * scrolls out at the top is used again at the bottom; up, what scrolls in is new, for a framework would move all
 * the others instead of the few; far away, every element stays where it is and shows something else.
 */
export function scrolled(s: Slots, from: number, count: number): Slots {
  let { next } = s;
  const fresh = (n: number) => Array.from({ length: Math.max(0, n) }, () => next++);
  let keys = [...s.keys.slice(0, count), ...fresh(count - s.keys.length)];
  const by = from - s.from;
  if (by > 0 && by < count) keys = [...keys.slice(by), ...keys.slice(0, by)];
  else if (by < 0 && -by < count) keys = [...fresh(-by), ...keys.slice(0, count + by)];
  return { from, keys, next };
}

/**
 * The row that each slot shows, by the slot's key. While somebody jumps through a list, only what is in sight is drawn
 * anew: the slots beyond it go on showing what they did, wherever that is, unless another slot shows that now.
 */
export function rowsOf(s: Slots, before: ReadonlyMap<number, number>, count: number, sight: { startIndex: number; endIndex: number } | undefined): Map<number, number> {
  const rows = new Map<number, number>();
  s.keys.forEach((key, i) => {
    const row = s.from + i;
    const old = before.get(key);
    const beyond = sight !== undefined && (row < sight.startIndex || row > sight.endIndex);
    const stays = beyond && old !== undefined && old < count && (old < s.from || old >= s.from + s.keys.length);
    rows.set(key, stays ? old : row);
  });
  return rows;
}
