// SPDX-License-Identifier: MPL-2.0
import { Store } from './store';

/** How the page hears of changes. */
export type Live = 'connecting' | 'events' | 'polling' | 'paused';

/** Whether the agent can be reached, and how the page hears of changes. */
class Connection {
  readonly online = new Store(true);
  readonly live = new Store<Live>('connecting');
  /** The index of the first answer, 0 before it. */
  readonly first = new Store(0);

  /** A request could not reach the agent. */
  lost() {
    this.online.set(false);
  }
  /** The agent answered. */
  seen() {
    this.online.set(true);
  }

  /** An answer told its index; the first one is where listening to events begins. */
  at(index: number) {
    if (this.first.get() === 0 && index > 0) this.first.set(index);
  }
}

/** The page's connection to the agent. */
export const connection = new Connection();
