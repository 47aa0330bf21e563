// SPDX-License-Identifier: MPL-2.0
import { KeptStore } from './store';

/** The secret that requests are sent with, empty for none. */
export const token = new KeptStore<string>('nomadlike-token', '');
