// SPDX-License-Identifier: MPL-2.0
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { send } from '../../api/client';
import { FSReadAt } from '../../api/ops.gen';
import { Code } from '../../components/code';
import { Empty, Failure, Waiting } from '../../components/states';
import { bytes } from '../../lib/format';
import { isText, hexDump } from '../../lib/hex';

/** How much is shown at once, in bytes. */
const page = 256 << 10;

/** The content of a file as text, or as bytes when it is none; never as what it claims to be. */
export function Preview({ id, path, size, at }: { id: string; path: string; size: number; at: { namespace: string | undefined; region: string | undefined } }) {
  const [offset, setOffset] = useState(0);
  const query = useQuery({
    queryKey: ['FS.Preview', { AllocID: id, Path: path, Offset: offset }, at],
    queryFn: async ({ signal }) => new Uint8Array(await (await send(FSReadAt, { AllocID: id, Path: path, Offset: String(offset), Limit: page }, at, signal)).arrayBuffer()),
  });
  if (size === 0) return <Empty title="An empty file" />;
  if (query.error) return <Failure error={query.error} what={path} retry={() => void query.refetch()} />;
  if (!query.data) return <Waiting />;
  const text = isText(query.data);
  return (
    <>
      <Code label={`Content of ${path}`} text={text ? new TextDecoder().decode(query.data) : hexDump(query.data.subarray(0, 4096), offset)} />
      {!text && <p className="dim">These are bytes, not text{query.data.length > 4096 && `; the first 4 KiB are shown`}.</p>}
      {size > page && (
        <p>
          <Button size="compact-sm" variant="default" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - page))}>
            Before
          </Button>{' '}
          <Button size="compact-sm" variant="default" disabled={offset + page >= size} onClick={() => setOffset(offset + page)}>
            After
          </Button>{' '}
          <span className="dim">
            {bytes(offset)} to {bytes(Math.min(size, offset + page))} of {bytes(size)}
          </span>
        </p>
      )}
    </>
  );
}
