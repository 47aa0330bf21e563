// SPDX-License-Identifier: MPL-2.0
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Dialog } from '../components/dialog';
import { updates } from './live';
import { queries } from './query';
import { useStore } from './store';
import { token, tokenBoxOpen } from './token';

/** Sets and forgets the secret that requests are sent with. */
export function TokenBox() {
  const opened = useStore(tokenBoxOpen);
  const onClose = () => tokenBoxOpen.set(false);
  const secret = useStore(token);
  const [text, setText] = useState('');
  const use = (value: string) => {
    token.set(value.trim());
    setText('');
    onClose();
    // What another token read is forgotten, and what the page shows is read again.
    void queries.resetQueries();
    updates.restart();
  };
  return (
    <Dialog opened={opened} onClose={onClose} title="Access token">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          use(text);
        }}
      >
        <Stack gap="sm">
          <p className="dim">
            {secret ? 'A token is set and sent with every request of this page.' : 'Without a token requests are anonymous.'} The secret stays in this browser.
          </p>
          <TextInput label="Secret ID" type="password" autoComplete="off" value={text} onChange={(e) => setText(e.currentTarget.value)} data-autofocus />
          <Group justify="flex-end">
            {secret && (
              <Button variant="default" onClick={() => use('')}>
                Forget the token
              </Button>
            )}
            <Button type="submit" disabled={text.trim() === ''}>
              Use this token
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
