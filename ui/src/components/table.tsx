// SPDX-License-Identifier: MPL-2.0
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useQueryParams } from '../app/location';
import { Icons } from './icons';
import css from './table.module.css';

/** One column of a table. */
export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** The value that the column sorts by; without it the column does not sort. */
  sort?: (row: T) => string | number | undefined;
  align?: 'right';
  /** Left out where the table is narrower than a tablet (small) or a desktop's page (wide). */
  from?: 'small' | 'wide';
  /** Takes the room that is left. */
  grow?: boolean;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /** Column and direction before anybody chose: "name" or "-time". */
  sortBy?: string;
  /** Name of the query parameter that holds the choice, for pages with several tables. */
  param?: string;
  /** Told which rows are drawn, for what is read of those only. */
  onShown?: (rows: T[]) => void;
}

/** Rows in a table that sorts by its headings, moves by arrow keys and draws only what is seen. */
export function DataTable<T>({ label, columns, rows, rowKey, sortBy, param = 'sort', onShown }: Props<T>) {
  const [params, setParams] = useQueryParams();
  const sort = params.get(param) ?? sortBy ?? '';
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  const virtual = rows.length > 120;
  useEffect(() => {
    if (!virtual) onShown?.(sorted);
  }, [virtual, sorted, onShown]);
  return (
    <div className={css.scroller} tabIndex={0} role="group" aria-label={label}>
      <table className={css.table} aria-label={label} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map((c) => (
              <Heading key={c.key} column={c} sort={sort} onSort={(s) => setParams({ [param]: s === sortBy ? null : s })} />
            ))}
          </tr>
        </thead>
        {virtual ? (
          <VirtualBody columns={columns} rows={sorted} rowKey={rowKey} onShown={onShown} />
        ) : (
          <tbody onKeyDown={moveFocus}>
            {sorted.map((r) => (
              <Row key={rowKey(r)} columns={columns} row={r} />
            ))}
          </tbody>
        )}
      </table>
    </div>
  );
}

function sortRows<T>(rows: T[], columns: Column<T>[], sort: string): T[] {
  const down = sort.startsWith('-');
  const by = columns.find((c) => c.key === (down ? sort.slice(1) : sort))?.sort;
  if (!by) return rows;
  const keyed = rows.map((row, i) => ({ row, i, value: by(row) }));
  keyed.sort((a, b) => {
    const order = compare(a.value, b.value);
    return (down ? -order : order) || a.i - b.i;
  });
  return keyed.map((k) => k.row);
}

const collator = new Intl.Collator('en', { numeric: true });

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}

function Heading<T>({ column, sort, onSort }: { column: Column<T>; sort: string; onSort: (sort: string) => void }) {
  const props = { className: css[column.from ?? 'always'], 'data-align': column.align, 'data-grow': column.grow };
  if (!column.sort) return <th {...props}>{column.title}</th>;
  const state = sort === column.key ? 'ascending' : sort === `-${column.key}` ? 'descending' : 'none';
  return (
    <th {...props} aria-sort={state}>
      <button type="button" className={css.sort} onClick={() => onSort(state === 'ascending' ? `-${column.key}` : column.key)}>
        {column.title}
        {state === 'ascending' && <Icons.up size={12} />}
        {state === 'descending' && <Icons.down size={12} />}
      </button>
    </th>
  );
}

/** Drawn again only when its own data or the columns change, not for every step of scrolling. */
const Row = memo(function Row<T>({ columns, row, index }: { columns: Column<T>[]; row: T; index?: number }) {
  return (
    <tr aria-rowindex={index === undefined ? undefined : index + 2}>
      {columns.map((c) => (
        <td key={c.key} className={css[c.from ?? 'always']} data-align={c.align} data-grow={c.grow}>
          {c.cell(row)}
        </td>
      ))}
    </tr>
  );
}) as <T>(props: { columns: Column<T>[]; row: T; index?: number }) => ReactNode;

const rowHeight = 41;

function VirtualBody<T>({ columns, rows, rowKey, onShown }: Pick<Props<T>, 'columns' | 'rows' | 'rowKey' | 'onShown'>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setOffset(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: () => rowHeight, overscan: 12, scrollMargin: offset });
  const items = virtual.getVirtualItems();
  const [from, to] = [items[0]?.index ?? 0, (items[items.length - 1]?.index ?? -1) + 1];
  useEffect(() => onShown?.(rows.slice(from, to)), [rows, from, to, onShown]);
  const before = items.length > 0 ? items[0]!.start - offset : 0;
  const after = items.length > 0 ? virtual.getTotalSize() - (items[items.length - 1]!.end - offset) : 0;
  return (
    <tbody ref={body} className={css.fixed} onKeyDown={moveFocus}>
      {before > 0 && <Spacer height={before} />}
      {items.map((item) => {
        const row = rows[item.index]!;
        return <Row key={rowKey(row)} columns={columns} row={row} index={item.index} />;
      })}
      {after > 0 && <Spacer height={after} />}
    </tbody>
  );
}

function Spacer({ height }: { height: number }) {
  return (
    <tr aria-hidden="true">
      <td className={css.spacer} style={{ height }} />
    </tr>
  );
}

/** Arrow keys, j and k go to the same place of the next or previous row. */
function moveFocus(e: KeyboardEvent<HTMLTableSectionElement>) {
  const step = e.key === 'ArrowDown' || e.key === 'j' ? 1 : e.key === 'ArrowUp' || e.key === 'k' ? -1 : 0;
  if (step === 0 || e.metaKey || e.ctrlKey || e.altKey || !(e.target instanceof HTMLElement) || e.target.matches('input, select, textarea')) return;
  const row = e.target.closest('tr');
  const at = row ? Array.from(row.querySelectorAll('a, button')).indexOf(e.target) : -1;
  const next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
  const targets = next?.querySelectorAll<HTMLElement>('a, button');
  const target = targets?.[Math.min(Math.max(at, 0), targets.length - 1)];
  if (!target) return;
  e.preventDefault();
  target.focus();
  target.scrollIntoView({ block: 'nearest' });
}
