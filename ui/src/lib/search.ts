// SPDX-License-Identifier: MPL-2.0

/** How well a text matches what was typed, undefined when not at all; every word must be found. */
export function score(text: string, typed: string): number | undefined {
  const lower = text.toLowerCase();
  let total = 0;
  for (const word of typed.toLowerCase().split(/\s+/)) {
    if (word === '') continue;
    const s = scoreWord(lower, word);
    if (s === undefined) return undefined;
    total += s;
  }
  return total;
}

function scoreWord(text: string, word: string): number | undefined {
  const at = text.indexOf(word);
  if (at === 0) return text.length === word.length ? 100 : 80;
  if (at > 0) return /[\w]/.test(text[at - 1]!) ? 40 : 60;
  // In order with gaps: fewer gaps are better.
  let gaps = 0;
  let from = 0;
  for (const c of word) {
    const next = text.indexOf(c, from);
    if (next < 0) return undefined;
    if (next > from && from > 0) gaps++;
    from = next + 1;
  }
  return gaps > word.length / 2 ? undefined : 20 - gaps;
}
