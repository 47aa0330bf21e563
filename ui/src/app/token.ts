// SPDX-License-Identifier: MPL-2.0
import { KeptStore, Store } from './store';

/** The secret that requests are sent with, empty for none. */
export const token = new KeptStore<string>('nomadlike-token', '');

/** Whether the box that sets the token is open. */
export const tokenBoxOpen = new Store(false);
