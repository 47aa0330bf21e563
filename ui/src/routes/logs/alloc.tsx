// SPDX-License-Identifier: MPL-2.0
import { FSLogs } from '../../api/ops.gen';
import type { Allocation } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { Cli, quoted } from '../../components/code';
import { Download } from '../../components/download';
import { Choice, Filters } from '../../components/filters';
import { Empty } from '../../components/states';
import { short } from '../../lib/format';
import { tasksOf } from '../../lib/tasks';
import { FollowedLogs, fromStart, latest } from './followed';
import type { LogSource } from './stream';

/** The logs of an allocation: of one task, or of all. */
export default function AllocLogs({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const [params] = useQueryParams();
  const id = alloc.ID ?? '';
  const tasks = tasksOf(alloc).filter((t) => t.state?.StartedAt);
  const names = tasks.map((t) => t.name);
  const main = tasks.find((t) => t.order === 2) ?? tasks[0];
  const task = params.get('task') || main?.name || '';
  const type = params.get('type') ?? '';
  if (!main) return <Empty title="No task has started yet">There are no logs before a task starts.</Empty>;
  const types: ('stdout' | 'stderr')[] = type === 'both' ? ['stdout', 'stderr'] : [type === 'stderr' ? 'stderr' : 'stdout'];
  const sources = (task === '*' ? names : [task]).flatMap((name) =>
    types.map((t): LogSource => ({ key: `${id}/${name}/${t}`, label: [task === '*' && name, types.length > 1 && t].filter(Boolean).join(' '), allocID: id, namespace: alloc.Namespace ?? 'default', task: name, type: t })),
  );
  const one = sources.length === 1 ? sources[0] : undefined;
  return (
    <>
      <Filters>
        <Choice label="Task" param="task" all={main.name} options={[...names.filter((n) => n !== main.name), ...(names.length > 1 ? [{ value: '*', label: 'All tasks' }] : [])]} />
        <Choice label="Output" param="type" all="stdout" options={['stderr', { value: 'both', label: 'stdout and stderr' }]} />
        <Choice label="Where to begin" param="from" all={latest} options={fromStart} />
        {one && <Download op={FSLogs} params={{ AllocID: id, Task: one.task, LogType: one.type, Plain: true, Origin: 'start' }} common={{ namespace: alloc.Namespace, region }} name={`${alloc.JobID}-${short(id)}-${one.task}.${one.type}.txt`} />}
        {one && <Cli command={`nomadlike alloc logs -f ${one.type === 'stderr' ? '-stderr ' : ''}${short(id)} ${quoted(one.task)}`} />}
      </Filters>
      <FollowedLogs sources={sources} />
    </>
  );
}
