// SPDX-License-Identifier: MPL-2.0
import { lazy, type ComponentType } from 'react';

/** A screen in a file of its own. */
export interface Loaded<P extends object> {
  (props: P): React.ReactNode;
  /** Reads the file, once; fulfilled when the screen can be drawn at once. */
  load: () => Promise<unknown>;
}

/**
 * A screen that is read when it is needed or announced. React shows a fallback for a third of a second whenever a file
 * is missing, however quickly it comes, so what is there already is drawn without asking.
 */
export function screen<P extends object>(read: () => Promise<{ default: ComponentType<P> }>): Loaded<P> {
  let here: ComponentType<P> | undefined;
  let reading: Promise<{ default: ComponentType<P> }> | undefined;
  const load = () =>
    (reading ??= read().then(
      (module) => {
        here = module.default;
        return module;
      },
      (e: unknown) => {
        // The next attempt may have more luck.
        reading = undefined;
        throw e;
      },
    ));
  const Later = lazy(load) as unknown as ComponentType<P>;
  const Screen = (props: P) => {
    const Now = here ?? Later;
    return <Now {...props} />;
  };
  return Object.assign(Screen, { load });
}
