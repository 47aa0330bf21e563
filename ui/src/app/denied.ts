// SPDX-License-Identifier: MPL-2.0
import { ApiError, type Common } from '../api/client';
import { Store, useStore } from './store';
import { describe } from './toasts';
import { token } from './token';

/** What the server refused the present token, in its own words, by operation and place. */
const denials = new Store<ReadonlyMap<string, string>>(new Map());

// Another token may be allowed other things.
token.subscribe(() => denials.set(new Map()));

function keyOf(op: { name: string }, common: Common = {}): string {
  return [op.name, common.namespace ?? '', common.region ?? ''].join(' ');
}

/** Keeps that an operation was refused for want of a capability. */
export function noteDenial(op: { name: string }, common: Common | undefined, error: unknown) {
  if (!(error instanceof ApiError) || error.status !== 403) return;
  denials.set(new Map(denials.get()).set(keyOf(op, common), describe(error)));
}

/** Why the present token may not do something there, undefined as long as the server did not say so. */
export function useDenied(op: { name: string }, common?: Common): string | undefined {
  return useStore(denials).get(keyOf(op, common));
}
