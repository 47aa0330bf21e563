// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, Job } from '../../api/types.gen';
import { useQueryParams } from '../../app/location';
import { Choice, Filters } from '../../components/filters';
import { Empty } from '../../components/states';
import { short } from '../../lib/format';
import { FollowedLogs } from './followed';
import type { LogSource } from './stream';

/** The logs of all running allocations of a job in one. */
export default function JobLogs({ job, allocs }: { job: Job; allocs: AllocListStub[] }) {
  const [params] = useQueryParams();
  const type = params.get('type') === 'stderr' ? 'stderr' : 'stdout';
  const group = params.get('group') ?? '';
  const task = params.get('task') ?? '';
  const running = allocs.filter((a) => a.ClientStatus === 'running');
  const shown = (running.length > 0 ? running : [...allocs].sort((a, b) => b.CreateTime - a.CreateTime).slice(0, 4)).filter((a) => !group || a.TaskGroup === group);
  const main = new Set((job.TaskGroups ?? []).flatMap((g) => (g.Tasks ?? []).filter((t) => !t.Lifecycle?.Hook).map((t) => t.Name)));
  const groups = (job.TaskGroups ?? []).map((g) => g.Name);
  const tasks = [...new Set((job.TaskGroups ?? []).flatMap((g) => (g.Tasks ?? []).map((t) => t.Name)))];
  const sources = shown.flatMap((a) =>
    Object.entries(a.TaskStates ?? {})
      .filter(([name, s]) => s.StartedAt && (task ? name === task : main.has(name)))
      .map(([name]): LogSource => ({ key: `${a.ID}/${name}/${type}`, label: `${short(a.ID)} ${name}`, allocID: a.ID, namespace: a.Namespace, task: name, type })),
  );
  return (
    <>
      <Filters>
        {groups.length > 1 && <Choice label="Group" param="group" options={groups} />}
        <Choice label="Task" param="task" all="Main tasks" options={tasks} />
        <Choice label="Output" param="type" all="stdout" options={['stderr']} />
        <Choice label="Where to begin" param="from" all="Newest" options={[{ value: 'start', label: 'From the start' }]} />
      </Filters>
      {sources.length === 0 ? <Empty title="No task has started">There are no logs before a task starts.</Empty> : <FollowedLogs sources={sources} />}
    </>
  );
}
