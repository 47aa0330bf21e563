// SPDX-License-Identifier: MPL-2.0
import { NodeList, ServiceGet } from '../api/ops.gen';
import type { ServiceRegistration } from '../api/types.gen';
import { useOp } from '../app/query';
import { hostPort, short } from '../lib/format';
import { href } from '../lib/href';
import { Copy } from './id';
import { Link } from './link';
import { Empty, Result } from './states';
import { DataTable, type Column } from './table';

/** Where a service answers, of all jobs or of one. */
export function Instances({ service, namespace, region, job }: { service: string; namespace: string; region: string | undefined; job?: string }) {
  const query = useOp(ServiceGet, { ServiceName: service }, { namespace, region });
  const nodes = useOp(NodeList, {}, { region });
  const names = new Map((nodes.data?.data ?? []).map((n) => [n.ID, n.Name]));
  const columns: (Column<ServiceRegistration> | false)[] = [
    {
      key: 'address',
      title: 'Address',
      grow: true,
      sort: (s) => hostPort(s.Address, s.Port),
      cell: (s) => (
        <>
          <code>{hostPort(s.Address, s.Port)}</code> <Copy text={hostPort(s.Address, s.Port)} label={`Copy the address ${hostPort(s.Address, s.Port)}`} />
        </>
      ),
    },
    {
      key: 'alloc',
      title: 'Allocation',
      cell: (s) => (
        <Link to={href.alloc(s.AllocID)}>
          <code>{short(s.AllocID)}</code>
        </Link>
      ),
    },
    job === undefined && { key: 'job', title: 'Job', sort: (s) => s.JobID, cell: (s) => <Link to={href.job(s.JobID, s.Namespace)}>{s.JobID}</Link> },
    { key: 'node', title: 'Client', from: 'small', sort: (s) => names.get(s.NodeID), cell: (s) => <Link to={href.node(s.NodeID)}>{names.get(s.NodeID) ?? short(s.NodeID)}</Link> },
    { key: 'tags', title: 'Tags', from: 'small', cell: (s) => (s.Tags ?? []).join(', ') || '–' },
    { key: 'dc', title: 'Datacenter', from: 'wide', sort: (s) => s.Datacenter, cell: (s) => s.Datacenter },
  ];
  return (
    <Result query={query} what={`Service ${service}`}>
      {(all) => {
        const mine = all.filter((s) => job === undefined || s.JobID === job);
        return mine.length === 0 ? (
          <Empty title="Nothing is registered">
            <p>An allocation registers its services when its tasks run, and takes them out when it stops.</p>
          </Empty>
        ) : (
          <DataTable label={`Addresses of ${service}`} columns={columns.filter((c) => c !== false)} rows={mine} rowKey={(s) => s.ID} sortBy="address" param={`of-${service}`} />
        );
      }}
    </Result>
  );
}
