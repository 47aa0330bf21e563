// SPDX-License-Identifier: MPL-2.0

/** The page sizes to choose from. */
export const sizes = [25, 50, 100, 200];

const usual = 50;

/** The page size that an address asks for. */
export function pageSize(params: URLSearchParams): number {
  const size = Number(params.get('size'));
  return sizes.includes(size) ? size : usual;
}

/** The address of the same list at another page, by the token of its first row; the first page has none. */
export function pageAddress(path: string, params: URLSearchParams, token: string): string {
  const next = new URLSearchParams(params);
  if (token === '') next.delete('page');
  else next.set('page', token);
  const text = next.toString();
  return text ? `${path}?${text}` : path;
}

/** The changes of an address that ask for a page size. */
export function sizeChange(size: number): Record<string, string | null> {
  return { size: size === usual ? null : String(size) };
}

/** What was found going backwards from the first row of a page, that row included, by as many rows as a page has. */
export interface Behind {
  keys: string[];
  /** The token of the row after those. */
  nextToken: string;
}

/** The token of the previous page, empty for the first page; undefined when there is none. */
export function previousPage(first: string | undefined, behind: Behind | undefined): string | undefined {
  if (!behind) return undefined;
  if (behind.nextToken !== '') return behind.nextToken;
  return behind.keys.some((k) => k !== first) ? '' : undefined;
}

/** Which part of a list a page is, in words. */
export function partOf(rows: number, one: string, before: boolean, after: boolean): string {
  const n = rows.toLocaleString('en');
  const many = `${one}s`;
  if (!before && !after) return `${n} ${rows === 1 ? one : many}`;
  if (!before) return `The first ${n} ${many}`;
  if (!after) return rows === 1 ? `The last ${one}` : `The last ${n} ${many}`;
  return `${n} ${many}, more before and after`;
}
