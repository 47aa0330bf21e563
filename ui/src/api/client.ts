// SPDX-License-Identifier: MPL-2.0
import { connection } from '../app/connection';
import { token } from '../app/token';
import type { Call, Op } from './op';

/** Where the interface itself is, with a slash at the end; the page's base knows of any prefix. */
export const uiBase = new URL('.', document.baseURI);
const apiBase = new URL('../', uiBase);

/** What the server answered instead of a result; the message is its own text. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly op: string,
    /** The capabilities of which one would have sufficed. */
    readonly need: string[] = [],
  ) {
    super(message);
    this.name = 'ApiError';
  }
  /** The agent could not be reached at all. */
  get offline() {
    return this.status === 0;
  }
  /** The agent knows the route but does not serve it. */
  get unserved() {
    return this.status === 501 || (this.status === 404 && this.message === '');
  }
}

/** The parameters that every request may have. */
export interface Common {
  namespace?: string;
  region?: string;
  index?: number;
  wait?: string;
  prefix?: string;
  filter?: string;
  perPage?: number;
  nextToken?: string;
  reverse?: boolean;
}

/** A result with what its headers say. */
export interface Answer<R> {
  data: R;
  index: number;
  nextToken: string;
}

const commonNames: Record<keyof Common, string> = {
  namespace: 'namespace',
  region: 'region',
  index: 'index',
  wait: 'wait',
  prefix: 'prefix',
  filter: 'filter',
  perPage: 'per_page',
  nextToken: 'next_token',
  reverse: 'reverse',
};

/** Returns the address of a request. */
export function urlOf<P extends object>(op: Call<P>, params: P, common: Common = {}): URL {
  const values = params as Record<string, unknown>;
  const path = op.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name] ?? '')));
  const url = new URL(path.slice(1), apiBase);
  for (const [name, query] of Object.entries(op.query ?? {})) {
    const v = values[name];
    if (v === undefined || v === null || v === '' || v === false) continue;
    for (const one of Array.isArray(v) ? v : [v]) url.searchParams.append(query, String(one));
  }
  for (const [name, query] of Object.entries(commonNames) as [keyof Common, string][]) {
    const v = common[name];
    if (v) url.searchParams.set(query, String(v));
  }
  return url;
}

function bodyOf<P extends object>(op: Call<P>, params: P): string | undefined {
  const values = params as Record<string, unknown>;
  if (op.whole) return JSON.stringify(values[op.whole]);
  if (!op.body) return undefined;
  return JSON.stringify(Object.fromEntries(op.body.filter((n) => values[n] !== undefined).map((n) => [n, values[n]])));
}

/** Sends a request and returns the raw response; failures are ApiErrors. */
export async function send<P extends object>(op: Call<P>, params: P, common: Common = {}, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  const secret = token.get();
  if (secret) headers['X-Nomad-Token'] = secret;
  const body = op.method === 'GET' ? undefined : bodyOf(op, params);
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(urlOf(op, params, common), { method: op.method, headers, body, signal, cache: 'no-store' });
  } catch (e) {
    if (signal?.aborted) throw e;
    connection.lost();
    throw new ApiError(0, 'The agent cannot be reached.', op.name);
  }
  if (response.ok) {
    connection.seen();
    return response;
  }
  const text = (await response.text().catch(() => '')).trim();
  if (response.status === 502 || response.status === 503 || response.status === 504) connection.lost();
  else connection.seen();
  throw new ApiError(response.status, messageOf(response.status, text), op.name, op.need);
}

function messageOf(status: number, text: string): string {
  if (text && text.length < 4000 && !/^\s*<(!doctype|html)/i.test(text)) return text;
  return status === 404 ? '' : `The server answered with status ${status}.`;
}

/** Runs an operation. */
export async function call<P extends object, R>(op: Op<P, R>, params: P, common: Common = {}, signal?: AbortSignal): Promise<Answer<R>> {
  const response = await send(op, params, common, signal);
  const text = await response.text();
  const index = Number(response.headers.get('X-Nomad-Index') ?? 0);
  connection.at(index);
  return {
    data: (text === '' ? null : JSON.parse(text)) as R,
    index,
    nextToken: response.headers.get('X-Nomad-Nexttoken') ?? '',
  };
}
