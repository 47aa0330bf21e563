// SPDX-License-Identifier: MPL-2.0

/** Cuts a stream of JSON objects, with or without newlines between them, into the objects' texts. */
export class ObjectSplitter {
  private rest = '';
  private depth = 0;
  private inString = false;
  private escaped = false;
  private at = 0;
  /** The first backslash at or after at, -1 when it has to be looked for; most texts have none. */
  private slash = -1;

  /** Takes the next piece of text and returns the objects that it completes. */
  push(text: string): string[] {
    const found: string[] = [];
    this.rest += text;
    let start = 0;
    if (this.slash === Infinity) this.slash = -1;
    for (; this.at < this.rest.length; this.at++) {
      const c = this.rest.charCodeAt(this.at);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (c === 92) this.escaped = true;
        else if (c === 34) this.inString = false;
        else {
          // Skip ahead: most of a stream is one long string of base64.
          const next = Math.min(this.find('"'), this.nextSlash());
          this.at = next === Infinity ? this.rest.length - 1 : next - 1;
        }
      } else if (c === 34) this.inString = true;
      else if (c === 123) {
        if (this.depth++ === 0) start = this.at;
      } else if (c === 125 && --this.depth === 0) {
        found.push(this.rest.slice(start, this.at + 1));
        start = this.at + 1;
      }
    }
    this.rest = this.rest.slice(start);
    this.at -= start;
    this.slash = Math.max(-1, this.slash - start);
    return found;
  }

  private find(what: string): number {
    const i = this.rest.indexOf(what, this.at);
    return i < 0 ? Infinity : i;
  }

  /** Looks once for what is far away instead of once for every string before it. */
  private nextSlash(): number {
    if (this.slash < this.at) this.slash = this.find('\\');
    return this.slash;
  }
}

/** Yields the objects of a streaming response until it ends. */
export async function* objects<T>(response: Response): AsyncGenerator<T> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const splitter = new ObjectSplitter();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const text of splitter.push(decoder.decode(value, { stream: true }))) yield JSON.parse(text) as T;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
