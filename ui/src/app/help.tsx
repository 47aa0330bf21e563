// SPDX-License-Identifier: MPL-2.0
import { Dialog } from '../components/dialog';
import { helpOpen } from './help-store';
import css from './help.module.css';
import { places } from './places';
import { useStore } from './store';

const keys: [keys: string[], text: string][] = [
  [['Ctrl', 'K'], 'Search everything, run commands'],
  [['/'], 'Search this list'],
  [['j'], 'Next row (also ↓)'],
  [['k'], 'Previous row (also ↑)'],
  [[']'], 'Next page of this list'],
  [['['], 'Previous page of this list'],
  [['Enter'], 'Open what has the focus'],
  [['?'], 'This list'],
];

/** The list of keys. */
export function Help() {
  const open = useStore(helpOpen);
  return (
    <Dialog opened={open} onClose={() => helpOpen.set(false)} title="Keys">
      <dl className={css.keys}>
        {[...keys, ...places.map((p): [string[], string] => [['g', p.letter], `Go to ${p.text.toLowerCase()}`])].map(([k, text]) => (
          <div key={text}>
            <dt>
              {k.map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
