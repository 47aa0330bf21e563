// SPDX-License-Identifier: MPL-2.0
import { Button, Stack } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { ActionButton } from './action-button';
import { Answers, Dialog } from './dialog';

/** A button that asks before it does something that cannot be taken back. */
export function ConfirmButton({ label, title, children, confirm = label, danger, disabled, busy, cli, onConfirm, icon, small, describe, denied }: { label: string; title: string; children: ReactNode; confirm?: string; danger?: boolean; disabled?: boolean; busy?: boolean; cli?: ReactNode; onConfirm: () => void; icon?: ReactNode; small?: boolean; describe?: string; denied?: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <ActionButton denied={denied} variant="default" size={small ? 'compact-sm' : 'sm'} aria-label={describe} leftSection={icon} disabled={disabled} loading={busy} onClick={() => setOpen(true)}>
        {label}
      </ActionButton>
      <Dialog opened={open} onClose={() => setOpen(false)} title={title}>
        <Stack gap="md">
          <div>{children}</div>
          {cli}
          <Answers no="Keep it" onNo={() => setOpen(false)}>
            <Button
              color={danger ? 'red' : undefined}
              data-autofocus
              onClick={() => {
                setOpen(false);
                onConfirm();
              }}
            >
              {confirm}
            </Button>
          </Answers>
        </Stack>
      </Dialog>
    </>
  );
}
