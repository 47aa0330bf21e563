// SPDX-License-Identifier: MPL-2.0
import { memo } from 'react';
import type { AllocListStub, NodeListStub } from '../../api/types.gen';
import { percent } from '../../lib/format';
import { nodeStatus } from '../../lib/status';
import { capacity, reserved, total, type Amounts } from '../../lib/usage';
import css from './topology.module.css';

interface Props {
  node: NodeListStub;
  allocs: AllocListStub[];
  job: string;
  compact: boolean;
  selected: boolean;
  /** Whether the tabulator key leads here; the arrow keys lead on. */
  reachable: boolean;
  onSelect: (id: string) => void;
  onHover: (id: string) => void;
}

/** One client: its CPU above, its memory below, each allocation as wide as what it reserves. */
export const Tile = memo(function Tile({ node, allocs, job, compact, selected, reachable, onSelect, onHover }: Props) {
  const has = capacity(node);
  const used = total(allocs);
  const status = nodeStatus(node);
  const label = `${node.Name}, ${status.text}, ${allocs.length} allocations, CPU ${percent(used.cpu / (has.cpu || 1))}, memory ${percent(used.memory / (has.memory || 1))}`;
  return (
    <li>
      <button type="button" data-tile className={css.tile} data-tone={status.tone} data-hit={job !== '' && allocs.some((a) => a.JobID === job)} aria-pressed={selected} aria-label={label} tabIndex={reachable ? 0 : -1} onClick={() => onSelect(node.ID)} onFocus={() => onHover(node.ID)} onMouseEnter={() => onHover(node.ID)}>
        {!compact && <span className={css.tileName}>{node.Name}</span>}
        <svg viewBox="0 0 100 22" preserveAspectRatio="none" aria-hidden="true">
          <rect width="100" height="10" className={css.room} />
          <rect y="12" width="100" height="10" className={css.room} />
          <Segments allocs={allocs} job={job} compact={compact} kind="cpu" whole={has.cpu} y={0} />
          <Segments allocs={allocs} job={job} compact={compact} kind="memory" whole={has.memory} y={12} />
        </svg>
      </button>
    </li>
  );
}, same);

function same(a: Props, b: Props): boolean {
  return (
    a.node === b.node &&
    a.job === b.job &&
    a.compact === b.compact &&
    a.selected === b.selected &&
    a.reachable === b.reachable &&
    a.onSelect === b.onSelect &&
    a.allocs.length === b.allocs.length &&
    a.allocs.every((x, i) => x === b.allocs[i])
  );
}

function Segments({ allocs, job, kind, whole, y, compact }: Pick<Props, 'allocs' | 'job' | 'compact'> & { kind: keyof Amounts; whole: number; y: number }) {
  const parts: { look: string; width: number }[] = [];
  for (const a of allocs) {
    const width = whole > 0 ? (reserved(a)[kind] / whole) * 100 : 0;
    const look = a.ClientStatus === 'pending' ? 'pending' : !job ? 'running' : a.JobID === job ? 'job' : 'other';
    const last = parts[parts.length - 1];
    // Among many clients single allocations are too small to see.
    if (compact && last?.look === look) last.width += width;
    else parts.push({ look, width });
  }
  let x = 0;
  return parts.map(({ look, width }, i) => {
    const at = x;
    x += width;
    return <rect key={i} x={at} y={y} width={Math.max(look === 'job' ? 3 : 0.4, width - 0.4)} height="10" data-kind={look} />;
  });
}
