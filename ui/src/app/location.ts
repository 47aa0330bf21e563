// SPDX-License-Identifier: MPL-2.0
import { useCallback } from 'react';
import { useLocation, useSearch } from 'wouter';
import { ambient } from '../lib/href';

/** The query parameters of the page's address, and a way to change some of them; what changes a list leads to its first page. */
export function useQueryParams(): [URLSearchParams, (changes: Record<string, string | null>, push?: boolean) => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const set = useCallback(
    (changes: Record<string, string | null>, push = false) => {
      const params = new URLSearchParams(window.location.search);
      params.delete('page');
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === '') params.delete(name);
        else params.set(name, value);
      }
      const text = params.toString();
      // The tilde stands for a path that has the base already, as the address bar shows it.
      navigate(`~${window.location.pathname}${text ? `?${text}` : ''}`, { replace: !push });
    },
    [navigate],
  );
  return [new URLSearchParams(search), set];
}

/** The namespace that lists show, "*" for all, and the region, empty for the agent's own. */
export function useAmbient(): { namespace: string; region: string | undefined } {
  const params = new URLSearchParams(useSearch());
  return { namespace: params.get('namespace') ?? '*', region: params.get('region') ?? undefined };
}

/** Goes to a page of the interface, keeping namespace and region. */
export function useGo(): (to: string) => void {
  const [, navigate] = useLocation();
  return useCallback((to: string) => navigate(ambient(to, window.location.search)), [navigate]);
}
