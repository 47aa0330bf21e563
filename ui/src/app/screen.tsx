// SPDX-License-Identifier: MPL-2.0
import { lazy, type ComponentType } from 'react';

/** A screen in a file of its own. */
export interface Loaded<P extends object> {
  (props: P): React.ReactNode;
  /** Reads the file, once; fulfilled when the screen can be drawn at once. */
  load: () => Promise<unknown>;
}

let failures = false;
let attempt = 0;

/** Lets screens that failed be read again when they are drawn next. */
export function anotherAttempt() {
  attempt++;
}

/** Reads files of the program. After a failure the style sheets that are missing are read first: the loader asks for each once only, and takes those that failed for read. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    if (failures) await mendStyles();
    failures = false;
    return await read();
  } catch (e) {
    failures = true;
    throw e;
  }
}

/** Reads the style sheets again that are linked and not there; browsers keep an empty one in the place of one that failed. */
async function mendStyles() {
  const missing = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((l) => !l.sheet || l.sheet.cssRules.length === 0);
  await Promise.all(
    missing.map(
      (old) =>
        new Promise((resolve, reject) => {
          const link = old.cloneNode() as HTMLLinkElement;
          link.onload = resolve;
          link.onerror = () => reject(new Error('A style sheet could not be read.'));
          old.replaceWith(link);
        }),
    ),
  );
}

/**
 * A screen that is read when it is needed or announced. React shows a fallback for a third of a second whenever a file
 * is missing, however quickly it comes, so what is there already is drawn without asking.
 */
export function screen<P extends object>(read: () => Promise<{ default: ComponentType<P> }>): Loaded<P> {
  let here: ComponentType<P> | undefined;
  let failed: number | undefined;
  let coming: Promise<{ default: ComponentType<P> }> | undefined;
  const load = () =>
    (coming ??= reading(read).then(
      (module) => {
        here = module.default;
        return module;
      },
      (e: unknown) => {
        // The next attempt may have more luck.
        coming = undefined;
        failed = attempt;
        throw e;
      },
    ));
  let Later = lazy(load) as unknown as ComponentType<P>;
  const Screen = (props: P) => {
    // What failed once fails forever, and a new one at once would be tried without an end.
    if (failed !== undefined && failed !== attempt) {
      failed = undefined;
      Later = lazy(load) as unknown as ComponentType<P>;
    }
    const Now = here ?? Later;
    return <Now {...props} />;
  };
  return Object.assign(Screen, { load });
}
