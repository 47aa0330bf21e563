// SPDX-License-Identifier: MPL-2.0
import { ActionIcon, NativeSelect, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { ReactNode } from 'react';
import { NamespaceList, StatusRegions } from '../api/ops.gen';
import { Icons } from '../components/icons';
import { Link } from '../components/link';
import { upper } from '../lib/format';
import { connection, type Live } from './connection';
import { useAmbient, useQueryParams } from './location';
import { pageSettings } from './page-settings';
import { openPalette } from './palette-store';
import { timeStyle } from './preferences';
import { useOp } from './query';
import { useStore } from './store';
import css from './shell.module.css';
import { token, tokenBoxOpen } from './token';
import { TokenBox } from './token-box';

/** The line on top: where one is, what one looks at, and the page's few settings. */
export function Header({ menuOpen, onMenu }: { menuOpen: boolean; onMenu: () => void }) {
  const secret = useStore(token);
  return (
    <header className={css.header}>
      <ActionIcon className={css.menu} variant="subtle" color="gray" size="lg" aria-label="Menu" aria-expanded={menuOpen} aria-controls="main-navigation" onClick={onMenu}>
        {menuOpen ? <Icons.close /> : <Icons.menu />}
      </ActionIcon>
      <Link to="/jobs" className={css.brand} aria-label="nomadlike, to the jobs">
        <Logo />
        <span className={css.name}>nomadlike</span>
      </Link>
      {pageSettings.label && (
        <span className={css.label} style={{ background: pageSettings.labelBackground, color: pageSettings.labelColor }}>
          {pageSettings.label}
        </span>
      )}
      <span className={css.space} />
      <LiveMark />
      <Namespaces />
      <Regions />
      <Tool icon={<Icons.search />} text="Search" label="Search and commands" tip="Search and commands (Ctrl K)" onClick={openPalette} />
      <TimeSwitch />
      <ThemeSwitch />
      <Tool icon={<Icons.key />} text={secret ? 'Token: set' : 'Token: none'} label={secret ? 'Token: set' : 'Token: none'} tip={secret ? 'Change or forget the token' : 'Set a token for what needs one'} on={!!secret} onClick={() => tokenBoxOpen.set(true)} />
      <TokenBox />
    </header>
  );
}

/** A button of the header: an icon with a few words where there is room, which its label must contain, and a tip under the pointer or with the focus. */
function Tool({ icon, text, label, tip = label, on, onClick }: { icon: ReactNode; text: string; label: string; tip?: string; on?: boolean; onClick: () => void }) {
  return (
    <button type="button" className={css.tool} aria-label={label} data-tip={tip} data-on={on} onClick={onClick}>
      {icon}
      <span>{text}</span>
    </button>
  );
}

function Logo() {
  return (
    <svg width="1.375rem" height="1.375rem" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#1f2a44" />
      <path d="M8 22V10l8 6 8-6v12" fill="none" stroke="#7ee2b8" strokeWidth="3" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}

const liveTexts: Record<Live, [tone: string, text: string, title: string]> = {
  events: ['good', 'live', 'Changes appear at once'],
  polling: ['busy', 'live, slowly', 'Without the event stream the page asks again every few seconds'],
  connecting: ['warn', 'connecting', 'Waiting for the event stream'],
  paused: ['idle', 'paused', 'Paused while nobody looks'],
};

function LiveMark() {
  const [tone, text, title] = liveTexts[useStore(connection.live)];
  return (
    <span className={css.live} data-tone={tone} title={title} data-live={useStore(connection.live)}>
      {text}
    </span>
  );
}

function Namespaces() {
  const [, setParams] = useQueryParams();
  const { namespace, region } = useAmbient();
  const query = useOp(NamespaceList, {}, { region, every: 60_000 });
  const names = new Set((query.data?.data ?? []).map((n) => n.Name));
  if (namespace !== '*') names.add(namespace);
  if (names.size < 2 && namespace === '*') return null;
  return (
    <NativeSelect
      className={css.select}
      size="xs"
      aria-label="Namespace"
      value={namespace}
      onChange={(e) => setParams({ namespace: e.currentTarget.value === '*' ? null : e.currentTarget.value }, true)}
      data={[{ value: '*', label: 'All namespaces' }, ...[...names].sort()]}
    />
  );
}

function Regions() {
  const [, setParams] = useQueryParams();
  const { region } = useAmbient();
  const query = useOp(StatusRegions, {}, { every: 300_000 });
  const names = query.data?.data ?? [];
  if (names.length < 2) return null;
  return (
    <NativeSelect className={css.select} size="xs" aria-label="Region" value={region ?? ''} onChange={(e) => setParams({ region: e.currentTarget.value || null }, true)} data={[{ value: '', label: "The agent's region" }, ...names]} />
  );
}

function TimeSwitch() {
  const style = useStore(timeStyle);
  const other = style === 'relative' ? 'absolute' : 'relative';
  return <Tool icon={<Icons.clock />} text={`${upper(other)} times`} label={`Show ${other} times`} onClick={() => timeStyle.set(other)} />;
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme('light') === 'light' ? 'dark' : 'light';
  return <Tool icon={other === 'dark' ? <Icons.moon /> : <Icons.sun />} text={`${upper(other)} theme`} label={`Use the ${other} theme`} onClick={() => setColorScheme(other)} />;
}
