// SPDX-License-Identifier: MPL-2.0
import { AllocList, JobList, NodeList } from '../api/ops.gen';
import { jobsRead, troubleOf } from '../lib/lists';
import { queries, readOf } from './query';

/** How many allocations are read at first, the newest, so that there is something to see while the rest arrives. */
export const newestAllocs = { perPage: 40, reverse: true };

/** Asks for the first list of a screen before there is a screen, while the program still starts. */
export function readAhead(path: string, search: string) {
  const params = new URLSearchParams(search);
  const region = params.get('region') ?? undefined;
  const all = { namespace: params.get('namespace') ?? '*', region };
  if (path === '/' || path === '/jobs') {
    // Which jobs have a trouble is not known yet.
    if (!troubleOf(params)) void queries.prefetchQuery(readOf(JobList, {}, jobsRead(params, all)));
  } else if (path === '/allocations') void queries.prefetchQuery(readOf(AllocList, {}, { ...all, ...newestAllocs }));
  else if (path === '/clients' || path === '/topology') void queries.prefetchQuery(readOf(NodeList, { Resources: true }, { region }));
}
