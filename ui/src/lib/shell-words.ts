// SPDX-License-Identifier: MPL-2.0

/** The words of a command line: quotes group, a backslash takes the next character as it is. */
export function words(line: string): string[] {
  const out: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote) {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && i + 1 < line.length) word += line[++i]!;
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) out.push(word);
      word = undefined;
    } else if (c === '\\' && i + 1 < line.length) word = (word ?? '') + line[++i]!;
    else word = (word ?? '') + c;
  }
  if (word !== undefined) out.push(word);
  return out;
}

/** A word for a shell, quoted if it must be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line for another region than the agent's own. */
export function inRegion(line: string, region: string | undefined): string {
  return region ? line.replace(/(^|&& |\| )nomadlike /g, (_, before: string) => `${before}NOMAD_REGION=${quoted(region)} nomadlike `) : line;
}
