// SPDX-License-Identifier: MPL-2.0
import { AllocList, NodeEligibility, NodeGet } from '../api/ops.gen';
import type { DriverInfo, Node, NodeEvent } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useAction, useOp } from '../app/query';
import { ActionButton } from '../components/action-button';
import { AllocTable } from '../components/alloc-table';
import { Gauge } from '../components/bar';
import { Cli } from '../components/code';
import { Choice, distinct, Filters, SearchField } from '../components/filters';
import { Id } from '../components/id';
import { Card, Facts, Page, Panel } from '../components/page';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { bytes, count, mhz, short } from '../lib/format';
import { allocStatus, nodeStatus } from '../lib/status';
import { capacity, takesRoom, total } from '../lib/usage';
import css from './client.module.css';
import { DrainButton } from './client-drain';
import { HostCharts } from './client-stats';

/** One client: what it is, what it runs, how it is. */
export default function ClientPage({ id }: { id: string }) {
  const { region } = useAmbient();
  const query = useOp(NodeGet, { NodeID: id }, { region });
  return (
    <Result query={query} what={`Client ${short(id)}`} crumb={{ to: '/clients', text: 'Clients' }}>
      {(node) => (
        <Page
          title={node.Name}
          crumb={{ to: '/clients', text: 'Clients' }}
          mark={
            <>
              <StatusMark status={nodeStatus(node)} />
              <Id id={id} />
            </>
          }
          actions={
            <>
              <DrainButton node={node} />
              <Eligibility node={node} />
            </>
          }
          cli={<Cli command={`nomadlike node status ${short(id)}`} />}
        >
          <Card>
            <About node={node} />
          </Card>
          {node.Status === 'ready' && <HostCharts node={node} />}
          <Allocations node={node} region={region} />
          <div className={css.columns}>
            <Drivers node={node} />
            <Events events={node.Events ?? []} />
          </div>
          <Attributes node={node} />
        </Page>
      )}
    </Result>
  );
}

function Eligibility({ node }: { node: Node }) {
  const { region } = useAmbient();
  const eligible = node.SchedulingEligibility === 'eligible';
  const set = useAction(NodeEligibility, {
    done: (_, p) => (p.Eligibility === 'eligible' ? `${node.Name} takes new allocations` : `${node.Name} takes no new allocations; what runs stays`),
    failure: 'The eligibility was not changed',
    common: { region },
  });
  return (
    <ActionButton denied={set.denied} cli={`nomadlike node eligibility ${eligible ? '-disable' : '-enable'} ${short(node.ID)}`} variant="default" loading={set.isPending} disabled={node.Drain} onClick={() => set.mutate({ PathID: node.ID, NodeID: node.ID, Eligibility: eligible ? 'ineligible' : 'eligible' })}>
      {eligible ? 'Take no new allocations' : 'Take new allocations'}
    </ActionButton>
  );
}

function About({ node }: { node: Node }) {
  const a = node.Attributes ?? {};
  const d = node.DrainStrategy;
  return (
    <Facts
      facts={[
        ['Address', node.HTTPAddr],
        ['Datacenter', node.Datacenter],
        ['Node pool', node.NodePool],
        ['Class', node.NodeClass],
        ['Eligibility', node.SchedulingEligibility],
        ['System', [a['os.name'] ?? a['kernel.name'], a['os.version'], a['cpu.arch']].filter(Boolean).join(' ')],
        ['Version', a['nomad.version']],
        ['Status since', <Time key="h" at={node.StatusUpdatedAt * 1e9} />],
        ['Status', node.StatusDescription],
        ['Draining', d && <span key="d">{d.ForceDeadline ? <>ends <Time at={d.ForceDeadline} /> at the latest</> : 'until everything has moved'}</span>],
        ['Last drain', node.LastDrain && <span key="l">{node.LastDrain.Status}, <Time at={node.LastDrain.UpdatedAt} /></span>],
      ]}
    />
  );
}

