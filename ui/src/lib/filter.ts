// SPDX-License-Identifier: MPL-2.0

/** A text in the API's language of filters, whose literals know no quote between quotes. */
export function literal(text: string): string {
  // eslint-disable-next-line no-control-regex
  const escaped = text.replace(/[\\"\u0000-\u001f\u007f]/g, (c) => (c === '\\' ? '\\\\' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`));
  return `"${escaped}"`;
}

/** A text as a regular expression of the server that finds just it. */
export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** True where a field equals a text; no condition without the text. */
export function equals(field: string, text: string): string {
  return text === '' ? '' : `${field} == ${literal(text)}`;
}

/** True where one of some fields contains a text, whatever its case; no condition without the text. */
export function contains(fields: string[], text: string): string {
  return text === '' ? '' : either(fields.map((f) => `${f} matches ${literal(`(?i)${escaped(text)}`)}`));
}

/** True where a field has the characters of a text in their order, whatever is between them. */
export function gapped(field: string, text: string): string {
  return `${field} matches ${literal(`(?i)${[...text.replace(/\s+/g, '')].map(escaped).join('.*')}`)}`;
}

/** True where one of some conditions is. */
export function either(conditions: string[]): string {
  return joined(conditions, ' or ');
}

/** True where all of some conditions are; those that are none do not count. */
export function all(conditions: string[]): string {
  return joined(conditions, ' and ');
}

function joined(conditions: string[], by: string): string {
  const some = conditions.filter((c) => c !== '');
  return some.length === 1 ? some[0]! : some.map((c) => (/ (and|or) /.test(c) ? `(${c})` : c)).join(by);
}
