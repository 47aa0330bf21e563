// SPDX-License-Identifier: MPL-2.0
import { Icons } from '../components/icons';
import { useStore } from './store';
import css from './toast-list.module.css';
import { dismiss, toasts } from './toasts';

/** The messages in the corner. */
export function Toasts() {
  const list = useStore(toasts);
  return (
    <div className={css.list} role="log" aria-label="Messages" aria-live="polite">
      {list.map((t) => {
        const tone = t.kind === 'error' ? 'bad' : 'good';
        const Icon = Icons[tone];
        return (
          <div key={t.id} className={css.toast} data-tone={tone} data-kind={t.kind} role={t.kind === 'error' ? 'alert' : undefined}>
            <Icon size={18} />
            <div className={css.text}>
              <strong>{t.title}</strong>
              {t.text && <p>{t.text}</p>}
            </div>
            <button type="button" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
              <Icons.close size={14} />
            </button>
          </div>
        );
      })}
    </div>
  );
}
