// SPDX-License-Identifier: MPL-2.0
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo } from 'react';
import { AllocList, EvalList, JobList, NodeList, SearchFuzzy } from '../api/ops.gen';
import type { IconName } from '../components/icons';
import { contains, gapped } from '../lib/filter';
import { short } from '../lib/format';
import { href } from '../lib/href';
import { jobStatus, nodeStatus, statusOf } from '../lib/status';
import { helpOpen } from './help-store';
import { useAmbient } from './location';
import { timeStyle } from './preferences';
import { useOp } from './query';
import { places } from './places';

/** One line of the palette: a place to go to or a thing to do. */
export interface Entry {
  key: string;
  text: string;
  detail: string;
  icon: IconName;
  to?: string;
  run?: () => void;
  /** Shown before anything is typed. */
  always?: boolean;
  /** Matched by the server. */
  exact?: boolean;
}

/** The screens and what can be done anywhere. */
export function useCommands(): Entry[] {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  return useMemo(() => {
    const other = scheme === 'light' ? 'dark' : 'light';
    return [
      ...places.map((p): Entry => ({ key: p.to, text: p.text, detail: `g ${p.letter}`, icon: p.icon, to: p.to, always: true })),
      { key: 'run', text: 'Run a job', detail: 'Command', icon: 'plus', to: '/jobs/run', always: true },
      { key: 'theme', text: `Use the ${other} theme`, detail: 'Command', icon: other === 'dark' ? 'moon' : 'sun', run: () => setColorScheme(other), always: true },
      { key: 'time', text: 'Switch between relative and absolute times', detail: 'Command', icon: 'clock', run: () => timeStyle.set(timeStyle.get() === 'relative' ? 'absolute' : 'relative'), always: true },
      { key: 'keys', text: 'Show all keys', detail: '?', icon: 'key', run: () => helpOpen.set(true), always: true },
    ];
  }, [scheme, setColorScheme]);
}

/** How many jobs are asked for at a time. */
const mostJobs = 20;

/** Jobs and clients by name; allocations and evaluations by the beginning of their ID; tasks and the like by the server. */
export function useFound(typed: string): Entry[] {
  const { region } = useAmbient();
  const [text] = useDebouncedValue(typed.trim().toLowerCase(), 120);
  const all = { namespace: '*', region };
  // What has the text as it is comes before what has its letters with others between them.
  const jobs = useOp(JobList, {}, { ...all, filter: contains(['ID'], text), perPage: mostJobs, enabled: text !== '', keep: true });
  const similar = useOp(JobList, {}, { ...all, filter: gapped('ID', text), perPage: mostJobs, enabled: text !== '' && jobs.data !== undefined && jobs.data.data.length < mostJobs });
  const nodes = useOp(NodeList, {}, { region });
  // The API takes a prefix of whole bytes.
  const hex = text.length >= 2 && /^[0-9a-f-]+$/.test(text);
  const prefix = text.replace(/-/g, '').length % 2 === 0 ? text : text.slice(0, -1);
  const byPrefix = { ...all, prefix, perPage: 10, enabled: hex && prefix !== '' };
  const allocs = useOp(AllocList, {}, byPrefix);
  const evals = useOp(EvalList, {}, byPrefix);
  const fuzzy = useOp(SearchFuzzy, { Text: text, Context: 'allocs' }, { ...all, enabled: text.length >= 2 && !hex });
  return useMemo(() => {
    const found: Entry[] = [];
    const known = new Map([...(similar.data?.data ?? []), ...(jobs.data?.data ?? [])].map((j) => [`${j.Namespace}/${j.ID}`, j]));
    for (const j of known.values()) found.push({ key: `job/${j.Namespace}/${j.ID}`, text: j.ID, detail: `Job, ${jobStatus(j).text}`, icon: 'jobs', to: href.job(j.ID, j.Namespace) });
    for (const n of nodes.data?.data ?? []) {
      found.push({ key: `node/${n.ID}`, text: n.Name, detail: `Client, ${nodeStatus(n).text}`, icon: 'clients', to: href.node(n.ID), exact: hex && n.ID.startsWith(text) });
    }
    for (const a of allocs.data?.data ?? []) if (a.ID.startsWith(text)) found.push({ key: `alloc/${a.ID}`, text: `${a.Name} ${short(a.ID)}`, detail: `Allocation, ${statusOf(a.ClientStatus).text}`, icon: 'allocations', to: href.alloc(a.ID), exact: true });
    for (const e of evals.data?.data ?? []) if (e.ID?.startsWith(text)) found.push({ key: `eval/${e.ID}`, text: short(e.ID), detail: `Evaluation of ${e.JobID}, ${statusOf(e.Status).text}`, icon: 'evaluations', to: href.evaluation(e.ID, e.Namespace), exact: true });
    for (const m of fuzzy.data?.data.Matches?.allocs ?? []) {
      const id = m.Scope?.[1] ?? '';
      if (id) found.push({ key: `alloc/${id}`, text: `${m.ID} ${short(id)}`, detail: 'Allocation', icon: 'allocations', to: href.alloc(id), exact: true });
    }
    return found;
  }, [jobs.data, similar.data, nodes.data, allocs.data, evals.data, fuzzy.data, hex, text]);
}
