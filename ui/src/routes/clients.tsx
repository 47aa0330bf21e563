// SPDX-License-Identifier: MPL-2.0
import { useMemo } from 'react';
import { AllocList, NodeList } from '../api/ops.gen';
import type { AllocListStub, NodeListStub } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { Gauge } from '../components/bar';
import { Cli } from '../components/code';
import { Choice, distinct, Filters, NoMatch, SearchField, Shown } from '../components/filters';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { bytes, mhz, short } from '../lib/format';
import { href } from '../lib/href';
import { nodeStatus } from '../lib/status';
import { byNode, capacity, total } from '../lib/usage';

/** All clients: the nodes that run allocations. */
export default function ClientsPage() {
  const { region } = useAmbient();
  const query = useOp(NodeList, { Resources: true }, { region });
  // The clients come first; what they run is the longer list.
  const allocs = useOp(AllocList, { Resources: true, TaskStates: 'false' }, { namespace: '*', region, enabled: query.isSuccess });
  return (
    <Page title="Clients" cli={<Cli command="nomadlike node status" />}>
      <Result query={query} what="The list of clients">
        {(nodes) =>
          nodes.length === 0 ? (
            <Empty title="No clients">
              <p>A client runs allocations. Start one on each machine that shall:</p>
              <Cli command="nomadlike agent -client -servers <address of a server>:4647 -data-dir /var/lib/nomadlike" />
            </Empty>
          ) : (
            <Clients nodes={nodes} allocs={allocs.data?.data} />
          )
        }
      </Result>
    </Page>
  );
}

const filters = ['q', 'status', 'dc', 'pool', 'class'] as const;

function Clients({ nodes, allocs }: { nodes: NodeListStub[]; allocs: AllocListStub[] | undefined }) {
  const [params] = useQueryParams();
  const [q, status, dc, pool, cls] = filters.map((f) => params.get(f) ?? '') as [string, string, string, string, string];
  const shown = useMemo(() => {
    const text = q.toLowerCase();
    return nodes.filter((n) => (!text || n.ID.startsWith(text) || n.Name.toLowerCase().includes(text) || n.Address.includes(text)) && (!status || nodeStatus(n).text === status) && (!dc || n.Datacenter === dc) && (!pool || n.NodePool === pool) && (!cls || n.NodeClass === cls));
  }, [nodes, q, status, dc, pool, cls]);
  const columns = useMemo(() => columnsOf(allocs && byNode(allocs)), [allocs]);
  const classes = distinct(nodes, (n) => n.NodeClass);
  const pools = distinct(nodes, (n) => n.NodePool);
  const dcs = distinct(nodes, (n) => n.Datacenter);
  return (
    <>
      <Filters>
        <SearchField label="Search by name, ID or address" />
        <Choice label="Status" param="status" options={distinct(nodes, (n) => nodeStatus(n).text)} />
        {dcs.length > 1 && <Choice label="Datacenter" param="dc" options={dcs} />}
        {pools.length > 1 && <Choice label="Node pool" param="pool" options={pools} />}
        {classes.length > 0 && <Choice label="Class" param="class" options={classes} />}
        <Shown shown={shown.length} all={nodes.length} one="client" />
      </Filters>
      {shown.length === 0 ? (
        <NoMatch title="No client matches" params={filters} />
      ) : (
        <DataTable label="Clients" columns={columns} rows={shown} rowKey={(n) => n.ID} sortBy="name" />
      )}
    </>
  );
}

/** Undefined allocations are not known yet. */
function columnsOf(allocs: Map<string, AllocListStub[]> | undefined): Column<NodeListStub>[] {
  const used = (n: NodeListStub) => total(allocs?.get(n.ID) ?? []);
  const share = (n: NodeListStub, k: 'cpu' | 'memory') => used(n)[k] / (capacity(n)[k] || 1);
  const gauge = (n: NodeListStub, k: 'cpu' | 'memory') => {
    const format = k === 'cpu' ? mhz : bytes;
    return <Gauge label={`${k === 'cpu' ? 'CPU' : 'Memory'} reserved on ${n.Name}`} used={used(n)[k]} total={capacity(n)[k]} text={`${allocs ? format(used(n)[k]) : '…'} of ${format(capacity(n)[k])}`} />;
  };
  return [
    { key: 'name', title: 'Name', grow: true, sort: (n) => n.Name, cell: (n) => <Link to={href.node(n.ID)}>{n.Name}</Link> },
    { key: 'id', title: 'ID', from: 'wide', cell: (n) => <code>{short(n.ID)}</code> },
    { key: 'status', title: 'Status', sort: (n) => nodeStatus(n).text, cell: (n) => <StatusMark status={nodeStatus(n)} /> },
    { key: 'cpu', title: 'CPU', from: 'small', sort: (n) => share(n, 'cpu'), cell: (n) => gauge(n, 'cpu') },
    { key: 'memory', title: 'Memory', from: 'small', sort: (n) => share(n, 'memory'), cell: (n) => gauge(n, 'memory') },
    { key: 'allocs', title: 'Allocations', align: 'right', sort: (n) => allocs?.get(n.ID)?.length ?? 0, cell: (n) => (allocs ? (allocs.get(n.ID)?.length ?? 0) : '…') },
    { key: 'dc', title: 'Datacenter', from: 'wide', sort: (n) => n.Datacenter, cell: (n) => n.Datacenter },
    { key: 'pool', title: 'Pool', from: 'wide', sort: (n) => n.NodePool, cell: (n) => n.NodePool },
    { key: 'version', title: 'Version', from: 'wide', sort: (n) => n.Version, cell: (n) => n.Version },
  ];
}
