// SPDX-License-Identifier: MPL-2.0
import type { Status } from '../lib/status';
import { Icons } from './icons';
import css from './status.module.css';

/** A state by icon, text and colour. */
export function StatusMark({ status, plain }: { status: Status; plain?: boolean }) {
  const Icon = Icons[status.tone];
  return (
    <span className={plain ? css.plain : css.mark} data-tone={status.tone}>
      <Icon size={14} />
      {status.text}
    </span>
  );
}
