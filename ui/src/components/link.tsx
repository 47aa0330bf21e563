// SPDX-License-Identifier: MPL-2.0
import type { AnchorHTMLAttributes, Ref } from 'react';
import { Link as RouterLink, useSearch } from 'wouter';
import { ambient } from '../lib/href';

/** A link to a page of the interface; namespace and region go along. */
export function Link({ to, ref, ...rest }: { to: string; ref?: Ref<HTMLAnchorElement> } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  return <RouterLink {...rest} ref={ref} to={ambient(to, `?${useSearch()}`)} />;
}
