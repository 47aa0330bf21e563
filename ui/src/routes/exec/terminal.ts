// SPDX-License-Identifier: MPL-2.0
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { giveStylesTheNonce } from '../../app/nonce';

giveStylesTheNonce();

/** Makes a terminal in an element, in the colours of the page. */
export function openTerminal(element: HTMLElement, leave: () => void): { terminal: Terminal; fit: () => void; dispose: () => void } {
  const css = getComputedStyle(element);
  const color = (name: string) => css.getPropertyValue(name).trim();
  const terminal = new Terminal({
    fontFamily: color('--mantine-font-family-monospace'),
    fontSize: 0.8125 * parseFloat(getComputedStyle(document.documentElement).fontSize),
    scrollback: 5000,
    screenReaderMode: true,
    theme: { background: '#101318', foreground: '#e4e8ee', cursor: '#82b5f5', selectionBackground: '#3b5a85' },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element);
  terminal.attachCustomKeyEventHandler((e) => {
    // The terminal takes every key; this one gives the keyboard back to the page.
    if (e.type === 'keydown' && e.ctrlKey && e.key === '.') {
      leave();
      return false;
    }
    return true;
  });
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(element);
  fit.fit();
  return {
    terminal,
    fit: () => fit.fit(),
    dispose: () => {
      observer.disconnect();
      terminal.dispose();
    },
  };
}
