// SPDX-License-Identifier: MPL-2.0
import { useCallback, useMemo, useState, type KeyboardEvent } from 'react';
import { AllocList, NodeList } from '../../api/ops.gen';
import type { AllocListStub, NodeListStub } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { Choice, distinct, Filters } from '../../components/filters';
import { Page } from '../../components/page';
import { Empty, Result } from '../../components/states';
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
    <Page title="Topology">
      <Result query={nodes} what="The clients">
        {(list) =>
          list.length === 0 ? (
            <Empty title="No clients">
              <p>There is nothing to show before the first client joins.</p>
            </Empty>
          ) : (
            <Result query={allocs} what="The allocations">
              {(a) => <Topology nodes={list} allocs={a} />}
            </Result>
          )
        }
      </Result>
    </Page>
  );
}

const none: AllocListStub[] = [];

function Topology({ nodes, allocs }: { nodes: NodeListStub[]; allocs: AllocListStub[] }) {
  const [params, setParams] = useQueryParams();
  const by = (params.get('by') as Grouping | null) ?? 'datacenter';
  const job = params.get('job') ?? '';
  const selected = params.get('client') ?? '';
  const [hovered, setHovered] = useState('');
  const perNode = useMemo(() => byNode(allocs), [allocs]);
  const groups = useMemo(() => grouped(nodes, by), [nodes, by]);
  const shown = nodes.find((n) => n.ID === (hovered || selected));
  const select = useCallback((id: string) => setParams({ client: id }), [setParams]);
  const compact = nodes.length > 60;
  const first = groups[0]?.[1][0]?.ID;
  return (
    <>
      <Filters>
        <Choice label="Groups" param="by" all="By datacenter" options={[{ value: 'pool', label: 'By node pool' }, { value: 'class', label: 'By class' }]} />
        <Choice label="Job" param="job" all="No job highlighted" options={distinct(allocs, (a) => a.JobID)} />
        <Legend job={job} />
      </Filters>
      <div className={css.columns}>
        <div onKeyDown={moveBetweenTiles} onMouseLeave={() => setHovered('')}>
          {groups.map(([name, list]) => (
            <Group key={name} name={name} nodes={list} allocs={perNode}>
              <ul className={css.tiles} data-compact={compact}>
                {list.map((n) => (
                  <Tile key={n.ID} node={n} allocs={perNode.get(n.ID) ?? none} job={job} compact={compact} selected={selected === n.ID} reachable={selected ? selected === n.ID : n.ID === first} onSelect={select} onHover={setHovered} />
                ))}
              </ul>
            </Group>
          ))}
        </div>
        <aside className={css.details} aria-label="Details">
          {shown ? <NodeDetails node={shown} allocs={perNode.get(shown.ID) ?? none} job={job} /> : <p className="dim">Point at a client or choose one to see what it runs.</p>}
        </aside>
      </div>
    </>
  );
}

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
