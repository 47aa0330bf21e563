// SPDX-License-Identifier: MPL-2.0
import { KeptStore } from './store';

/** Whether times are shown as how long ago or as date and clock. */
export const timeStyle = new KeptStore<'relative' | 'absolute'>('nomadlike-time', 'relative');
