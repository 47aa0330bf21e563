// SPDX-License-Identifier: MPL-2.0
import { useSyncExternalStore } from 'react';

/** A value that is not the server's and that several parts of the page show. */
export class Store<T> {
  private listeners = new Set<() => void>();
  constructor(private value: T) {}

  get = (): T => this.value;

  set(value: T) {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const l of this.listeners) l();
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
}

/** A Store that the browser keeps. */
export class KeptStore<T extends string> extends Store<T> {
  constructor(
    private key: string,
    initial: T,
  ) {
    super(read(key, initial));
  }
  override set(value: T) {
    super.set(value);
    try {
      if (value) localStorage.setItem(this.key, value);
      else localStorage.removeItem(this.key);
    } catch {
      // Storage may be forbidden; the value then lives as long as the page.
    }
  }
}

function read<T extends string>(key: string, initial: T): T {
  try {
    return (localStorage.getItem(key) as T | null) ?? initial;
  } catch {
    return initial;
  }
}

/** Returns the value and renders again when it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
