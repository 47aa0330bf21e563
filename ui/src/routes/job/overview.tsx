// SPDX-License-Identifier: MPL-2.0
import type { UseQueryResult } from '@tanstack/react-query';
import type { Answer } from '../../api/client';
import { EvalGet } from '../../api/ops.gen';
import type { AllocListStub, AllocMetric, Deployment, Evaluation, Job } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { AllocTable } from '../../components/alloc-table';
import { Cli, inNamespace, quoted } from '../../components/code';
import { Events } from '../../components/events';
import { Filters, Choice, distinct } from '../../components/filters';
import { Link } from '../../components/link';
import { Card, Facts, Panel } from '../../components/page';
import { WhyNot } from '../../components/placement';
import { Empty, Result } from '../../components/states';
import { Time } from '../../components/time';
import { failures } from '../../lib/failures';
import { count } from '../../lib/format';
import { href } from '../../lib/href';
import { allocStatus, ended } from '../../lib/status';
import { happenings } from '../../lib/timeline';
import { Children } from './children';
import { DeploymentPanel, isActive } from './deployment';
import { Failing } from './failing';
import { GroupPanel } from './group-panel';
import css from './overview.module.css';

type Read<T> = UseQueryResult<Answer<T>, Error>;

/** What an operator wants to know first: does it run, if not why, what happened. */
export function Overview({ job, allocs, evals, deployment }: { job: Job; allocs: Read<AllocListStub[]>; evals: Read<Evaluation[]>; deployment: Deployment | null | undefined }) {
  const parent = job.Periodic !== null || (job.ParameterizedJob !== null && !job.Dispatched);
  const waiting = job.Stop ? undefined : unplaced(evals.data?.data ?? []);
  const failed = job.Stop || parent ? [] : failures(allocs.data?.data ?? [], job.Version);
  return (
    <div className={css.columns}>
      <div className={css.main}>
        {waiting && <NotPlaced evaluation={waiting} />}
        {failed.length > 0 && <Failing failures={failed} />}
        {deployment && isActive(deployment) && <DeploymentPanel deployment={deployment} title="Deployment" />}
        {parent ? <Children job={job} /> : <GroupPanel job={job} allocs={allocs.data?.data ?? []} deployment={deployment} />}
        {!parent && (
          <Result query={allocs} what="The allocations">
            {(list) => <Allocations job={job} allocs={list} />}
          </Result>
        )}
      </div>
      <div className={css.side}>
        <Panel title="About">
          <Card>
            <About job={job} />
          </Card>
        </Panel>
        {!parent && (
          <Panel title="Recent events">
            <Events happenings={happenings(allocs.data?.data ?? []).slice(0, 12)} withAlloc />
          </Panel>
        )}
      </div>
    </div>
  );
}

/** Why groups wait, as the cluster is now. */
function NotPlaced({ evaluation: e }: { evaluation: Evaluation & { FailedTGAllocs: Record<string, AllocMetric> } }) {
  const { region } = useAmbient();
  const explained = useOp(EvalGet, { EvalID: e.ID ?? '', Explain: true }, { namespace: e.Namespace, region }).data?.data;
  return (
    <Panel title="Why not placed" note={<Time at={e.ModifyTime} />} actions={<Link to={href.evaluation(e.ID ?? '', e.Namespace)}>The evaluation</Link>}>
      <WhyNot failures={explained?.FailedTGAllocs ?? e.FailedTGAllocs} queued={e.QueuedAllocations} />
      <div className={css.below}>
        <Cli command={`nomadlike job explain${inNamespace(e.Namespace ?? 'default')} ${quoted(e.JobID ?? '')}`} />
      </div>
    </Panel>
  );
}

