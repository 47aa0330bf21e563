// SPDX-License-Identifier: MPL-2.0
import type { Job } from '../api/types.gen';

/** A mistake in a job file and where it is. */
export interface SpecError {
  line: number | undefined;
  text: string;
}

/** The mistakes that the server's answer names, each with its line where one is given. */
export function specErrors(message: string): SpecError[] {
  const text = message.replace(/^Failed to parse job:\s*/, '');
  const found: SpecError[] = [];
  for (const part of text.split(/\n+/)) {
    const at = /(?:input\.hcl|input\.hcl2|vars|[\w.-]+\.hcl):(\d+),\d+(?:-\d+)?(?:,\d+)?:\s*(.*)$/.exec(part);
    const plain = part.replace(/^\s*\*\s*/, '').trim();
    if (at) found.push({ line: Number(at[1]), text: at[2] ?? '' });
    else if (plain && !/^\d+ errors? occurred:$/.test(plain)) {
      const last = found[found.length - 1];
      // The detail of a mistake may go on in further lines.
      if (last && last.line !== undefined && !part.startsWith('\t*')) last.text += ` ${plain}`;
      else found.push({ line: undefined, text: plain });
    }
  }
  return found.length > 0 ? found : [{ line: undefined, text: message }];
}

/** Whether a job is written as JSON rather than HCL. */
export function isJSON(source: string): boolean {
  return source.trimStart().startsWith('{');
}

/** The job of a JSON text, bare or wrapped. Throws a SpecError list's first entry as Error with the line in `cause`. */
export function parseJSON(source: string): Job {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (e) {
    const text = e instanceof Error ? e.message : String(e);
    const position = /position (\d+)/.exec(text);
    const line = /line (\d+)/.exec(text);
    throw new Error(text, { cause: line ? Number(line[1]) : position ? source.slice(0, Number(position[1])).split('\n').length : undefined });
  }
  const job = (value as { Job?: Job }).Job ?? (value as Job);
  if (typeof job.ID !== 'string' || job.ID === '') throw new Error('The JSON has no job with an ID.');
  return job;
}
