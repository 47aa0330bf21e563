// SPDX-License-Identifier: MPL-2.0
import type { FieldDiff, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff } from '../api/types.gen';
import { span } from '../lib/format';
import css from './diff.module.css';

const signs: Record<string, string> = { Added: '+', Deleted: '−', Edited: '±', None: ' ' };

/** What differs between two versions of a job; what is equal is left out. */
export function JobDiffView({ diff }: { diff: JobDiff }) {
  if (diff.Type === 'None') return <p className="dim">Nothing differs.</p>;
  return (
    <div className={css.diff} role="region" aria-label="Differences" tabIndex={0}>
      <Block type={diff.Type} title={`job "${diff.ID}"`}>
        <Parts fields={diff.Fields} objects={diff.Objects} />
        {changed(diff.TaskGroups).map((g) => (
          <Group key={g.Name} group={g} />
        ))}
      </Block>
    </div>
  );
}

type Part = { Type: string; Fields?: FieldDiff[] | null; Objects?: ObjectDiff[] | null; Tasks?: TaskDiff[] | null };

/** What has a difference to show. A block may be edited without one: it differs in what only servers fill in, such as the indexes of a scaling policy. */
function changed<T extends Part>(list: T[] | null): T[] {
  return (list ?? []).filter((x) => x.Type !== 'None' && tells(x));
}

function tells(x: Part): boolean {
  if (x.Type !== 'Edited' || x.Fields === undefined) return true;
  return changed(x.Fields).length > 0 || changed(x.Objects ?? null).length > 0 || changed(x.Tasks ?? null).length > 0;
}

function Block({ type, title, note, children }: { type: string; title: string; note?: string; children: React.ReactNode }) {
  return (
    <div className={css.block} data-type={type}>
      <div className={css.line} data-type={type}>
        <span className={css.sign}>{signs[type] ?? ' '}</span>
        <span>
          {title}
          {note && <span className={css.note}> {note}</span>}
        </span>
      </div>
      <div className={css.inner}>{children}</div>
    </div>
  );
}

function Group({ group }: { group: TaskGroupDiff }) {
  const updates = Object.entries(group.Updates ?? {}).map(([what, n]) => `${n} ${what}`);
  return (
    <Block type={group.Type} title={`group "${group.Name}"`} note={updates.length > 0 ? `(${updates.join(', ')})` : undefined}>
      <Parts fields={group.Fields} objects={group.Objects} />
      {changed(group.Tasks).map((t) => (
        <Task key={t.Name} task={t} />
      ))}
    </Block>
  );
}

function Task({ task }: { task: TaskDiff }) {
  return (
    <Block type={task.Type} title={`task "${task.Name}"`} note={annotations(task.Annotations)}>
      <Parts fields={task.Fields} objects={task.Objects} />
    </Block>
  );
}

function annotations(list: string[] | null): string | undefined {
  return list && list.length > 0 ? `(${list.join(', ')})` : undefined;
}

function Parts({ fields, objects }: { fields: FieldDiff[] | null; objects: ObjectDiff[] | null }) {
  return (
    <>
      {changed(fields).map((f) => (
        <Field key={f.Name} field={f} />
      ))}
      {changed(objects).map((o, i) => (
        <Block key={`${o.Name}/${i}`} type={o.Type} title={o.Name}>
          <Parts fields={o.Fields} objects={o.Objects} />
        </Block>
      ))}
    </>
  );
}

/** Durations are nanoseconds on the wire; people read them as spans. */
function shown(name: string, value: string): string {
  const isSpan = /(Delay|Interval|Deadline|Time|Timeout|Wait|Splay|TTL|MaxDelay|Stagger|After|LostAfter|StopOnClientAfter)$/.test(name) && /^\d{6,}$/.test(value);
  return isSpan ? span(Number(value) / 1e6) : value || '""';
}

function Field({ field: f }: { field: FieldDiff }) {
  return (
    <div className={css.line} data-type={f.Type}>
      <span className={css.sign}>{signs[f.Type] ?? ' '}</span>
      <span>
        {f.Name}: {f.Type !== 'Added' && <del>{shown(f.Name, f.Old)}</del>}
        {f.Type === 'Edited' && ' → '}
        {f.Type !== 'Deleted' && <ins>{shown(f.Name, f.New)}</ins>}
        {annotations(f.Annotations) && <span className={css.note}> {annotations(f.Annotations)}</span>}
      </span>
    </div>
  );
}
