// SPDX-License-Identifier: MPL-2.0
import { useEffect, useState } from 'react';
import { short } from '../lib/format';
import { Icons } from './icons';
import css from './text.module.css';

/** A button that copies a text and says so. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const t = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(t);
  }, [copied]);
  const Icon = copied ? Icons.check : Icons.copy;
  return (
    <button type="button" className={css.copy} aria-label={copied ? 'Copied' : label} title={copied ? 'Copied' : label} onClick={() => copy(text).then(setCopied)}>
      <Icon size={13} />
    </button>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS browsers have no clipboard but this one.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** An ID, short, with a button that copies all of it. */
export function Id({ id, full }: { id: string; full?: boolean }) {
  return (
    <span className={css.id}>
      <code title={id}>{full ? id : short(id)}</code>
      <Copy text={id} label={`Copy ID ${short(id)}`} />
    </span>
  );
}
