// SPDX-License-Identifier: MPL-2.0
import { Store } from './store';

/** Whether the list of keys is open. */
export const helpOpen = new Store(false);
