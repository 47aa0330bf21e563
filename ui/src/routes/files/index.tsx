// SPDX-License-Identifier: MPL-2.0
import { FSCat, FSList, FSStat } from '../../api/ops.gen';
import type { AllocFileInfo, Allocation } from '../../api/types.gen';
import { useAmbient, useQueryParams } from '../../app/location';
import { useOp } from '../../app/query';
import { Cli, quoted } from '../../components/code';
import { Download } from '../../components/download';
import { Icons } from '../../components/icons';
import { Link } from '../../components/link';
import { Panel } from '../../components/page';
import { Empty, Result } from '../../components/states';
import { DataTable, type Column } from '../../components/table';
import { Time } from '../../components/time';
import { bytes, short } from '../../lib/format';
import { href } from '../../lib/href';
import css from './files.module.css';
import { Preview } from './preview';

/** The files of an allocation: a directory or one file, by the path in the address. */
export default function AllocFiles({ alloc }: { alloc: Allocation }) {
  const { region } = useAmbient();
  const [params] = useQueryParams();
  const path = params.get('path') || '/';
  const at = { namespace: alloc.Namespace, region };
  const id = alloc.ID ?? '';
  const stat = useOp(FSStat, { AllocID: id, Path: path }, { ...at, every: 10_000 });
  return (
    <>
      <Trail alloc={id} path={path} />
      <Result query={stat} what={path}>
        {(info) => (info.IsDir ? <Directory id={id} path={path} at={at} /> : <File id={id} path={path} info={info} at={at} />)}
      </Result>
    </>
  );
}

interface Place {
  id: string;
  path: string;
  at: { namespace: string | undefined; region: string | undefined };
}

function to(id: string, path: string): string {
  return `${href.alloc(id, 'files')}?path=${encodeURIComponent(path)}`;
}

function Trail({ alloc, path }: { alloc: string; path: string }) {
  const parts = path.split('/').filter(Boolean);
  return (
    <nav className={css.trail} aria-label="Path">
      <Link to={to(alloc, '/')} aria-current={parts.length === 0 ? 'page' : undefined}>
        allocation
      </Link>
      {parts.map((p, i) => (
        <span key={i}>
          {' / '}
          <Link to={to(alloc, `/${parts.slice(0, i + 1).join('/')}`)} aria-current={i === parts.length - 1 ? 'page' : undefined}>
            {p}
          </Link>
        </span>
      ))}
    </nav>
  );
}

/** Whether it is a pipe, a socket or a device, which nobody can read here. */
function special(f: AllocFileInfo): boolean {
  return /^[pScbD]/.test(f.FileMode ?? '');
}

function Directory({ id, path, at }: Place) {
  const query = useOp(FSList, { AllocID: id, Path: path }, { ...at, every: 10_000 });
  const columns: Column<AllocFileInfo>[] = [
    {
      key: 'name',
      title: 'Name',
      grow: true,
      sort: (f) => `${f.IsDir ? 0 : 1}${f.Name}`,
      cell: (f) => {
        const Icon = f.IsDir ? Icons.folder : Icons.file;
        return (
          <span className={css.name}>
            <Icon size={15} />
            {special(f) ? <span>{f.Name}</span> : <Link to={to(id, `${path === '/' ? '' : path}/${f.Name}`)}>{f.Name}</Link>}
          </span>
        );
      },
    },
    { key: 'size', title: 'Size', align: 'right', sort: (f) => f.Size, cell: (f) => (f.IsDir ? '–' : bytes(f.Size)) },
    { key: 'mode', title: 'Mode', from: 'small', cell: (f) => <code>{f.FileMode}</code> },
    { key: 'changed', title: 'Modified', from: 'small', sort: (f) => f.ModTime ?? '', cell: (f) => <Time at={f.ModTime} /> },
  ];
  return (
    <>
      <Result query={query} what={`Directory ${path}`}>
        {(files) => (files.length === 0 ? <Empty title="An empty directory" /> : <DataTable label={`Files in ${path}`} columns={columns} rows={files} rowKey={(f) => f.Name} sortBy="name" />)}
      </Result>
      <div className={css.foot}>
        <Cli command={`nomadlike alloc fs ${short(id)} ${quoted(path)}`} />
      </div>
    </>
  );
}

function File({ id, path, info, at }: Place & { info: AllocFileInfo }) {
  const name = path.split('/').pop() ?? 'file';
  return (
    <Panel
      title={name}
      note={
        <>
          {bytes(info.Size)} · {info.ContentType || 'unknown type'} · <Time at={info.ModTime} />
        </>
      }
      actions={<Download op={FSCat} params={{ AllocID: id, Path: path }} common={at} name={name} />}
    >
      <Preview id={id} path={path} size={info.Size} at={at} key={path} />
      <div className={css.foot}>
        <Cli command={`nomadlike alloc fs ${short(id)} ${quoted(path)}`} />
      </div>
    </Panel>
  );
}
