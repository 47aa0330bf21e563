// SPDX-License-Identifier: MPL-2.0
import type { Common } from '../api/client';
import { useAmbient } from '../app/location';
import { pageSettings } from '../app/page-settings';
import { inRegion, quoted } from '../lib/shell-words';
import { Copy } from './id';
import css from './text.module.css';

/** The command line that shows or does the same as this part of the page. */
export function Cli({ command: own }: { command: string }) {
  const command = inRegion(own, useAmbient().region);
  if (pageSettings.hideCLIHints) return null;
  return (
    <div className={css.cli} aria-label="The same on the command line">
      <span aria-hidden="true">$</span>
      <code tabIndex={0}>{command}</code>
      <Copy text={command} label="Copy the command" />
    </div>
  );
}

export { quoted };

/** The flag that names a namespace, with a space before it; nothing for the one that commands use by themselves. */
export function inNamespace(namespace: string): string {
  return namespace === 'default' ? '' : ` -namespace=${namespace}`;
}

/** The flag for what a list shows, "*" for all namespaces. */
export function listed(namespace: string): string {
  return namespace === 'default' ? '' : ` -namespace=${quoted(namespace)}`;
}

/** The command that reads one page of a list, for lists whose own command has neither all filters nor the order. */
export function pageCommand(path: string, read: Common): string {
  const query = new URLSearchParams({ namespace: read.namespace ?? '', per_page: String(read.perPage) });
  if (read.reverse) query.set('reverse', 'true');
  if (read.nextToken) query.set('next_token', read.nextToken);
  // Without a terminal the command would send what it is given.
  return `nomadlike operator api -X GET${read.filter ? ` -filter ${quoted(read.filter)}` : ''} ${quoted(`${path}?${query}`)}`;
}

/** Text as it is, with line numbers. */
export function Code({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return (
    <div className={css.code} role="region" aria-label={label} tabIndex={0}>
      <div className={css.numbered}>
        <div className={css.numbers} aria-hidden="true">
          {Array.from({ length: lines }, (_, i) => i + 1).join('\n')}
        </div>
        <div className={css.lines}>{text}</div>
      </div>
    </div>
  );
}
