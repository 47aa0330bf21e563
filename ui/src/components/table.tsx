// SPDX-License-Identifier: MPL-2.0
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode, type RefObject } from 'react';
import { useQueryParams } from '../app/location';
import { noSlots, rowsOf, scrolled } from '../lib/slots';
import { Icons } from './icons';
import css from './table.module.css';

/** One column of a table. */
export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** The value that the column sorts by; without it the column does not sort. */
  sort?: (row: T) => string | number | undefined;
  /** The server puts the rows in the order of this column, and turns it round. */
  served?: boolean;
  align?: 'right';
  /** Left out where the table is narrower than a tablet (small) or a desktop's page (wide); stacked has a line of its own there, in a table that stacks. */
  from?: 'small' | 'wide' | 'stacked';
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
  /** Where there is little room each row becomes a block, with its cells below one another. */
  stack?: boolean;
  /** Other rows are on their way. */
  busy?: boolean;
}

/** From how many rows on only those are drawn that are seen. */
const many = 200;

/** Rows in a table that sorts by its headings, moves by arrow keys and draws only what is seen. */
export function DataTable<T>({ label, columns, rows, rowKey, sortBy, param = 'sort', stack, busy }: Props<T>) {
  const [params, setParams] = useQueryParams();
  const asked = params.get(param) ?? '';
  const sort = columns.some((c) => (c.sort || c.served) && c.key === asked.replace(/^-/, '')) ? asked : (sortBy ?? '');
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  const virtual = rows.length > many;
  const table = useRef<HTMLTableElement>(null);
  const [drawn, setDrawn] = useState(false);
  const widths = useFrozenWidths(table, virtual, drawn, columns);
  return (
    <div className={css.scroller} tabIndex={0} role="group" aria-label={label}>
      <table ref={table} role={widths && 'table'} className={css.table} aria-label={label} aria-rowcount={rows.length + 1} data-stack={stack} aria-busy={busy} data-frozen={widths !== undefined} onMouseOver={nameCut}>
        <thead role={widths && 'rowgroup'}>
          <tr role={widths && 'row'}>
            {columns.map((c, i) => (
              <Heading key={c.key} column={c} sort={sort} width={widths?.[i]} onSort={(s) => setParams({ [param]: s === sortBy ? null : s })} />
            ))}
          </tr>
        </thead>
        {virtual ? (
          <VirtualBody columns={columns} rows={sorted} widths={widths} onDrawn={setDrawn} />
        ) : (
          <tbody onKeyDown={moveFocus}>
            {sorted.map((r) => (
              <Row key={rowKey(r)} columns={columns} row={r} stack={stack} />
            ))}
          </tbody>
        )}
      </table>
    </div>
  );
}

/**
 * The widths that the columns of a long table found for its first rows, in pixels, kept until the table or its columns
 * change: rows that come and go neither move the columns nor make the browser measure all cells anew.
 */
