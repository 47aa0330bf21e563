// SPDX-License-Identifier: MPL-2.0
import { Store } from './store';

/** Whether the command palette is open. */
export const paletteOpen = new Store(false);

/** Opens the command palette. */
export function openPalette() {
  paletteOpen.set(true);
}
