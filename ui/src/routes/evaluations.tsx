// SPDX-License-Identifier: MPL-2.0
import { EvalList } from '../api/ops.gen';
import type { Evaluation } from '../api/types.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { usePaged, type Paged } from '../app/paged';
import { Cli, listed, pageCommand } from '../components/code';
import { EvalTable } from '../components/eval-table';
import { Choice, Filters, NoMatch, SearchField } from '../components/filters';
import { Page } from '../components/page';
import { BeyondEnd, Pager, Part } from '../components/pager';
import { Empty, Result } from '../components/states';
import { evalFilters, evalsRead, evalStates, evalTriggers } from '../lib/lists';

/** All evaluations, a page at a time: what the scheduler was asked and what it found. */
export default function EvaluationsPage() {
  const ambient = useAmbient();
  const [params] = useQueryParams();
  const read = evalsRead(params, ambient);
  const paged = usePaged(EvalList, {}, read, (e) => e.ID ?? '');
  const filtered = evalFilters.some((f) => params.get(f));
  return (
    <Page title="Evaluations" cli={<Cli command={filtered || paged.within ? pageCommand('/v1/evaluations', read) : `nomadlike eval list${listed(ambient.namespace)}`} />}>
      <Result query={paged.query} what="The list of evaluations">
        {(evals) =>
          evals.length === 0 && !filtered && !paged.within ? (
            <Empty title="No evaluations">
              <p>An evaluation is what happens when a job or a client changes: the scheduler looks at what should run where.</p>
            </Empty>
          ) : (
            <Evaluations evals={evals} paged={paged} />
          )
        }
      </Result>
    </Page>
  );
}

const types = ['service', 'batch', 'system', 'sysbatch'];

function Evaluations({ evals, paged }: { evals: Evaluation[]; paged: Paged<Evaluation> }) {
  return (
    <>
      <Filters>
        <SearchField label="Search by ID or job" />
        <Choice label="Status" param="status" options={evalStates} />
        <Choice label="Trigger" param="trigger" options={evalTriggers} />
        <Choice label="Type" param="type" options={types} />
        <Part paged={paged} one="evaluation" />
      </Filters>
      {evals.length > 0 ? (
        <EvalTable evals={evals} part={!paged.whole} busy={paged.query.isPlaceholderData} />
      ) : paged.within ? (
        <BeyondEnd paged={paged} />
      ) : (
        <NoMatch title="No evaluation matches" params={evalFilters} />
      )}
      <Pager paged={paged} />
    </>
  );
}
