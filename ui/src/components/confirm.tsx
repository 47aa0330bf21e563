// SPDX-License-Identifier: MPL-2.0
import { Button, Group, Modal, Stack } from '@mantine/core';
import { useState, type ReactNode } from 'react';

/** A button that asks before it does something that cannot be taken back. */
export function ConfirmButton({ label, title, children, confirm = label, danger, disabled, busy, cli, onConfirm, icon, small, describe }: { label: string; title: string; children: ReactNode; confirm?: string; danger?: boolean; disabled?: boolean; busy?: boolean; cli?: ReactNode; onConfirm: () => void; icon?: ReactNode; small?: boolean; describe?: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" size={small ? 'compact-xs' : 'sm'} aria-label={describe} leftSection={icon} disabled={disabled} loading={busy} onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack gap="md">
          <div>{children}</div>
          {cli}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => setOpen(false)}>
              Keep it
            </Button>
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
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
