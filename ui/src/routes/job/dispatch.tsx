// SPDX-License-Identifier: MPL-2.0
import { Stack, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { JobDispatch } from '../../api/ops.gen';
import type { Job } from '../../api/types.gen';
import { useAmbient, useGo } from '../../app/location';
import { useAction } from '../../app/query';
import { ActionButton } from '../../components/action-button';
import { Cli, inNamespace, quoted } from '../../components/code';
import { Answers, Dialog } from '../../components/dialog';
import { Icons } from '../../components/icons';
import { base64 } from '../../lib/base64';
import { href } from '../../lib/href';

/** Launches a child of a parameterised job. */
export function DispatchButton({ job }: { job: Job }) {
  const { region } = useAmbient();
  const go = useGo();
  const [open, setOpen] = useState(false);
  const [payload, setPayload] = useState('');
  const [meta, setMeta] = useState<Record<string, string>>({});
  const dispatch = useAction(JobDispatch, {
    done: (r) => `Dispatched ${r.DispatchedJobID}`,
    failure: 'Nothing was dispatched',
    common: { namespace: job.Namespace, region },
    onSuccess: (r) => {
      setOpen(false);
      go(href.job(r.DispatchedJobID, job.Namespace));
    },
  });
  const p = job.ParameterizedJob;
  const required = p?.MetaRequired ?? [];
  const keys = [...required, ...(p?.MetaOptional ?? [])];
  const given = Object.fromEntries(Object.entries(meta).filter(([, v]) => v !== ''));
  const flags = Object.entries(given).map(([k, v]) => ` -meta ${quoted(`${k}=${v}`)}`);
  const ready = required.every((k) => given[k]) && (p?.Payload !== 'required' || payload !== '');
  return (
    <>
      <ActionButton denied={dispatch.denied} leftSection={<Icons.play />} onClick={() => setOpen(true)}>
        Dispatch
      </ActionButton>
      <Dialog opened={open} onClose={() => setOpen(false)} title={`Dispatch ${job.ID}`}>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            dispatch.mutate({ PathID: job.ID, JobID: job.ID, Meta: given, Payload: payload === '' ? undefined : base64(payload) });
          }}
        >
          <Stack gap="sm">
            {keys.map((k) => (
              <TextInput key={k} label={k} required={required.includes(k)} value={meta[k] ?? ''} onChange={(e) => setMeta({ ...meta, [k]: e.currentTarget.value })} />
            ))}
            {p?.Payload !== 'forbidden' && <Textarea label="Payload" description="At most 16 KiB" required={p?.Payload === 'required'} autosize minRows={3} maxRows={12} value={payload} onChange={(e) => setPayload(e.currentTarget.value)} />}
            <Cli command={`nomadlike job dispatch${inNamespace(job.Namespace)}${flags.join('')} ${quoted(job.ID)}${payload ? ' -' : ''}`} />
            <Answers onNo={() => setOpen(false)}>
              <ActionButton denied={dispatch.denied} type="submit" disabled={!ready} loading={dispatch.isPending}>
                Dispatch
              </ActionButton>
            </Answers>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
