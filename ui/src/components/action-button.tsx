// SPDX-License-Identifier: MPL-2.0
import { Button, type ButtonProps } from '@mantine/core';
import type { ButtonHTMLAttributes } from 'react';
import { failed } from '../app/toasts';
import { Icons } from './icons';

type Props = ButtonProps & Omit<ButtonHTMLAttributes<HTMLButtonElement>, keyof ButtonProps> & { /** Why the token in use may not do it. */ denied?: string };

/** A button for something the server may refuse. When it did, the button is off, can still be reached, and says what is missing. */
export function ActionButton({ denied, children, ...rest }: Props) {
  if (denied === undefined) return <Button {...rest}>{children}</Button>;
  return (
    <Button {...rest} type="button" variant="default" data-disabled aria-disabled="true" title={denied} leftSection={<Icons.lock size={14} />} onClick={() => failed('Not allowed', denied)}>
      {children}
    </Button>
  );
}
