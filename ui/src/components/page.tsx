// SPDX-License-Identifier: MPL-2.0
import { useEffect, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { unsegment } from '../lib/href';
import { Link } from './link';
import css from './page.module.css';

/** Head and body of a screen. */
export function Page({ title, mark, crumb, actions, cli, children }: { title: string; mark?: ReactNode; crumb?: { to: string; text: string }; actions?: ReactNode; cli?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · nomadlike`;
  }, [title]);
  return (
    <>
      <div className={css.head}>
        <div className={css.titles}>
          {crumb && (
            <Link to={crumb.to} className={css.crumb}>
              {crumb.text} /
            </Link>
          )}
          <h1 className={css.title}>{title}</h1>
          {mark}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </div>
      {cli && <div className={css.cli}>{cli}</div>}
      {children}
    </>
  );
}

/** A titled part of a screen. */
export function Panel({ title, note, actions, children }: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.panel} aria-label={title}>
      <div className={css.panelHead}>
        <h2 className={css.panelTitle}>{title}</h2>
        {note && <span className={css.note}>{note}</span>}
        {actions && <div className={css.actions}>{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** A part with a frame. */
export function Card({ children }: { children: ReactNode }) {
  return <div className={css.card}>{children}</div>;
}

/** Names and values in columns; an empty value is left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {facts.map(([name, value]) =>
        value === undefined || value === null || value === '' || value === false ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** The screens of one object; the address says which is shown. */
export function TabBar({ label, tabs }: { label: string; tabs: { to: string; text: string; note?: ReactNode }[] }) {
  const [path] = useLocation();
  return (
    <nav className={css.tabs} aria-label={label}>
      {tabs.map((t) => (
        <Link key={t.to} to={t.to} aria-current={unsegment(decodeURI(t.to.split('?')[0]!)) === unsegment(path) ? 'page' : undefined}>
          {t.text}
          {t.note !== undefined && t.note !== 0 && <span className={css.badge}>{t.note}</span>}
        </Link>
      ))}
    </nav>
  );
}
