// SPDX-License-Identifier: MPL-2.0
import { Button, type ButtonProps } from '@mantine/core';
import type { ButtonHTMLAttributes } from 'react';
import { useAmbient } from '../app/location';
import { pageSettings } from '../app/page-settings';
import { failed } from '../app/toasts';
import { inRegion } from '../lib/shell-words';
import { Icons } from './icons';

type Props = ButtonProps & Omit<ButtonHTMLAttributes<HTMLButtonElement>, keyof ButtonProps> & { /** Why the token in use may not do it. */ denied?: string; /** The command line that does the same, told to who points at it; for what is done at once, without a dialog that shows it. */ cli?: string };

/** A button for something the server may refuse. When it did, the button is off, can still be reached, and says what is missing. */
export function ActionButton({ denied, cli, children, ...rest }: Props) {
  const { region } = useAmbient();
  const hint = cli && !pageSettings.hideCLIHints ? `$ ${inRegion(cli, region)}` : undefined;
  if (denied === undefined)
    return (
      <Button title={hint} {...rest}>
        {children}
      </Button>
    );
  return (
    <Button {...rest} type="button" variant="default" data-disabled aria-disabled="true" title={denied} leftSection={<Icons.lock size={14} />} onClick={() => failed('Not allowed', denied)}>
      {children}
    </Button>
  );
}