function Allocations({ node, region }: { node: Node; region: string | undefined }) {
  const [params] = useQueryParams();
  const query = useOp(AllocList, { Resources: true }, { namespace: '*', region, filter: `NodeID == "${node.ID}"` });
  const status = params.get('status') ?? '';
  return (
    <Result query={query} what="The allocations">
      {(allocs) => {
        const used = total(allocs.filter(takesRoom));
        const has = capacity(node);
        return (
          <>
            <Panel title="Reserved by allocations">
              <Card>
                <div className={css.gauges}>
                  <Gauge label="CPU" used={used.cpu} total={has.cpu} text={`CPU ${mhz(used.cpu)} of ${mhz(has.cpu)}`} />
                  <Gauge label="Memory" used={used.memory} total={has.memory} text={`Memory ${bytes(used.memory)} of ${bytes(has.memory)}`} />
                  <Gauge label="Disk" used={used.disk} total={has.disk} text={`Disk ${bytes(used.disk)} of ${bytes(has.disk)}`} />
                </div>
              </Card>
            </Panel>
            <Panel title="Allocations" note={count(allocs.length, 'allocation')}>
              {allocs.length === 0 ? (
                <Empty title="No allocations">
                  <p>Nothing runs here and nothing ended here lately.</p>
                </Empty>
              ) : (
                <>
                  {allocs.length > 5 && (
                    <Filters>
                      <Choice label="Status" param="status" options={distinct(allocs, (a) => allocStatus(a).text)} />
                    </Filters>
                  )}
                  <AllocTable allocs={allocs.filter((a) => !status || allocStatus(a).text === status)} known={['node']} label={`Allocations of ${node.Name}`} />
                </>
              )}
            </Panel>
          </>
        );
      }}
    </Result>
  );
}

const driverColumns: Column<[string, DriverInfo]>[] = [
  { key: 'name', title: 'Driver', sort: ([n]) => n, cell: ([n]) => n },
  { key: 'health', title: 'Health', cell: ([, d]) => <StatusMark status={d.Healthy ? { tone: 'good', text: 'healthy' } : d.Detected ? { tone: 'bad', text: 'unhealthy' } : { tone: 'idle', text: 'not found' }} /> },
  { key: 'about', title: 'In its words', grow: true, cell: ([, d]) => d.HealthDescription },
];

function Drivers({ node }: { node: Node }) {
  const drivers = Object.entries(node.Drivers ?? {});
  return <Panel title="Drivers">{drivers.length === 0 ? <Empty title="No drivers were found" /> : <DataTable label="Drivers" columns={driverColumns} rows={drivers} rowKey={([n]) => n} sortBy="name" param="drivers" />}</Panel>;
}

function Events({ events }: { events: NodeEvent[] }) {
  const newest = [...events].reverse();
  return (
    <Panel title="Events">
      <ol className={css.events}>
        {newest.map((e, i) => (
          <li key={i}>
            <b>{e.Subsystem}</b> {e.Message} <span className="dim">· <Time at={e.Timestamp} /></span>
          </li>
        ))}
      </ol>
      {newest.length === 0 && <p className="dim">Nothing has happened yet.</p>}
    </Panel>
  );
}

const attributeColumns: Column<[string, string]>[] = [
  { key: 'name', title: 'Name', sort: ([n]) => n, cell: ([n]) => <code>{n}</code> },
  { key: 'value', title: 'Value', grow: true, cell: ([, v]) => <code>{v}</code> },
];

function Attributes({ node }: { node: Node }) {
  const [params] = useQueryParams();
  const text = (params.get('attr') ?? '').toLowerCase();
  const all: [string, string][] = [...Object.entries(node.Attributes ?? {}).map(([k, v]): [string, string] => [`attr.${k}`, v]), ...Object.entries(node.Meta ?? {}).map(([k, v]): [string, string] => [`meta.${k}`, v])];
  const shown = all.filter(([k, v]) => k.toLowerCase().includes(text) || v.toLowerCase().includes(text));
  return (
    <Panel title="Attributes and meta" note="for constraints and affinities">
      <Filters>
        <SearchField label="Search attributes" param="attr" />
      </Filters>
      {shown.length === 0 ? <Empty title="No attribute matches" /> : <DataTable label="Attributes" columns={attributeColumns} rows={shown} rowKey={([k]) => k} sortBy="name" param="attributes" />}
    </Panel>
  );
}
