// SPDX-License-Identifier: MPL-2.0
import { NativeSelect } from '@mantine/core';
import { useLocation } from 'wouter';
import { useQueryParams } from '../app/location';
import type { Paged } from '../app/paged';
import { pageAddress, pageSize, partOf, sizeChange, sizes } from '../lib/paging';
import { Icons } from './icons';
import { Link } from './link';
import css from './pager.module.css';
import { Empty } from './states';

/** The way to the other pages of a list; nothing where all of it is on one. */
export function Pager<R>({ paged }: { paged: Paged<R> }) {
  const [params, setParams] = useQueryParams();
  const size = pageSize(params);
  const rows = paged.query.data?.data.length ?? 0;
  if (!paged.within && paged.next === undefined && rows <= sizes[0]! && !paged.query.isPlaceholderData) return null;
  return (
    <nav className={css.pager} aria-label="Pages">
      <Step token={paged.within ? '' : undefined} text="First" icon="first" />
      <Step token={paged.previous} text="Previous" icon="left" hint="[" rel="prev" />
      <Step token={paged.next} text="Next" icon="right" hint="]" rel="next" />
      <NativeSelect
        className={css.size}
        size="sm"
        aria-label="Rows on a page"
        value={String(size)}
        onChange={(e) => setParams(sizeChange(Number(e.currentTarget.value)))}
        data={sizes.map((s) => ({ value: String(s), label: `${s} a page` }))}
      />
    </nav>
  );
}

/** A link to another page; one that leads nowhere stays where it is, so that it keeps the focus it may have. */
function Step({ token, text, icon, hint, rel }: { token: string | undefined; text: string; icon: 'first' | 'left' | 'right'; hint?: string; rel?: string }) {
  const [path] = useLocation();
  const [params] = useQueryParams();
  const Icon = Icons[icon];
  const none = token === undefined;
  return (
    <Link to={none ? undefined : pageAddress(path, params, token)} rel={rel} className={css.step} role="link" aria-disabled={none} aria-label={`${text} page`} title={hint && `${text} page (${hint})`} tabIndex={none ? -1 : undefined}>
      {icon !== 'right' && <Icon size={14} />}
      <span className={css.text}>{text}</span>
      {icon === 'right' && <Icon size={14} />}
    </Link>
  );
}

/** What stands in place of a page whose rows are gone. */
export function BeyondEnd<R>({ paged }: { paged: Paged<R> }) {
  const [path] = useLocation();
  const [params] = useQueryParams();
  return (
    <Empty title="Nothing is on this page any more">
      <Link to={pageAddress(path, params, paged.previous ?? '')}>{paged.previous ? 'To the page before' : 'To the first page'}</Link>
    </Empty>
  );
}

/** How much of a list a page shows; the server does not count what it does not send. */
export function Part<R>({ paged, one }: { paged: Paged<R>; one: string }) {
  const rows = paged.query.data?.data.length ?? 0;
  return (
    <span className="dim" role="status">
      {paged.query.isPlaceholderData ? 'Reading…' : partOf(rows, one, paged.before, paged.next !== undefined)}
    </span>
  );
}
