// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, NodeListStub } from '../../api/types.gen';
import { Gauge } from '../../components/bar';
import { Link } from '../../components/link';
import { StatusMark } from '../../components/status';
import { bytes, mhz } from '../../lib/format';
import { href } from '../../lib/href';
import { allocStatus, nodeStatus } from '../../lib/status';
import { capacity, reserved, total } from '../../lib/usage';
import css from './topology.module.css';

const most = 40;

/** What one client has and runs. */
export function NodeDetails({ node, allocs, job }: { node: NodeListStub; allocs: AllocListStub[]; job: string }) {
  const has = capacity(node);
  const used = total(allocs);
  const sorted = [...allocs].sort((a, b) => Number(b.JobID === job) - Number(a.JobID === job) || a.Name.localeCompare(b.Name));
  return (
    <>
      <h2 className={css.detailsHead}>
        <Link to={href.node(node.ID)}>{node.Name}</Link> <StatusMark status={nodeStatus(node)} plain />
      </h2>
      <p className="dim">
        {[node.Datacenter, node.NodePool, node.NodeClass].filter(Boolean).join(' · ')}
      </p>
      <Gauge label="CPU" used={used.cpu} total={has.cpu} text={`CPU ${mhz(used.cpu)} of ${mhz(has.cpu)}`} />
      <Gauge label="Memory" used={used.memory} total={has.memory} text={`Memory ${bytes(used.memory)} of ${bytes(has.memory)}`} />
      <ul className={css.allocs}>
        {sorted.slice(0, most).map((a) => (
          <li key={a.ID} data-job={a.JobID === job}>
            <Link to={href.alloc(a.ID)}>{a.Name}</Link>
            <StatusMark status={allocStatus(a)} plain />
            <span className="dim">
              {mhz(reserved(a).cpu)}, {bytes(reserved(a).memory)}
            </span>
          </li>
        ))}
      </ul>
      {sorted.length > most && <p className="dim">and {sorted.length - most} more</p>}
      {sorted.length === 0 && <p className="dim">Nothing runs here.</p>}
    </>
  );
}
