// SPDX-License-Identifier: MPL-2.0
import { createContext, useContext, type AnchorHTMLAttributes, type MouseEvent, type ReactNode, type Ref } from 'react';
import { useSearch } from 'wouter';
import { navigate } from 'wouter/use-browser-location';
import { uiBase } from '../api/client';
import { ambient } from '../lib/href';

const base = uiBase.pathname.replace(/\/$/, '');

/** What goes along with every link: the query that names namespace and region, or nothing. */
const Along = createContext('');

/** Gives the links below it the namespace and region of the present address. */
export function AmbientLinks({ children }: { children: ReactNode }) {
  return <Along value={ambient('', `?${useSearch()}`)}>{children}</Along>;
}

/** A link to a page of the interface, or one that leads nowhere now; namespace and region go along. Lists draw hundreds of them, so it listens to nothing. */
export function Link({ to, ref, onClick, ...rest }: { to: string | undefined; ref?: Ref<HTMLAnchorElement> } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const along = useContext(Along);
  const address = to === undefined ? undefined : base + (along ? ambient(to, along) : to);
  const go = (e: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(e);
    // What else a click may mean, another tab for example, is the browser's to do.
    if (address === undefined || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.altKey || e.shiftKey) return;
    e.preventDefault();
    navigate(address);
  };
  return <a {...rest} ref={ref} href={address} onClick={go} />;
}
