// SPDX-License-Identifier: MPL-2.0
import { Button, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

/** A question or form over the page. */
export function Dialog({ title, opened, onClose, children }: { title: string; opened: boolean; onClose: () => void; children: ReactNode }) {
  return (
    <Modal.Root opened={opened} onClose={onClose}>
      <Modal.Overlay />
      <Modal.Content>
        {/* The page has one banner, which is not this. */}
        <Modal.Header role="presentation">
          <Modal.Title>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </Modal.Header>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** The end of a dialog: not to do it, or what it is for. */
export function Answers({ no = 'Leave it', onNo, children }: { no?: string; onNo: () => void; children: ReactNode }) {
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={onNo}>
        {no}
      </Button>
      {children}
    </Group>
  );
}
