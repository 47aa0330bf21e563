// SPDX-License-Identifier: MPL-2.0
import { useEffect } from 'react';
import { helpOpen } from './help-store';
import { useGo } from './location';
import { openPalette, paletteOpen, typeAhead } from './palette-store';
import { places } from './places';

/** Where keys are text. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select, [role="textbox"]') || target.closest('.xterm') !== null);
}

/** The keys that work on every screen; app/help.tsx lists them. */
export function useShortcuts() {
  const go = useGo();
  useEffect(() => {
    let g = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const down = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === 'k' && !(e.target instanceof HTMLElement && e.target.closest('.xterm'))) {
        e.preventDefault();
        openPalette();
        return;
      }
      if (paletteOpen.get() && e.key.length === 1 && !e.ctrlKey && !e.metaKey && !e.altKey && !typing(e.target)) {
        e.preventDefault();
        typeAhead(e.key);
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || document.querySelector('[role="dialog"]')) return;
      if (g) {
        g = false;
        const place = places.find((p) => p.letter === e.key);
        if (place) {
          e.preventDefault();
          go(place.to);
          return;
        }
      }
      if (e.key === 'g') {
        g = true;
        clearTimeout(timer);
        timer = setTimeout(() => (g = false), 1500);
      } else if (e.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type="search"]');
        e.preventDefault();
        if (search) search.focus();
        else openPalette();
      } else if (e.key === '[' || e.key === ']') {
        document.querySelector<HTMLAnchorElement>(`main a[rel="${e.key === '[' ? 'prev' : 'next'}"]`)?.click();
      } else if (e.key === '?') helpOpen.set(true);
    };
    window.addEventListener('keydown', down);
    return () => {
      window.removeEventListener('keydown', down);
      clearTimeout(timer);
    };
  }, [go]);
}
