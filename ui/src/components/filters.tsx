// SPDX-License-Identifier: MPL-2.0
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useQueryParams } from '../app/location';
import { count } from '../lib/format';
import css from './filters.module.css';
import { Icons } from './icons';
import { Empty } from './states';

/** A row of things that narrow a list. */
export function Filters({ children }: { children: React.ReactNode }) {
  return <div className={css.row}>{children}</div>;
}

/** A search field whose text is in the address. */
export function SearchField({ label, param = 'q' }: { label: string; param?: string }) {
  const [params, setParams] = useQueryParams();
  const kept = params.get(param) ?? '';
  const [text, setText] = useState(kept);
  useEffect(() => setText(kept), [kept]);
  useEffect(() => {
    if (text === kept) return;
    const t = setTimeout(() => setParams({ [param]: text || null }), 150);
    return () => clearTimeout(t);
  }, [text, kept, param, setParams]);
  return <TextInput className={css.search} size="sm" type="search" aria-label={label} placeholder={label} leftSection={<Icons.search size={14} />} value={text} onChange={(e) => setText(e.currentTarget.value)} />;
}

/** A choice whose value is in the address; the first option means no filter. */
export function Choice({ label, param, options, all = `Any ${label.toLowerCase()}` }: { label: string; param: string; options: (string | { value: string; label: string })[]; all?: string }) {
  const [params, setParams] = useQueryParams();
  const value = params.get(param) ?? '';
  // A thousand options that nobody looks at would cost more than the table beside them.
  const [used, setUsed] = useState(false);
  const use = () => setUsed(true);
  const shown = used || options.length <= 100 ? options : options.filter((o) => (typeof o === 'string' ? o : o.value) === value);
  const known = options.some((o) => (typeof o === 'string' ? o : o.value) === value);
  return <NativeSelect className={css.choice} size="sm" aria-label={label} value={value} onFocus={use} onPointerDown={use} onChange={(e) => setParams({ [param]: e.currentTarget.value || null })} data={[{ value: '', label: all }, ...shown, ...(value && !known ? [value] : [])]} />;
}

/** The distinct values of a list, sorted. */
export function distinct<T>(rows: T[], value: (row: T) => string | undefined): string[] {
  return [...new Set(rows.map(value).filter((v): v is string => !!v))].sort();
}

/** How many of a list are shown. */
export function Shown({ shown, all, one }: { shown: number; all: number; one: string }) {
  return (
    <span className="dim" role="status">
      {shown === all ? count(all, one) : `${shown.toLocaleString('en')} of ${count(all, one)}`}
    </span>
  );
}

/** What stands in place of a list that the filters left nothing of. */
export function NoMatch({ title, params }: { title: string; params: readonly string[] }) {
  const [, setParams] = useQueryParams();
  return (
    <Empty title={title}>
      <Button variant="default" size="compact-sm" onClick={() => setParams(Object.fromEntries(params.map((p) => [p, null])))}>
        Clear the filters
      </Button>
    </Empty>
  );
}
