// SPDX-License-Identifier: MPL-2.0
import { keepPreviousData, QueryClient, useMutation, useQuery, type QueryFunction, type UseQueryOptions, type UseQueryResult } from '@tanstack/react-query';
import { ApiError, call, type Answer, type Common } from '../api/client';
import type { Op } from '../api/op';
import { AllocGet } from '../api/ops.gen';
import { noteDenial, useDenied } from './denied';
import { failed, succeeded } from './toasts';

/** The cache key of a read: the operation, its parameters and the common ones. */
export type ReadKey = [name: string, params: Record<string, unknown>, common: Common];

/** What the live updates know of a cached read. */
export interface ReadMeta extends Record<string, unknown> {
  op: Op<object, unknown>;
  /** How long the last fetch took, in milliseconds; heavy reads are repeated less often. */
  took: number;
}

/** The one place where server data lives. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // Offline is ours to judge: an agent on this machine is reachable without any network.
      networkMode: 'always',
      retry: (count, error) => error instanceof ApiError && (error.offline || error.status >= 502) && count < 2,
    },
    mutations: { networkMode: 'always', retry: false },
  },
});

/** Options of useOp. */
export interface ReadOptions extends Common {
  enabled?: boolean;
  /** Milliseconds between repeated reads, for what no event tells of. */
  every?: number;
  /** Shows the last answer while the next one, for other parameters, is on its way. */
  keep?: boolean;
}

const gone = (error: unknown) => error instanceof ApiError && error.status === 404;

/** What is not found of an allocation may be missing because the allocation was collected: it is looked at again. */
export function noteGone(allocID: string | undefined, error: unknown) {
  if (allocID && gone(error)) void queries.invalidateQueries({ predicate: (q) => q.queryKey[0] === AllocGet.name && (q.queryKey as ReadKey)[1].AllocID === allocID });
}

/** A read as the cache knows it. */
export function readOf<P extends object, R>(op: Op<P, R>, params: P, common: Common): Pick<UseQueryOptions<Answer<R>, Error>, 'queryKey' | 'meta'> & { queryFn: QueryFunction<Answer<R>> } {
  const meta: ReadMeta = { op: op as Op<object, unknown>, took: 0 };
  return {
    queryKey: [op.name, params, common],
    queryFn: async ({ signal, meta: m }) => {
      const start = performance.now();
      const answer = await call(op, params, common, signal).catch((e: unknown) => {
        if (op.name !== AllocGet.name) noteGone((params as { AllocID?: string }).AllocID, e);
        throw e;
      });
      if (m) (m as ReadMeta).took = performance.now() - start;
      return answer;
    },
    meta,
  };
}

/** Reads through the cache; the live updates keep it fresh. */
export function useOp<P extends object, R>(op: Op<P, R>, params: P, options: ReadOptions = {}): UseQueryResult<Answer<R>, Error> {
  const { enabled, every, keep, ...common } = options;
  return useQuery<Answer<R>, Error>({
    ...readOf(op, params, common),
    enabled,
    // What is gone does not come back.
    refetchInterval: every && ((q) => !gone(q.state.error) && every),
    placeholderData: keep ? keepPreviousData : undefined,
  });
}

/** Options of useAction. */
export interface ActionOptions<P, R> {
  /** What was done, for the toast: "Job stopped". Nothing when the screen itself tells. */
  done: string | ((answer: R, params: P) => string | undefined);
  /** What could not be done: "The job was not stopped". */
  failure: string | ((params: P) => string);
  onSuccess?: (answer: R, params: P) => void;
  common?: Common;
}

/** Runs a write, tells how it went and reads again what the page shows. What the token may not do is remembered in denied. */
export function useAction<P extends object, R>(op: Op<P, R>, options: ActionOptions<P, R>) {
  const denied = useDenied(op, options.common);
  const mutation = useMutation<Answer<R>, Error, P>({
    mutationFn: (params) => call(op, params, options.common),
    onSuccess: (answer, params) => {
      const done = typeof options.done === 'string' ? options.done : options.done(answer.data, params);
      if (done) succeeded(done);
      void queries.invalidateQueries();
      options.onSuccess?.(answer.data, params);
    },
    onError: (error, params) => {
      noteDenial(op, options.common, error);
      failed(typeof options.failure === 'string' ? options.failure : options.failure(params), error);
    },
  });
  return { ...mutation, denied };
}
