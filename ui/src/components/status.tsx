// SPDX-License-Identifier: MPL-2.0
import { memo } from 'react';
import type { Status } from '../lib/status';
import { Icons } from './icons';
import css from './status.module.css';

/** A state by icon, text and colour. Lists say the same of most of their rows: it is drawn again only when it says something else. */
export const StatusMark = memo(
  function StatusMark({ status, plain }: { status: Status; plain?: boolean }) {
    const Icon = Icons[status.tone];
    return (
      <span className={plain ? css.plain : css.mark} data-tone={status.tone}>
        <Icon size={14} />
        {status.text}
      </span>
    );
  },
  (a, b) => a.status.tone === b.status.tone && a.status.text === b.status.text && a.plain === b.plain,
);