function useFrozenWidths<T>(table: RefObject<HTMLTableElement | null>, on: boolean, drawn: boolean, columns: Column<T>[]): number[] | undefined {
  const [frozen, setFrozen] = useState<{ columns: Column<T>[]; widths: number[] }>();
  const valid = on && drawn && frozen?.columns.length === columns.length && frozen.columns.every((c, i) => c.key === columns[i]!.key);
  useLayoutEffect(() => {
    if (!on || !drawn || valid || !table.current) return;
    // A column that is not shown at this width measures 0.
    setFrozen({ columns, widths: [...table.current.querySelectorAll('th')].map((th) => th.getBoundingClientRect().width) });
  }, [on, drawn, valid, table, columns]);
  useEffect(() => {
    const box = table.current?.parentElement;
    if (!on || !box) return;
    let width = box.clientWidth;
    const watch = new ResizeObserver(() => {
      if (box.clientWidth === width) return;
      width = box.clientWidth;
      setFrozen(undefined);
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, [on, table]);
  return valid ? frozen.widths : undefined;
}

/** What is cut off for lack of room is told to who points at it. */
function nameCut(e: MouseEvent<HTMLTableElement>) {
  const cell = e.target;
  if (cell instanceof HTMLElement && cell.matches('td, td > a') && cell.scrollWidth > cell.clientWidth && !cell.title) cell.title = cell.textContent ?? '';
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

function Heading<T>({ column, sort, width, onSort }: { column: Column<T>; sort: string; width: number | undefined; onSort: (sort: string) => void }) {
  const props = { className: css[column.from ?? 'always'], 'data-align': column.align, 'data-grow': column.grow, role: width === undefined ? undefined : 'columnheader', style: width ? { width } : undefined };
  if (!column.sort && !column.served) return <th {...props}>{column.title}</th>;
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

interface RowProps<T> {
  columns: Column<T>[];
  row: T;
  stack?: boolean;
  /** The row's number in a list of which only a part is drawn. */
  index?: number;
  /** Pixels from the top, for a row that does not take part in the layout of a table but has its place and its widths. */
  top?: number;
  widths?: number[];
}

/** Drawn again only when its own data or the columns change, not for every step of scrolling. */
const Row = memo(function Row<T>({ columns, row, index, stack, top, widths }: RowProps<T>) {
  const tr = useRef<HTMLTableRowElement>(null);
  useLayoutEffect(() => {
    const element = tr.current;
    // Who had the focus here has scrolled away.
    return () => {
      const focused = document.activeElement;
      if (index !== undefined && focused instanceof HTMLElement && element?.contains(focused)) focused.blur();
    };
  }, [index]);
  return (
    <tr ref={tr} role={widths && 'row'} aria-rowindex={index === undefined ? undefined : index + 2} style={widths && { top }}>
      {columns.map((c, i) => (
        <td key={c.key} role={widths && 'cell'} className={css[c.from ?? 'always']} data-align={c.align} data-grow={c.grow} data-title={stack ? c.title : undefined} style={widths && { width: widths[i] }}>
          {c.cell(row)}
        </td>
      ))}
    </tr>
  );
}) as <T>(props: RowProps<T>) => ReactNode;

/** The height of a row in pixels: what the style sheet says, and a line. */
function rowHeight(): number {
  return 2.5 * parseFloat(getComputedStyle(document.documentElement).fontSize) + 1;
}

interface BodyProps<T> extends Pick<Props<T>, 'columns' | 'rows'> {
  /** The widths of the columns once they are known; the rows then stand by themselves. */
  widths: number[] | undefined;
  onDrawn: (drawn: boolean) => void;
}

/** Draws the rows that are seen and a few more; onDrawn is told once there are some. */
function VirtualBody<T>({ columns, rows, widths, onDrawn }: BodyProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [offset, setOffset] = useState(0);
  const [height] = useState(rowHeight);
  useLayoutEffect(() => {
    if (body.current) setOffset(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({ count: rows.length, estimateSize: () => height, overscan: 4, scrollMargin: offset });
  const items = virtual.getVirtualItems();
  // Always as many as there ever were, so that none has to be made or thrown away.
  const most = useRef(0);
  most.current = Math.min(rows.length, Math.max(most.current, items.length));
  const from = Math.min(items[0]?.index ?? 0, rows.length - most.current);
  const to = items.length > 0 ? from + most.current : from;
  const drawn = to > from;
  useLayoutEffect(() => {
    onDrawn(drawn);
    return () => onDrawn(false);
  }, [drawn, onDrawn]);
  const slots = useRef(noSlots);
  const jumped = virtual.isScrolling && Math.abs(from - slots.current.from) >= to - from;
  slots.current = scrolled(slots.current, from, to - from);
  const shown = useRef(new Map<number, number>());
  shown.current = rowsOf(slots.current, shown.current, rows.length, (widths && jumped && virtual.range) || undefined);
  return (
    <tbody ref={body} role={widths && 'rowgroup'} className={css.fixed} style={widths && { height: rows.length * height }} onKeyDown={moveFocus}>
      {!widths && from > 0 && <Spacer height={from * height} />}
      {[...shown.current].map(([key, i]) => (
        <Row key={key} columns={columns} row={rows[i]!} index={i} top={i * height} widths={widths} />
      ))}
      {!widths && to < rows.length && <Spacer height={(rows.length - to) * height} />}
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
