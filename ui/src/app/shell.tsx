// SPDX-License-Identifier: MPL-2.0
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Icons } from '../components/icons';
import { Link } from '../components/link';
import { connection } from './connection';
import { Header } from './header';
import { Help } from './help';
import { updates } from './live';
import { useAmbient } from './location';
import { paletteOpen } from './palette-store';
import { places } from './places';
import { screen } from './screen';
import { useShortcuts } from './shortcuts';
import css from './shell.module.css';
import { useStore } from './store';
import { Toasts } from './toast-list';
import { failed } from './toasts';

const Palette = screen(() => import('./palette'));

/** What surrounds every screen: header, navigation, messages. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  useShortcuts();
  const { region } = useAmbient();
  useEffect(() => updates.listenTo(region), [region]);
  const palette = useStore(paletteOpen);
  const [paletteUsed, setPaletteUsed] = useState(false);
  useEffect(() => {
    if (!palette || paletteUsed) return;
    Palette.load().then(
      () => setPaletteUsed(true),
      (e: unknown) => {
        paletteOpen.set(false);
        failed('The search did not open', e);
      },
    );
  }, [palette, paletteUsed]);
  // Loaded while nobody waits, so that no key is lost when it opens.
  useEffect(() => {
    const timer = setTimeout(() => void Palette.load().catch(() => undefined), 2000);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    setOpen(false);
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className={css.shell}>
      <button type="button" className={css.skip} onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header menuOpen={open} onMenu={() => setOpen(!open)} />
      <nav className={css.nav} data-open={open} aria-label="Main" id="main-navigation">
        {places.map((p) => {
          const Icon = Icons[p.icon];
          const here = path === p.to || path.startsWith(`${p.to}/`);
          return (
            <Link key={p.to} to={p.to} aria-current={here ? 'page' : undefined}>
              <Icon size={17} />
              {p.text}
            </Link>
          );
        })}
      </nav>
      <main className={css.main} ref={main} tabIndex={-1}>
        <Offline />
        {children}
      </main>
      <Toasts />
      <Help />
      {paletteUsed && <Palette />}
    </div>
  );
}

function Offline() {
  const online = useStore(connection.online);
  if (online) return null;
  return (
    <div className={css.offline} role="alert">
      <Icons.warn size={16} />
      <span>The agent cannot be reached. What you see may be old; this page comes back by itself when the agent does.</span>
    </div>
  );
}
