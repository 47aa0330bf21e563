// SPDX-License-Identifier: MPL-2.0
import { useMemo } from 'react';
import { EvalList } from '../api/ops.gen';
import type { Evaluation } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { Cli, listed } from '../components/code';
import { EvalTable } from '../components/eval-table';
import { Choice, distinct, Filters, NoMatch, SearchField, Shown } from '../components/filters';
import { Page } from '../components/page';
import { Empty, Result } from '../components/states';
import { evalStatus } from '../lib/status';

/** All evaluations: what the scheduler was asked and what it found. */
export default function EvaluationsPage() {
  const { namespace, region } = useAmbient();
  const query = useOp(EvalList, {}, { namespace, region });
  return (
    <Page title="Evaluations" cli={<Cli command={`nomadlike eval list${listed(namespace)}`} />}>
      <Result query={query} what="The list of evaluations">
        {(evals) =>
          evals.length === 0 ? (
            <Empty title="No evaluations">
              <p>An evaluation is what happens when a job or a client changes: the scheduler looks at what should run where.</p>
            </Empty>
          ) : (
            <Evaluations evals={evals} />
          )
        }
      </Result>
    </Page>
  );
}

const filters = ['q', 'status', 'trigger', 'type'] as const;

function Evaluations({ evals }: { evals: Evaluation[] }) {
  const [params] = useQueryParams();
  const [q, status, trigger, type] = filters.map((f) => params.get(f) ?? '') as [string, string, string, string];
  const shown = useMemo(() => {
    const text = q.toLowerCase();
    return evals.filter((e) => (!text || (e.ID ?? '').startsWith(text) || (e.JobID ?? '').toLowerCase().includes(text)) && (!status || evalStatus(e).text === status) && (!trigger || e.TriggeredBy === trigger) && (!type || e.Type === type));
  }, [evals, q, status, trigger, type]);
  return (
    <>
      <Filters>
        <SearchField label="Search by ID or job" />
        <Choice label="Status" param="status" options={distinct(evals, (e) => evalStatus(e).text)} />
        <Choice label="Trigger" param="trigger" options={distinct(evals, (e) => e.TriggeredBy)} />
        <Choice label="Type" param="type" options={distinct(evals, (e) => e.Type)} />
        <Shown shown={shown.length} all={evals.length} one="evaluation" />
      </Filters>
      {shown.length === 0 ? (
        <NoMatch title="No evaluation matches" params={filters} />
      ) : (
        <EvalTable evals={shown} />
      )}
    </>
  );
}
