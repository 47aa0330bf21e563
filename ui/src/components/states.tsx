// SPDX-License-Identifier: MPL-2.0
import { Button, Group, Loader } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { Component, useEffect, useState, type ReactNode } from 'react';
import { ApiError, type Answer } from '../api/client';
import { connection } from '../app/connection';
import { anotherAttempt } from '../app/screen';
import { useStore } from '../app/store';
import { describe } from '../app/toasts';
import { token, tokenBoxOpen } from '../app/token';
import { Icons } from './icons';
import { Page } from './page';
import css from './states.module.css';

/** What a list without entries says: what is missing and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css.empty}>
      <p className={css.title}>{title}</p>
      {children && <div>{children}</div>}
    </div>
  );
}

/** An error in the server's words, with a way to try again. */
export function Failure({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  const api = error instanceof ApiError ? error : undefined;
  const secret = useStore(token);
  if (api?.unserved) {
    return (
      <Empty title={`${what}: not served by this agent`}>
        <p>{api.message || 'The agent that answers is a version without it.'}</p>
      </Empty>
    );
  }
  return (
    <div className={css.failure} role="alert">
      <Icons.bad size={18} />
      <div>
        <strong>{what} could not be read.</strong>
        <p>{describe(error)}</p>
        <Group gap="xs">
          {retry && (
            <Button size="compact-sm" variant="default" onClick={retry}>
              Try again
            </Button>
          )}
          {(api?.status === 401 || api?.status === 403) && (
            <Button size="compact-sm" variant="default" leftSection={<Icons.key size={14} />} onClick={() => tokenBoxOpen.set(true)}>
              {secret ? 'Use another token' : 'Set a token'}
            </Button>
          )}
        </Group>
      </div>
    </div>
  );
}

/** Milliseconds after which a wait is longer than it should be. */
const long = 8000;

/** A wait that says what for; it appears late, so that quick answers do not flicker. */
export function Waiting({ what = 'Loading' }: { what?: string }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), long);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={css.waiting} role="status">
      <Loader size="sm" color="gray" aria-hidden="true" />
      <span>
        {what}…{slow && ' The agent takes long to answer.'}
      </span>
    </div>
  );
}

/** Something one must know to read what follows. */
export function Notice({ children }: { children: ReactNode }) {
  return (
    <div className={css.notice} role="status">
      <Icons.warn size={16} />
      <span>{children}</span>
    </div>
  );
}

/** Shows the result of a read, or why there is none. What was read stays while the agent is away. A crumb tells that it is what the whole screen is about. */
export function Result<R>({ query, what, crumb, children }: { query: UseQueryResult<Answer<R>, Error>; what: string; crumb?: { to: string; text: string }; children: (data: R, answer: Answer<R>) => ReactNode }) {
  const gone = query.error instanceof ApiError && query.error.status === 404;
  if (query.data) {
    return (
      <>
        {gone && <Notice>{what} was removed or collected meanwhile. This is what it was last.</Notice>}
        {children(query.data.data, query.data)}
      </>
    );
  }
  const instead = query.error ? <Failure error={query.error} what={what} retry={() => void query.refetch()} /> : <Waiting />;
  return crumb ? (
    <Page title={what} crumb={crumb}>
      {instead}
    </Page>
  ) : (
    instead
  );
}

/** Keeps a mistake of one screen from taking the page down. */
export class Boundary extends Component<{ children: ReactNode; resetKey: string }, { error: Error | undefined; key: string }> {
  override state = { error: undefined as Error | undefined, key: this.props.resetKey };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  static getDerivedStateFromProps(props: { resetKey: string }, state: { key: string }) {
    if (props.resetKey === state.key) return null;
    anotherAttempt();
    return { error: undefined, key: props.resetKey };
  }
  private unsubscribe: (() => void) | undefined;

  override componentDidMount() {
    // What failed because the agent was away is tried again when it is back.
    this.unsubscribe = connection.online.subscribe(() => connection.online.get() && this.again());
  }
  override componentWillUnmount() {
    this.unsubscribe?.();
  }
  private again = () => {
    if (!this.state.error) return;
    anotherAttempt();
    this.setState({ error: undefined });
  };

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className={css.failure} role="alert">
        <Icons.bad size={18} />
        <div>
          <strong>This screen failed.</strong>
          <p>{this.state.error.message}</p>
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={this.again}>
              Try again
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
              Load the page again
            </Button>
          </Group>
        </div>
      </div>
    );
  }
}
