// SPDX-License-Identifier: MPL-2.0
import { memo, useCallback, useMemo, useState, type KeyboardEvent } from 'react';
import { AllocList, NodeList } from '../../api/ops.gen';
import type { AllocListStub, NodeListStub } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { Cli } from '../../components/code';
import { Choice, distinct, Filters } from '../../components/filters';
import { Page } from '../../components/page';
import { Empty, Failure, Result } from '../../components/states';
import { bytes, count, mhz } from '../../lib/format';
import { byNode, capacity, grouped, total, type Grouping } from '../../lib/usage';
import { NodeDetails } from './details';
import { Tile } from './tile';
import css from './topology.module.css';

/** Every client with what it runs, as wide as it is. */
export default function TopologyPage() {
  const { region } = useAmbient();
  const nodes = useOp(NodeList, { Resources: true }, { region });
  const allocs = useOp(AllocList, { Resources: true, TaskStates: 'false' }, { namespace: '*', region });
  return (
    <Page title="Topology" cli={<Cli command="nomadlike node status -allocs" />}>
      <Result query={nodes} what="The clients">
        {(list) =>
          list.length === 0 ? (
            <Empty title="No clients">
              <p>There is nothing to show before the first client joins.</p>
            </Empty>
          ) : (
            <>
              {allocs.isError && <Failure error={allocs.error} what="What runs on the clients" retry={() => void allocs.refetch()} />}
              <Topology nodes={list} allocs={allocs.data?.data} />
            </>
          )
        }
      </Result>
    </Page>
  );
}

const none: AllocListStub[] = [];

/** The map; it is drawn before the allocations are known, which arrive later where there are many. */
function Topology({ nodes, allocs: known }: { nodes: NodeListStub[]; allocs: AllocListStub[] | undefined }) {
  const allocs = known ?? none;
  const [params, setParams] = useQueryParams();
  const asked = params.get('by');
  const by: Grouping = asked === 'pool' || asked === 'class' ? asked : 'datacenter';
  const job = params.get('job') ?? '';
  const selected = params.get('client') ?? '';
  const [hovered, setHovered] = useState('');
  const perNode = useMemo(() => byNode(allocs), [allocs]);
  const jobs = useMemo(() => distinct(allocs, (a) => a.JobID), [allocs]);
  const groups = useMemo(() => grouped(nodes, by), [nodes, by]);
  const shown = nodes.find((n) => n.ID === (hovered || selected));
  const select = useCallback((id: string) => setParams({ client: id }), [setParams]);
  return (
    <>
      <Filters>
        <Choice label="Groups" param="by" all="By datacenter" options={[{ value: 'pool', label: 'By node pool' }, { value: 'class', label: 'By class' }]} />
        <Choice label="Job" param="job" all="No job highlighted" options={jobs} />
        <Legend job={job} />
        {!known && (
          <span className="dim" role="status">
            Reading what runs on them…
          </span>
        )}
      </Filters>
      <div className={css.columns}>
        <Clients groups={groups} allocs={perNode} job={job} compact={nodes.length > 60} selected={selected} onSelect={select} onHover={setHovered} />
        <aside className={css.details} aria-label="Details">
          {shown ? <NodeDetails node={shown} allocs={perNode.get(shown.ID) ?? none} job={job} /> : <p className="dim">Point at a client or choose one to see what it runs.</p>}
        </aside>
      </div>
    </>
  );
}

interface ClientsProps {
  groups: [name: string, nodes: NodeListStub[]][];
  allocs: Map<string, AllocListStub[]>;
  job: string;
  compact: boolean;
  selected: string;
  onSelect: (id: string) => void;
  onHover: (id: string) => void;
}

/** All clients in their groups; not drawn again for what is pointed at. */
const Clients = memo(function Clients({ groups, allocs, job, compact, selected, onSelect, onHover }: ClientsProps) {
  const first = groups[0]?.[1][0]?.ID;
  return (
    <div onKeyDown={moveBetweenTiles} onMouseLeave={() => onHover('')}>
      {groups.map(([name, list]) => (
        <Group key={name} name={name} nodes={list} allocs={allocs}>
          <ul className={css.tiles} data-compact={compact}>
            {list.map((n) => (
              <Tile key={n.ID} node={n} allocs={allocs.get(n.ID) ?? none} job={job} compact={compact} selected={selected === n.ID} reachable={selected ? selected === n.ID : n.ID === first} onSelect={onSelect} onHover={onHover} />
            ))}
          </ul>
        </Group>
      ))}
    </div>
  );
});

function Group({ name, nodes, allocs, children }: { name: string; nodes: NodeListStub[]; allocs: Map<string, AllocListStub[]>; children: React.ReactNode }) {
  const used = total(nodes.flatMap((n) => allocs.get(n.ID) ?? []));
  const has = nodes.map(capacity).reduce((s, c) => ({ cpu: s.cpu + c.cpu, memory: s.memory + c.memory, disk: s.disk + c.disk }), { cpu: 0, memory: 0, disk: 0 });
  return (
    <section className={css.group} aria-label={name}>
      <div className={css.groupHead}>
        <h2>{name}</h2>
        <span className="dim">
          {count(nodes.length, 'client')} · CPU {mhz(used.cpu)} of {mhz(has.cpu)} · memory {bytes(used.memory)} of {bytes(has.memory)}
        </span>
      </div>
      {children}
    </section>
  );
}

function Legend({ job }: { job: string }) {
  return (
    <span className={css.legend}>
      <span>
        <i data-kind={job ? 'other' : 'running'} /> running
      </span>
      <span>
        <i data-kind="pending" /> starting
      </span>
      {job && (
        <span>
          <i data-kind="job" /> {job}
        </span>
      )}
      <span>upper bar CPU, lower bar memory</span>
    </span>
  );
}

/** Arrow keys go from client to client. */
function moveBetweenTiles(e: KeyboardEvent<HTMLDivElement>) {
  const step = e.key === 'ArrowRight' || e.key === 'ArrowDown' ? 1 : e.key === 'ArrowLeft' || e.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const tiles = Array.from(e.currentTarget.querySelectorAll<HTMLElement>('button[data-tile]'));
  const next = tiles[tiles.indexOf(e.target as HTMLElement) + step];
  if (!next) return;
  e.preventDefault();
  next.focus();
}
