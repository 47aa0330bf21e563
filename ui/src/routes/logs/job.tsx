// SPDX-License-Identifier: MPL-2.0
import type { AllocListStub, Job } from '../../api/types.gen';
import { useQueryParams } from '../../app/location';
import { Choice, Filters } from '../../components/filters';
import { Empty } from '../../components/states';
import { short } from '../../lib/format';
import { roleOf } from '../../lib/tasks';
import { FollowedLogs, fromStart, latest } from './followed';
import type { LogSource } from './stream';

/** The logs of all running allocations of a job in one. */
export default function JobLogs({ job, allocs }: { job: Job; allocs: AllocListStub[] }) {
  const [params] = useQueryParams();
  const type = params.get('type') === 'stderr' ? 'stderr' : 'stdout';
  const group = params.get('group') ?? '';
  const task = params.get('task') ?? '';
  const running = allocs.filter((a) => a.ClientStatus === 'running');
  const shown = (running.length > 0 ? running : [...allocs].sort((a, b) => b.CreateTime - a.CreateTime).slice(0, 4)).filter((a) => !group || a.TaskGroup === group);
  const groups = (job.TaskGroups ?? []).map((g) => g.Name);
  const all = (job.TaskGroups ?? []).flatMap((g) => g.Tasks ?? []);
  const main = new Set(all.filter((t) => !t.Lifecycle?.Hook).map((t) => t.Name));
  const tasks = [...new Map(all.map((t) => [t.Name, roleOf(t)[0]]))];
  const others = tasks.length > main.size;
  const sources = shown.flatMap((a) =>
    Object.entries(a.TaskStates ?? {})
      .filter(([name, s]) => s.StartedAt && (task === '*' || (task ? name === task : main.has(name))))
      .map(([name]): LogSource => ({ key: `${a.ID}/${name}/${type}`, label: `${short(a.ID)} ${name}`, allocID: a.ID, namespace: a.Namespace, task: name, type })),
  );
  return (
    <>
      <Filters>
        {groups.length > 1 && <Choice label="Group" param="group" options={groups} />}
        {tasks.length > 1 && (
          <Choice
            label="Task"
            param="task"
            all={others ? 'Main tasks only' : 'All tasks'}
            options={[...(others ? [{ value: '*', label: 'All tasks' }] : []), ...tasks.map(([name, role]) => ({ value: name, label: role === 'main' ? name : `${name} (${role})` }))]}
          />
        )}
        <Choice label="Output" param="type" all="stdout" options={['stderr']} />
        <Choice label="Where to begin" param="from" all={latest} options={fromStart} />
      </Filters>
      {sources.length === 0 ? <Empty title="No task has started">There are no logs before a task starts.</Empty> : <FollowedLogs sources={sources} />}
    </>
  );
}
