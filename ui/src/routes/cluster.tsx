// SPDX-License-Identifier: MPL-2.0
import { AgentMembers, EvalList, NamespaceList, NodeList, NodePoolList, StatusLeader, SystemGC } from '../api/ops.gen';
import type { Evaluation, Namespace, NodePool } from '../api/types.gen';
import { useAmbient } from '../app/location';
import { useAction, useOp } from '../app/query';
import { Cli } from '../components/code';
import { ConfirmButton } from '../components/confirm';
import { outcome } from '../components/eval-table';
import { Link } from '../components/link';
import { Card, Facts, Page, Panel } from '../components/page';
import { Empty, Result } from '../components/states';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { count, short } from '../lib/format';
import { href } from '../lib/href';
import { SchedulerForm } from './cluster-scheduler';

/** The cluster as a whole: who takes part, how it schedules, what waits. */
export default function ClusterPage() {
  const { region } = useAmbient();
  const gc = useAction(SystemGC, { done: 'Everything that is no longer needed was collected', failure: 'Nothing was collected', common: { region } });
  return (
    <Page
      title="Cluster"
      actions={
        <ConfirmButton denied={gc.denied} label="Collect garbage" title="Collect garbage" confirm="Collect" busy={gc.isPending} cli={<Cli command="nomadlike system gc" />} onConfirm={() => gc.mutate({})}>
          Ended jobs, evaluations and allocations and clients that are down are forgotten now instead of in a while.
        </ConfirmButton>
      }
    >
      <Members region={region} />
      <Blocked region={region} />
      <SchedulerForm region={region} />
      <Namespaces region={region} />
      <Pools region={region} />
    </Page>
  );
}

/** "2.0.6: 3" for each version, most frequent first. */
function versions(all: string[]): string {
  const counts = new Map<string, number>();
  for (const v of all) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([v, n]) => (counts.size === 1 ? v : `${v} (${n})`))
    .join(', ');
}

function Members({ region }: { region: string | undefined }) {
  const members = useOp(AgentMembers, {}, { region, every: 10_000 });
  const leader = useOp(StatusLeader, {}, { region, every: 10_000 });
  const nodes = useOp(NodeList, {}, { region });
  const servers = members.data?.data.Members ?? [];
  const clients = nodes.data?.data ?? [];
  const alive = servers.filter((s) => s.Status === 'alive').length;
  const ready = clients.filter((n) => n.Status === 'ready').length;
  const address = leader.data?.data;
  const name = servers.find((s) => `${s.Tags?.rpc_addr ?? s.Addr}:${s.Tags?.port}` === address)?.Name;
  return (
    <Result query={members} what="The members">
      {(m) => (
        <Card>
          <Facts
            facts={[
              ['Region', m.ServerRegion],
              ['Leader', address ? (name ?? address) : <b key="none">none: nothing can be changed</b>],
              [
                'Servers',
                <Link key="s" to="/servers">
                  {alive === servers.length ? count(alive, 'server') : `${alive} of ${count(servers.length, 'server')} alive`}
                </Link>,
              ],
              [
                'Clients',
                <Link key="c" to="/clients">
                  {ready === clients.length ? count(ready, 'client') : `${ready} of ${count(clients.length, 'client')} ready`}
                </Link>,
              ],
              ['Version of the servers', versions(servers.map((s) => s.Tags?.build ?? 'unknown'))],
              ['Version of the clients', versions(clients.map((n) => n.Version))],
            ]}
          />
        </Card>
      )}
    </Result>
  );
}

const blockedColumns: Column<Evaluation>[] = [
  { key: 'job', title: 'Job', sort: (e) => e.JobID, cell: (e) => <Link to={href.job(e.JobID ?? '', e.Namespace)}>{e.JobID}</Link> },
  {
    key: 'eval',
    title: 'Evaluation',
    from: 'small',
    cell: (e) => (
      <Link to={href.evaluation(e.ID ?? '', e.Namespace)}>
        <code>{short(e.ID ?? '')}</code>
      </Link>
    ),
  },
  { key: 'priority', title: 'Priority', align: 'right', from: 'small', sort: (e) => e.Priority, cell: (e) => e.Priority },
  { key: 'since', title: 'Waits since', sort: (e) => e.CreateTime, cell: (e) => <Time at={e.CreateTime} /> },
  { key: 'why', title: 'Waits for', grow: true, from: 'stacked', cell: outcome },
];

function Blocked({ region }: { region: string | undefined }) {
  const query = useOp(EvalList, { Status: 'blocked' }, { namespace: '*', region });
  return (
    <Result query={query} what="The blocked evaluations">
      {(list) => (
        <Panel title="Waiting for room" note={count(list.length, 'blocked evaluation')} actions={<Cli command={'nomadlike eval list -status blocked -namespace=\'*\''} />}>
          {list.length === 0 ? (
            <Empty title="Nothing waits">
              <p>Everything that could be placed is placed.</p>
            </Empty>
          ) : (
            <DataTable label="Blocked evaluations" columns={blockedColumns} rows={list} rowKey={(e) => e.ID ?? ''} sortBy="since" param="blocked" stack />
          )}
        </Panel>
      )}
    </Result>
  );
}

const namespaceColumns: Column<Namespace>[] = [
  { key: 'name', title: 'Name', sort: (n) => n.Name, cell: (n) => <Link to={`/jobs?namespace=${encodeURIComponent(n.Name)}`}>{n.Name}</Link> },
  { key: 'description', title: 'Description', grow: true, cell: (n) => n.Description },
];

function Namespaces({ region }: { region: string | undefined }) {
  const query = useOp(NamespaceList, {}, { region });
  return (
    <Panel title="Namespaces">
      <Result query={query} what="The namespaces">
        {(list) => <DataTable label="Namespaces" columns={namespaceColumns} rows={list} rowKey={(n) => n.Name} sortBy="name" param="namespaces" />}
      </Result>
    </Panel>
  );
}

const poolColumns: Column<NodePool>[] = [
  { key: 'name', title: 'Name', sort: (p) => p.Name, cell: (p) => <Link to={`/clients?pool=${encodeURIComponent(p.Name)}`}>{p.Name}</Link> },
  { key: 'algorithm', title: 'Algorithm', cell: (p) => p.SchedulerConfiguration?.SchedulerAlgorithm || <span className="dim">as the cluster</span> },
  { key: 'description', title: 'Description', grow: true, from: 'small', cell: (p) => p.Description },
];

function Pools({ region }: { region: string | undefined }) {
  const query = useOp(NodePoolList, {}, { region });
  return (
    <Panel title="Node pools">
      <Result query={query} what="The node pools">
        {(list) => <DataTable label="Node pools" columns={poolColumns} rows={list} rowKey={(p) => p.Name} sortBy="name" param="pools" />}
      </Result>
    </Panel>
  );
}
