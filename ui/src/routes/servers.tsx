// SPDX-License-Identifier: MPL-2.0
import { AgentMembers, OperatorAutopilotHealth, OperatorRaftConfiguration, StatusLeader } from '../api/ops.gen';
import type { Member, RaftServer, ServerHealth } from '../api/types.gen';
import { useAmbient } from '../app/location';
import { useOp } from '../app/query';
import { Cli } from '../components/code';
import { Id } from '../components/id';
import { Card, Facts, Page, Panel } from '../components/page';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { DataTable, type Column } from '../components/table';
import { Time } from '../components/time';
import { statusOf } from '../lib/status';
import { Link } from '../components/link';
import { href } from '../lib/href';

const pace = 5000;

/** All servers: members by gossip, raft, health. */
export default function ServersPage({ name }: { name?: string }) {
  const { region } = useAmbient();
  const members = useOp(AgentMembers, {}, { region, every: pace });
  const leader = useOp(StatusLeader, {}, { region, every: pace }).data?.data;
  const one = name ? members.data?.data.Members?.find((m) => m.Name === name) : undefined;
  if (name) {
    return (
      <Page title={name} crumb={{ to: '/servers', text: 'Servers' }} mark={one && <StatusMark status={statusOf(one.Status)} />}>
        <Result query={members} what="The members">{() => (one ? <ServerDetails member={one} leader={leader} /> : <Empty title={`There is no server ${name}`} />)}</Result>
      </Page>
    );
  }
  return (
    <Page title="Servers" cli={<Cli command="nomadlike server members" />}>
      <Result query={members} what="The members">
        {(m) => <DataTable label="Servers" columns={columns(leader)} rows={m.Members ?? []} rowKey={(x) => x.Name} sortBy="name" />}
      </Result>
      <Raft region={region} />
      <Health region={region} />
    </Page>
  );
}

function address(m: Member): string {
  return `${m.Tags?.rpc_addr ?? m.Addr}:${m.Tags?.port ?? ''}`;
}

const columns = (leader: string | undefined): Column<Member>[] => [
  { key: 'name', title: 'Name', grow: true, sort: (m) => m.Name, cell: (m) => <Link to={href.server(m.Name)}>{m.Name}</Link> },
  { key: 'status', title: 'Status', sort: (m) => m.Status, cell: (m) => <StatusMark status={statusOf(m.Status)} /> },
  { key: 'role', title: 'Role', cell: (m) => (address(m) === leader ? <b>leader</b> : 'follower') },
  { key: 'address', title: 'Address', from: 'small', cell: (m) => address(m) },
  { key: 'dc', title: 'Datacenter', from: 'small', sort: (m) => m.Tags?.dc, cell: (m) => m.Tags?.dc },
  { key: 'region', title: 'Region', from: 'wide', sort: (m) => m.Tags?.region, cell: (m) => m.Tags?.region },
  { key: 'version', title: 'Version', from: 'small', sort: (m) => m.Tags?.build, cell: (m) => m.Tags?.build },
];

function ServerDetails({ member: m, leader }: { member: Member; leader: string | undefined }) {
  return (
    <>
      <Card>
        <Facts
          facts={[
            ['Role', address(m) === leader ? 'leader' : 'follower'],
            ['RPC address', address(m)],
            ['Gossip address', `${m.Addr}:${m.Port}`],
            ['Region', m.Tags?.region],
            ['Datacenter', m.Tags?.dc],
            ['Version', m.Tags?.build],
            ['Raft ID', m.Tags?.id && <Id key="id" id={m.Tags.id} />],
            ['Gossip protocol', `${m.ProtocolCur} (${m.ProtocolMin} to ${m.ProtocolMax})`],
          ]}
        />
      </Card>
      <Panel title="Tags">
        <DataTable
          label="Tags"
          columns={[
            { key: 'name', title: 'Name', sort: ([k]: [string, string]) => k, cell: ([k]: [string, string]) => <code style={{ whiteSpace: 'nowrap' }}>{k}</code> },
            { key: 'value', title: 'Value', grow: true, cell: ([, v]: [string, string]) => <code>{v}</code> },
          ]}
          rows={Object.entries(m.Tags ?? {})}
          rowKey={([k]) => k}
          sortBy="name"
        />
      </Panel>
    </>
  );
}

const raftColumns: Column<RaftServer>[] = [
  { key: 'node', title: 'Server', grow: true, sort: (s) => s.Node, cell: (s) => s.Node },
  { key: 'state', title: 'State', cell: (s) => (s.Leader ? <b>leader</b> : 'follower') },
  { key: 'voter', title: 'Votes', cell: (s) => (s.Voter ? 'yes' : 'no') },
  { key: 'address', title: 'Address', from: 'small', cell: (s) => s.Address },
  { key: 'id', title: 'ID', from: 'wide', cell: (s) => <Id id={s.ID} /> },
];

function Raft({ region }: { region: string | undefined }) {
  const query = useOp(OperatorRaftConfiguration, {}, { region, every: pace });
  return (
    <Panel title="Raft" note={query.data?.data.Index ? `configuration of index ${query.data.data.Index}` : undefined} actions={<Cli command="nomadlike operator raft list-peers" />}>
      <Result query={query} what="The raft configuration">
        {(c) => <DataTable label="Raft peers" columns={raftColumns} rows={c.Servers ?? []} rowKey={(s) => s.ID} sortBy="node" param="raft" />}
      </Result>
    </Panel>
  );
}

const healthColumns: Column<ServerHealth>[] = [
  { key: 'name', title: 'Server', grow: true, sort: (s) => s.Name, cell: (s) => s.Name },
  { key: 'health', title: 'Health', cell: (s) => <StatusMark status={statusOf(s.Healthy ? 'healthy' : 'unhealthy')} /> },
  { key: 'contact', title: 'Heard from the leader', from: 'small', cell: (s) => `${s.LastContact} ago` },
  { key: 'index', title: 'Last index', align: 'right', from: 'small', cell: (s) => s.LastIndex.toLocaleString('en') },
  { key: 'stable', title: 'Stable since', from: 'wide', cell: (s) => <Time at={s.StableSince} /> },
];

function Health({ region }: { region: string | undefined }) {
  const query = useOp(OperatorAutopilotHealth, {}, { region, every: pace });
  return (
    <Panel title="Health" note={query.data ? `${query.data.data.FailureTolerance} may fail before the cluster stands still` : undefined} actions={<Cli command="nomadlike operator autopilot health" />}>
      <Result query={query} what="The health of the servers">
        {(h) => <DataTable label="Health of the servers" columns={healthColumns} rows={h.Servers ?? []} rowKey={(s) => s.ID} sortBy="name" param="health" />}
      </Result>
    </Panel>
  );
}
