// SPDX-License-Identifier: MPL-2.0
import { JobVersions } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient } from '../../app/location';
import { useOp } from '../../app/query';
import { JobDiffView } from '../../components/diff';
import { Card, Panel } from '../../components/page';
import { Result } from '../../components/states';
import { Time } from '../../components/time';
import css from './overview.module.css';
import { RevertButton } from './revert';

/** Every kept version with what it changed. */
export function Versions({ job }: { job: Job }) {
  const { region } = useAmbient();
  const query = useOp(JobVersions, { JobID: job.ID, Diffs: true }, { namespace: job.Namespace, region });
  return (
    <Result query={query} what="The versions">
      {(data) =>
        (data.Versions ?? []).map((v, i) => {
          const diff = data.Diffs?.[i];
          const notes = [v.Version === job.Version && 'current', v.Stable && 'stable', v.VersionTag && `tagged ${v.VersionTag.Name}`].filter(Boolean).join(', ');
          return (
            <Panel
              key={v.Version}
              title={`Version ${v.Version}`}
              note={
                <>
                  <Time at={v.SubmitTime} />
                  {notes && ` · ${notes}`}
                </>
              }
              actions={v.Version !== job.Version && <RevertButton job={job} version={v.Version} />}
            >
              <div className={css.version}>
                {v.VersionTag?.Description && <p>{v.VersionTag.Description}</p>}
                {diff ? <JobDiffView diff={diff} /> : <Card>{i === (data.Versions ?? []).length - 1 ? 'The oldest version that is kept.' : 'No differences are known.'}</Card>}
              </div>
            </Panel>
          );
        })
      }
    </Result>
  );
}
