// SPDX-License-Identifier: MPL-2.0
import { DeploymentFail, DeploymentPause, DeploymentPromote, DeploymentUnblock, JobDeployments } from '../../api/ops.gen';
import type { Deployment, Job } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useAction, useOp } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Bar } from '../../components/bar';
import { Cli } from '../../components/code';
import { ConfirmButton } from '../../components/confirm';
import { Id } from '../../components/id';
import { Card, Panel } from '../../components/page';
import { Empty, Result } from '../../components/states';
import { StatusMark } from '../../components/status';
import { Time } from '../../components/time';
import { short } from '../../lib/format';
import { statusOf } from '../../lib/status';
import css from './overview.module.css';

/** Whether a deployment goes on. */
export function isActive(d: Deployment): boolean {
  return ['running', 'paused', 'pending', 'blocked', 'unblocking', 'initializing'].includes(d.Status);
}

/** All deployments of a job, newest first. */
export function DeploymentsTab({ job }: { job: Job }) {
  const { region } = useAmbient();
  const query = useOp(JobDeployments, { JobID: job.ID }, { namespace: job.Namespace, region });
  return (
    <Result query={query} what="The deployments">
      {(list) =>
        list.length === 0 ? (
          <Empty title="No deployments">
            <p>A service with an update block makes one whenever it changes.</p>
          </Empty>
        ) : (
          [...list].sort((a, b) => b.CreateIndex - a.CreateIndex).map((d) => <DeploymentPanel key={d.ID} deployment={d} />)
        )
      }
    </Result>
  );
}

/** One deployment: how far it is, and what can be done about it. */
export function DeploymentPanel({ deployment: d, title = `Version ${d.JobVersion}` }: { deployment: Deployment; title?: string }) {
  return (
    <Panel
      title={title}
      note={
        <>
          <StatusMark status={statusOf(d.Status === 'running' ? 'in progress' : d.Status)} plain /> · <Time at={d.CreateTime} /> · <Id id={d.ID} />
        </>
      }
      actions={isActive(d) && <Actions deployment={d} />}
    >
      <Card>
        <div className={css.groups}>
          {d.StatusDescription && <p className="dim">{d.StatusDescription}</p>}
          {Object.entries(d.TaskGroups ?? {}).map(([name, g]) => {
            const canaries = g.DesiredCanaries > 0 && !g.Promoted;
            const wanted = canaries ? g.DesiredCanaries : g.DesiredTotal;
            const judged = canaries && g.HealthyAllocs >= g.DesiredCanaries;
            const waiting = Math.max(0, g.PlacedAllocs - g.HealthyAllocs - g.UnhealthyAllocs);
            return (
              <div key={name} className={css.group}>
                <div className={css.groupHead}>
                  <strong>{name}</strong>
                  <span className="dim">
                    {g.HealthyAllocs} of {wanted} {canaries ? `canaries healthy${judged ? ', waiting to be promoted' : ''}` : 'healthy'}
                    {g.RequireProgressBy && isActive(d) && !judged && (
                      <>
                        {' '}
                        · fails without progress <Time at={g.RequireProgressBy} />
                      </>
                    )}
                  </span>
                </div>
                <Bar
                  label={`Deployment of ${name}`}
                  legend
                  parts={[
                    { label: 'healthy', value: g.HealthyAllocs, tone: 'good' },
                    { label: 'unhealthy', value: g.UnhealthyAllocs, tone: 'bad' },
                    { label: 'placed', value: waiting, tone: 'busy' },
                    { label: 'to come', value: Math.max(0, wanted - g.PlacedAllocs), tone: 'idle', missing: true },
                  ]}
                />
              </div>
            );
          })}
        </div>
      </Card>
    </Panel>
  );
}

function Actions({ deployment: d }: { deployment: Deployment }) {
  const { region } = useAmbient();
  const common = { namespace: d.Namespace, region };
  const promote = useAction(DeploymentPromote, { done: 'The canaries were promoted', failure: 'The canaries were not promoted', common });
  const pause = useAction(DeploymentPause, { done: (_, p) => (p.Pause ? 'The deployment is paused' : 'The deployment goes on'), failure: 'The deployment was not changed', common });
  const unblock = useAction(DeploymentUnblock, { done: 'The deployment goes on', failure: 'The deployment was not unblocked', common });
  const fail = useAction(DeploymentFail, { done: 'The deployment was failed', failure: 'The deployment was not failed', common });
  const canaries = Object.values(d.TaskGroups ?? {}).some((g) => g.DesiredCanaries > 0 && !g.Promoted);
  const paused = d.Status === 'paused';
  return (
    <>
      {canaries && (
        <ActionButton denied={promote.denied} cli={`nomadlike deployment promote ${short(d.ID)}`} size="compact-sm" loading={promote.isPending} onClick={() => promote.mutate({ PathID: d.ID, DeploymentID: d.ID, All: true })}>
          Promote
        </ActionButton>
      )}
      {d.Status === 'blocked' && (
        <ActionButton denied={unblock.denied} cli={`nomadlike deployment unblock ${short(d.ID)}`} size="compact-sm" variant="default" loading={unblock.isPending} onClick={() => unblock.mutate({ PathID: d.ID, DeploymentID: d.ID })}>
          Unblock
        </ActionButton>
      )}
      <ActionButton denied={pause.denied} cli={`nomadlike deployment ${paused ? 'resume' : 'pause'} ${short(d.ID)}`} size="compact-sm" variant="default" loading={pause.isPending} onClick={() => pause.mutate({ PathID: d.ID, DeploymentID: d.ID, Pause: !paused })}>
        {paused ? 'Resume' : 'Pause'}
      </ActionButton>
      <ConfirmButton small denied={fail.denied} label="Fail" danger title={`Fail deployment ${short(d.ID)}`} confirm="Fail the deployment" busy={fail.isPending} cli={<Cli command={`nomadlike deployment fail ${short(d.ID)}`} />} onConfirm={() => fail.mutate({ DeploymentID: d.ID })}>
        It stops where it is; with auto_revert the job goes back to its last stable version.
      </ConfirmButton>
    </>
  );
}
