// SPDX-License-Identifier: MPL-2.0
import { uiBase } from '../api/client';
import { screen } from './screen';

// Each screen is a file of its own, loaded when it is gone to; the first one comes with the page.
export const AllocationsPage = screen(() => import('../routes/allocations'));
export const AllocPage = screen(() => import('../routes/alloc'));
export const ClientsPage = screen(() => import('../routes/clients'));
export const ClientPage = screen(() => import('../routes/client'));
export const ServersPage = screen(() => import('../routes/servers'));
export const ServicesPage = screen(() => import('../routes/services'));
export const TopologyPage = screen(() => import('../routes/topology'));
export const ClusterPage = screen(() => import('../routes/cluster'));
export const EvaluationsPage = screen(() => import('../routes/evaluations'));
export const EvaluationPage = screen(() => import('../routes/evaluation'));
export const RunPage = screen(() => import('../routes/run'));
export const JobPage = screen(() => import('../routes/job'));

/** The files by the beginning of the addresses that need them, the longer ones first. */
const files: [path: RegExp, load: () => Promise<unknown>][] = [
  [/^\/jobs\/run/, RunPage.load],
  [/^\/jobs\/./, JobPage.load],
  [/^\/allocations\/./, AllocPage.load],
  [/^\/allocations/, AllocationsPage.load],
  [/^\/evaluations\/./, EvaluationPage.load],
  [/^\/evaluations/, EvaluationsPage.load],
  [/^\/clients\/./, ClientPage.load],
  [/^\/clients/, ClientsPage.load],
  [/^\/services/, ServicesPage.load],
  [/^\/servers/, ServersPage.load],
  [/^\/topology/, TopologyPage.load],
  [/^\/cluster/, ClusterPage.load],
];

/** Reads what the screen of an address needs; done when it can be drawn, or cannot be read. */
async function prepare(path: string): Promise<void> {
  await files.find(([p]) => p.test(path))?.[1]().catch(() => undefined);
}

/**
 * Reads all screens, one after the other, while nobody waits for anything. It gives up when the line is down: what is
 * missing then is read when it is needed.
 */
export async function prepareAll(): Promise<void> {
  for (const [, load] of files) {
    if (!navigator.onLine) return;
    try {
      await load();
    } catch {
      return;
    }
  }
}

/** The present path below the interface's own. */
export const here = window.location.pathname.slice(uiBase.pathname.length - 1);

/** Done when the screen of the present address can be drawn; begun before the rest of the program is. */
export const first = prepare(here);