/** The evaluation whose failures still stand: a blocked one, or the newest when it failed to place. */
function unplaced(evals: Evaluation[]): (Evaluation & { FailedTGAllocs: Record<string, AllocMetric> }) | undefined {
  const failing = (e: Evaluation) => Object.keys(e.FailedTGAllocs ?? {}).length > 0;
  const newest = [...evals].sort((a, b) => (b.CreateIndex ?? 0) - (a.CreateIndex ?? 0));
  const blocked = newest.find((e) => e.Status === 'blocked');
  if (!blocked) return undefined;
  const found = failing(blocked) ? blocked : newest.find((e) => failing(e) && e.BlockedEval === blocked.ID);
  return found as (Evaluation & { FailedTGAllocs: Record<string, AllocMetric> }) | undefined;
}

function Allocations({ job, allocs }: { job: Job; allocs: AllocListStub[] }) {
  const [params] = useQueryParams();
  const [status, group, old] = ['status', 'group', 'old'].map((n) => params.get(n) ?? '');
  const current = allocs.filter((a) => !ended(a) || a.JobVersion === job.Version);
  const shown = allocs.filter((a) => (!status || allocStatus(a).text === status) && (!group || a.TaskGroup === group) && (old !== 'hide' || current.includes(a)));
  if (allocs.length === 0) {
    return (
      <Panel title="Allocations">
        <Empty title="No allocations">{job.Stop ? <p>The job is stopped.</p> : <p>Nothing was placed yet; the evaluations say why.</p>}</Empty>
      </Panel>
    );
  }
  const groups = distinct(allocs, (a) => a.TaskGroup);
  return (
    <Panel title="Allocations" note={count(shown.length, 'allocation')}>
      {allocs.length > 5 && (
        <Filters>
          <Choice label="Status" param="status" options={distinct(allocs, (a) => allocStatus(a).text)} />
          {groups.length > 1 && <Choice label="Group" param="group" options={groups} />}
          {current.length < allocs.length && <Choice label="Old ones" param="old" options={[{ value: 'hide', label: 'Without old ended ones' }]} all="With old ended ones" />}
        </Filters>
      )}
      <AllocTable allocs={shown} known={['job', 'namespace']} label={`Allocations of ${job.ID}`} />
    </Panel>
  );
}

function About({ job }: { job: Job }) {
  return (
    <>
      {job.UI?.Description && <p>{job.UI.Description}</p>}
      {(job.UI?.Links ?? []).length > 0 && (
        <ul className={css.links}>
          {(job.UI?.Links ?? []).filter((l) => /^https?:\/\//i.test(l.Url)).map((l) => (
            <li key={l.Url}>
              <a href={l.Url} rel="noreferrer noopener" target="_blank">
                {l.Label || l.Url}
              </a>
            </li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ['ID', job.ID],
          ['Namespace', job.Namespace],
          ['Type', job.Type],
          ['Priority', job.Priority],
          ['Node pool', job.NodePool],
          ['Datacenters', (job.Datacenters ?? []).join(', ')],
          ['Version', `${job.Version}${job.Stable ? ' (stable)' : ''}`],
          ['Submitted', <Time key="t" at={job.SubmitTime} />],
          ['Parent', job.ParentID && <Link key="p" to={href.job(job.ParentID, job.Namespace)}>{job.ParentID}</Link>],
          ['Periodic', job.Periodic && `${[job.Periodic.Spec, ...(job.Periodic.Specs ?? [])].filter(Boolean).join(', ')} (${job.Periodic.TimeZone || 'UTC'})${job.Periodic.ProhibitOverlap ? ', no overlap' : ''}`],
          ['Payload', job.ParameterizedJob && !job.Dispatched ? job.ParameterizedJob.Payload || 'optional' : ''],
          ['Meta', Object.keys(job.Meta ?? {}).length > 0 && <Meta key="m" meta={job.Meta ?? {}} />],
        ]}
      />
    </>
  );
}

function Meta({ meta }: { meta: Record<string, string> }) {
  return (
    <ul className={css.links}>
      {Object.entries(meta).map(([k, v]) => (
        <li key={k}>
          <code>
            {k}={v}
          </code>
        </li>
      ))}
    </ul>
  );
}
