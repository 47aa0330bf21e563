// SPDX-License-Identifier: MPL-2.0
import { Button } from '@mantine/core';
import { useState } from 'react';
import { send, urlOf, type Common } from '../api/client';
import type { Call } from '../api/op';
import { useStore } from '../app/store';
import { failed } from '../app/toasts';
import { token } from '../app/token';
import { Icons } from './icons';

/** Saves what an operation answers. Without a token the browser does it by itself, however large it is. */
export function Download<P extends object>({ op, params, common, name, label = 'Download' }: { op: Call<P>; params: P; common: Common; name: string; label?: string }) {
  const secret = useStore(token);
  const [busy, setBusy] = useState(false);
  if (!secret) {
    return (
      <Button component="a" variant="default" size="sm" leftSection={<Icons.download size={14} />} href={urlOf(op, params, common).href} download={name}>
        {label}
      </Button>
    );
  }
  const save = async () => {
    setBusy(true);
    try {
      const blob = await (await send(op, params, common)).blob();
      const a = document.createElement('a');
      a.href = URL.createObjectURL(blob);
      a.download = name;
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
    } catch (e) {
      failed('Nothing was downloaded', e);
    }
    setBusy(false);
  };
  return (
    <Button variant="default" size="sm" loading={busy} leftSection={<Icons.download size={14} />} onClick={() => void save()}>
      {label}
    </Button>
  );
}
