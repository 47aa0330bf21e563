// SPDX-License-Identifier: MPL-2.0
import { EvalAllocations, EvalGet } from '../api/ops.gen';
import type { Evaluation } from '../api/types.gen';
import { useAmbient } from '../app/location';
import { useOp } from '../app/query';
import { AllocTable } from '../components/alloc-table';
import { Cli } from '../components/code';
import { Id } from '../components/id';
import { Link } from '../components/link';
import { Card, Facts, Page, Panel } from '../components/page';
import { WhyNot } from '../components/placement';
import { Empty, Result } from '../components/states';
import { StatusMark } from '../components/status';
import { Time } from '../components/time';
import { count, short } from '../lib/format';
import { href, splitNamespace } from '../lib/href';
import { evalStatus, statusOf } from '../lib/status';

import css from './evaluation.module.css';

/** One evaluation: why it was made, what it found, what came of it. */
export default function EvaluationPage({ evaluation }: { evaluation: string }) {
  const { id, namespace } = splitNamespace(evaluation);
  const { region } = useAmbient();
  const query = useOp(EvalGet, { EvalID: id, Related: true, Explain: true }, { namespace, region });
  const allocs = useOp(EvalAllocations, { EvalID: id }, { namespace, region });
  return (
    <Result query={query} what={`Evaluation ${short(id)}`} crumb={{ to: '/evaluations', text: 'Evaluations' }}>
      {(e) => (
        <Page
          title={`Evaluation ${short(id)}`}
          crumb={{ to: '/evaluations', text: 'Evaluations' }}
          mark={
            <>
              <StatusMark status={evalStatus(e)} />
              <Id id={id} />
            </>
          }
          cli={<Cli command={`nomadlike eval status ${short(id)}`} />}
        >
          <Card>
            <About e={e} />
          </Card>
          <Explanation e={e} />
          <Related e={e} />
          <Result query={allocs} what="The allocations">
            {(list) => <Panel title="Allocations" note={count(list.length, 'allocation')}>{list.length === 0 ? <Empty title="It created and changed no allocation" /> : <AllocTable allocs={list} label="Allocations of the evaluation" />}</Panel>}
          </Result>
        </Page>
      )}
    </Result>
  );
}

function About({ e }: { e: Evaluation }) {
  const link = (id: string | undefined) => id && <Link to={href.evaluation(id, e.Namespace)}>{short(id)}</Link>;
  return (
    <Facts
      facts={[
        ['Job', e.JobID && <Link to={href.job(e.JobID, e.Namespace)}>{e.JobID}</Link>],
        ['Triggered by', e.TriggeredBy],
        ['Client', e.NodeID && <Link to={href.node(e.NodeID)}>{short(e.NodeID)}</Link>],
        ['Type', e.Type],
        ['Priority', e.Priority],
        ['Created', <Time key="c" at={e.CreateTime} />],
        ['Modified', <Time key="m" at={e.ModifyTime} />],
        ['Waits until', e.WaitUntil && <Time at={e.WaitUntil} />],
        ['Status', e.StatusDescription],
        ['Previous', link(e.PreviousEval)],
        ['Next', link(e.NextEval)],
        ['Blocked', link(e.BlockedEval)],
      ]}
    />
  );
}

function Explanation({ e }: { e: Evaluation }) {
  const failures = e.FailedTGAllocs ?? {};
  const plan = Object.entries(e.PlanAnnotations?.DesiredTGUpdates ?? {});
  if (Object.keys(failures).length > 0) {
    return (
      <Panel title="Why not placed">
        <WhyNot failures={failures} queued={e.QueuedAllocations} />
        {e.BlockedEval && (
          <p>
            <br />
            Evaluation <Link to={href.evaluation(e.BlockedEval, e.Namespace)}>{short(e.BlockedEval)}</Link> waits for room and tries again by itself when a client changes or something ends.
          </p>
        )}
      </Panel>
    );
  }
  const text =
    e.Status === 'blocked'
      ? 'It waits until a client could take what is missing, and runs again by itself.'
      : e.Status === 'complete'
        ? 'Everything that the job asks for was placed or was there already.'
        : e.Status === 'pending'
          ? 'It waits for a scheduler.'
          : e.StatusDescription || '';
  if (!text && plan.length === 0) return null;
  return (
    <Panel title="What it found">
      <p>{text}</p>
    </Panel>
  );
}

function Related({ e }: { e: Evaluation }) {
  const related = (e.RelatedEvals ?? []).filter((r) => r.ID !== e.ID);
  if (related.length === 0) return null;
  return (
    <Panel title="Related evaluations">
      <Card>
        <ul className={css.related}>
          {related.map((r) => (
            <li key={r.ID}>
              <Link to={href.evaluation(r.ID, r.Namespace)}>{short(r.ID)}</Link> <StatusMark status={statusOf(r.Status)} plain /> {r.TriggeredBy} <span className="dim">{r.StatusDescription}</span>
            </li>
          ))}
        </ul>
      </Card>
    </Panel>
  );
}
