// SPDX-License-Identifier: MPL-2.0
import type { UseQueryResult } from '@tanstack/react-query';
import type { Answer } from '../../api/client';
import type { Evaluation } from '../../api/types.gen';
import { EvalTable } from '../../components/eval-table';
import { Empty, Result } from '../../components/states';

/** The evaluations of a job. */
export function JobEvaluationsTab({ evals }: { evals: UseQueryResult<Answer<Evaluation[]>, Error> }) {
  return (
    <Result query={evals} what="The evaluations">
      {(list) =>
        list.length === 0 ? (
          <Empty title="No evaluations">
            <p>Evaluations are collected some time after they ended.</p>
          </Empty>
        ) : (
          <EvalTable evals={list} known={['job']} />
        )
      }
    </Result>
  );
}
