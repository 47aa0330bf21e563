// SPDX-License-Identifier: MPL-2.0
import type { Allocation } from '../../api/types.gen';
import { Spark } from '../../components/chart';
import { Panel } from '../../components/page';
import { StatusMark } from '../../components/status';
import { DataTable, type Column } from '../../components/table';
import { Time } from '../../components/time';
import { bytes, mhz } from '../../lib/format';
import type { Sample } from '../../lib/history';
import { tasksOf, taskStatus, type TaskView } from '../../lib/tasks';
import { RestartButton, SignalButton } from './actions';
import css from './alloc.module.css';

/** The tasks in the order in which they run. */
export function Tasks({ alloc, samples }: { alloc: Allocation; samples: Sample[] }) {
  const running = alloc.ClientStatus === 'running';
  const columns: (Column<TaskView> | false)[] = [
    {
      key: 'name',
      title: 'Task',
      cell: (t) => (
        <span className={css.task}>
          <b>{t.name}</b>
          <small>
            {t.task ? `${t.task.Driver}, ` : ''}
            {t.role}
          </small>
        </span>
      ),
    },
    { key: 'state', title: 'State', cell: (t) => <StatusMark status={taskStatus(t)} /> },
    running && { key: 'cpu', title: 'CPU', from: 'stacked', cell: (t) => <Use alloc={alloc} task={t} samples={samples} kind="cpu" /> },
    running && { key: 'memory', title: 'Memory', from: 'stacked', cell: (t) => <Use alloc={alloc} task={t} samples={samples} kind="memory" /> },
    { key: 'restarts', title: 'Restarts', from: 'wide', align: 'right', cell: (t) => t.state?.Restarts || '–' },
    { key: 'started', title: 'Started', from: running ? 'wide' : 'small', cell: (t) => <Time at={t.state?.StartedAt} /> },
    !running && { key: 'finished', title: 'Finished', from: 'small', cell: (t) => <Time at={t.state?.FinishedAt} /> },
    running && {
      key: 'actions',
      title: 'Actions',
      from: 'stacked',
      align: 'right',
      cell: (t) =>
        t.state?.State === 'running' && (
          <span className={css.rowActions}>
            <RestartButton alloc={alloc} task={t.name} />
            <SignalButton alloc={alloc} task={t.name} />
          </span>
        ),
    },
  ];
  return (
    <Panel title="Tasks">
      <DataTable label="Tasks" columns={columns.filter((c) => c !== false)} rows={tasksOf(alloc)} rowKey={(t) => t.name} stack />
    </Panel>
  );
}

function Use({ alloc, task, samples, kind }: { alloc: Allocation; task: TaskView; samples: Sample[]; kind: 'cpu' | 'memory' }) {
  const key = `${task.name}/${kind}`;
  const last = samples[samples.length - 1]?.values[key];
  if (last === undefined || task.state?.State !== 'running') return <span className="dim">–</span>;
  const reserved = alloc.AllocatedResources?.Tasks?.[task.name];
  const limit = kind === 'cpu' ? (reserved?.Cpu.CpuShares ?? 0) : (reserved?.Memory.MemoryMaxMB || reserved?.Memory.MemoryMB || 0) * 2 ** 20;
  const format = kind === 'cpu' ? mhz : bytes;
  const value = (s: Sample) => s.values[key] ?? 0;
  return (
    <span className={css.use}>
      <Spark label={`${kind === 'cpu' ? 'CPU' : 'Memory'} of task ${task.name}: ${format(last)} of ${format(limit)}`} samples={samples} value={value} top={Math.max(limit, ...samples.slice(-40).map(value))} />
      <span>
        {format(last)} <span className="dim">/ {format(limit)}</span>
      </span>
    </span>
  );
}
