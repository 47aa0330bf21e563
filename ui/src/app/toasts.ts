// SPDX-License-Identifier: MPL-2.0
import { ApiError } from '../api/client';
import { Store } from './store';

/** One short message that goes away by itself unless it is an error. */
export interface Toast {
  id: number;
  kind: 'success' | 'error';
  title: string;
  text: string;
}

/** The messages shown now, oldest first. */
export const toasts = new Store<Toast[]>([]);

let next = 1;

/** Takes a message away. */
export function dismiss(id: number) {
  toasts.set(toasts.get().filter((t) => t.id !== id));
}

function show(kind: Toast['kind'], title: string, text: string) {
  const id = next++;
  toasts.set([...toasts.get().filter((t) => t.title !== title || t.text !== text).slice(-4), { id, kind, title, text }]);
  if (kind === 'success') setTimeout(() => dismiss(id), 6000);
}

/** Says that something worked. */
export function succeeded(title: string, text = '') {
  show('success', title, text);
}

/** Says that something failed, in the server's own words. */
export function failed(title: string, error: unknown) {
  show('error', title, describe(error));
}

/** The text of an error for a person: the server's own, with what is missing when it was denied. */
export function describe(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  if (error.status === 403 && error.need.length > 0) return `${error.message}: this needs a token with ${error.need.join(' or ')}.`;
  if (error.status === 404 && error.message === '') return 'This agent does not serve this yet.';
  return error.message;
}
