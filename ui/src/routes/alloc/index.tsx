// SPDX-License-Identifier: MPL-2.0
import { Suspense, type ComponentType } from 'react';
import { AllocGet } from '../../api/ops.gen';
import type { Allocation } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { screen } from '../../app/screen';
import { Cli } from '../../components/code';
import { Id } from '../../components/id';
import { Link } from '../../components/link';
import { Page, TabBar } from '../../components/page';
import { Empty, Result, Waiting } from '../../components/states';
import { StatusMark } from '../../components/status';
import { short } from '../../lib/format';
import { href } from '../../lib/href';
import { allocStatus } from '../../lib/status';
import { AllocActions } from './actions';
import { Overview } from './overview';
import { Placement } from './placement';

const AllocLogs = screen(() => import('../logs/alloc'));
const AllocExec = screen(() => import('../exec'));
const AllocFiles = screen(() => import('../files'));

/** The screens of an allocation, by the last part of the address. */
const tabs: { tab: string; text: string; component: ComponentType<{ alloc: Allocation }> }[] = [
  { tab: '', text: 'Overview', component: Overview },
  { tab: 'logs', text: 'Logs', component: AllocLogs },
  { tab: 'exec', text: 'Terminal', component: AllocExec },
  { tab: 'files', text: 'Files', component: AllocFiles },
  { tab: 'placement', text: 'Placement', component: Placement },
];

/** Whether the screen shows a command of its own. */
function own(tab: string, params: URLSearchParams): boolean {
  return tab === 'exec' || tab === 'files' || (tab === 'logs' && params.get('task') !== '*' && params.get('type') !== 'both');
}

/** One allocation: which of its screens is in the address. */
export default function AllocPage({ id, tab }: { id: string; tab: string }) {
  const { region } = useAmbient();
  const [params] = useQueryParams();
  // No event tells that an allocation was collected.
  const query = useOp(AllocGet, { AllocID: id }, { region, every: 30_000 });
  const Tab = tabs.find((t) => t.tab === tab)?.component;
  return (
    <Result query={query} what={`Allocation ${short(id)}`} crumb={{ to: '/allocations', text: 'Allocations' }}>
      {(alloc) => (
        <Page
          title={alloc.Name ?? short(id)}
          crumb={{ to: '/allocations', text: 'Allocations' }}
          mark={
            <>
              <StatusMark status={allocStatus({ ClientStatus: alloc.ClientStatus ?? '', DesiredStatus: alloc.DesiredStatus ?? '', DeploymentStatus: alloc.DeploymentStatus ?? null })} />
              <Id id={id} />
            </>
          }
          actions={<AllocActions alloc={alloc} />}
          cli={own(tab, params) ? undefined : <Cli command={`nomadlike alloc status ${tab === 'placement' ? '-verbose ' : ''}${short(id)}`} />}
        >
          <p className="dim">
            Group {alloc.TaskGroup} of job <Link to={href.job(alloc.JobID ?? '', alloc.Namespace)}>{alloc.JobID}</Link> on client <Link to={href.node(alloc.NodeID ?? '')}>{alloc.NodeName || short(alloc.NodeID ?? '')}</Link>
            {alloc.ClientDescription && `. ${alloc.ClientDescription}`}
          </p>
          <TabBar label="Allocation" tabs={tabs.map((t) => ({ to: href.alloc(id, t.tab), text: t.text }))} />
          {Tab ? (
            <Suspense fallback={<Waiting />}>
              <Tab alloc={alloc} />
            </Suspense>
          ) : (
            <Empty title="There is no such page of an allocation" />
          )}
        </Page>
      )}
    </Result>
  );
}
