// SPDX-License-Identifier: MPL-2.0
import { Store } from './store';

/** Whether the command palette is open. */
export const paletteOpen = new Store(false);

/** Counts how often it was opened; each time it begins anew, even while the last one still fades away. */
export const paletteVisit = new Store(0);

let ahead = '';

/** Opens the command palette. */
export function openPalette() {
  if (paletteOpen.get()) return;
  ahead = '';
  paletteVisit.set(paletteVisit.get() + 1);
  paletteOpen.set(true);
}

/** Keeps what is typed between the palette's opening and its field. */
export function typeAhead(key: string) {
  ahead += key;
}

/** What was typed before the field was there. */
export function typedAhead(): string {
  return ahead;
}
