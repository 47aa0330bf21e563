// SPDX-License-Identifier: MPL-2.0
import type { UseQueryResult } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { Answer, Common } from '../api/client';
import type { Op } from '../api/op';
import { previousPage } from '../lib/paging';
import { useOp } from './query';

/** One page of a list. */
export interface Paged<R> {
  query: UseQueryResult<Answer<R[]>, Error>;
  /** The token of the page before, empty when that is the first one; undefined when there is none, or it is not known yet. */
  previous: string | undefined;
  /** The token of the page after. */
  next: string | undefined;
  /** Whether the address names a page's beginning. */
  within: boolean;
  /** Whether rows come before this page, as far as is known. */
  before: boolean;
  /** Whether the page is all of the list. */
  whole: boolean;
}

/**
 * Reads one page of a list, whose first row the read names by the token that a server gave. The page before is found
 * by reading backwards from that row, so that an address leads to the same place for whoever opens it.
 */
export function usePaged<P extends object, R>(op: Op<P, R[]>, params: P, read: Common, key: (row: R) => string, enabled = true): Paged<R> {
  const within = !!read.nextToken;
  const query = useOp(op, params, { ...read, keep: true, enabled });
  const back = useOp(op, params, { ...read, reverse: !read.reverse, enabled: enabled && within });
  const here = query.isPlaceholderData ? undefined : query.data;
  const behind = within && here && back.data ? { keys: back.data.data.map(key), nextToken: back.data.nextToken } : undefined;
  const first = here?.data[0];
  const previous = previousPage(first && key(first), behind);
  useTop(read.nextToken ?? '');
  return { query, previous, next: here?.nextToken || undefined, within, before: within && (!behind || previous !== undefined), whole: !within && query.data?.nextToken === '' };
}

/** Another page is looked at from its beginning. */
function useTop(token: string) {
  const last = useRef(token);
  useEffect(() => {
    if (last.current !== token) window.scrollTo(0, 0);
    last.current = token;
  }, [token]);
}
