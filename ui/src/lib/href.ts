// SPDX-License-Identifier: MPL-2.0

/**
 * A path segment for any text. The router decodes a path once before it is matched and the page decodes
 * the segment, so a percent sign is escaped twice.
 */
export function segment(text: string): string {
  return encodeURIComponent(text).replaceAll('%25', '%2525').replaceAll('%40', '@');
}

/** The text of a segment as the router hands it out. */
export function unsegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Addresses of the interface's pages. */
export const href = {
  job: (id: string, namespace = 'default', tab = '') => `/jobs/${segment(`${id}@${namespace}`)}${tab && `/${tab}`}`,
  alloc: (id: string, tab = '', task = '') => `/allocations/${id}${tab && `/${tab}`}${task && `?task=${encodeURIComponent(task)}`}`,
  node: (id: string) => `/clients/${id}`,
  service: (name: string, namespace = 'default') => `/services/${segment(`${name}@${namespace}`)}`,
  server: (name: string) => `/servers/${segment(name)}`,
  evaluation: (id: string, namespace = 'default') => `/evaluations/${id}${namespace === 'default' ? '' : `@${namespace}`}`,
};

/** Splits "id@namespace"; namespaces have no @ in them. */
export function splitNamespace(text: string): { id: string; namespace: string } {
  const at = text.lastIndexOf('@');
  if (at < 0) return { id: text, namespace: 'default' };
  return { id: text.slice(0, at), namespace: text.slice(at + 1) || 'default' };
}

/** Adds the namespace and region of the present address to a path that does not name its own. */
export function ambient(to: string, search: string): string {
  const now = new URLSearchParams(search);
  const [path = '', query = ''] = to.split('?');
  const params = new URLSearchParams(query);
  for (const name of ['namespace', 'region']) {
    const value = now.get(name);
    if (value && !params.has(name)) params.set(name, value);
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}
