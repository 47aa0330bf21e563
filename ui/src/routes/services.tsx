// SPDX-License-Identifier: MPL-2.0
import { ServiceList } from '../api/ops.gen';
import { useAmbient, useQueryParams } from '../app/location';
import { useOp } from '../app/query';
import { Cli, inNamespace, listed, quoted } from '../components/code';
import { Filters, NoMatch, SearchField, Shown } from '../components/filters';
import { Instances } from '../components/instances';
import { Link } from '../components/link';
import { Page } from '../components/page';
import { Empty, Result } from '../components/states';
import { DataTable, type Column } from '../components/table';
import { href, splitNamespace } from '../lib/href';

/** All services, or the addresses of one. */
export default function ServicesPage({ service }: { service?: string }) {
  if (service === undefined) return <Services />;
  const { id, namespace } = splitNamespace(service);
  return <One name={id} namespace={namespace} />;
}

function One({ name, namespace }: { name: string; namespace: string }) {
  const { region } = useAmbient();
  return (
    <Page title={name} crumb={{ to: '/services', text: 'Services' }} cli={<Cli command={`nomadlike service info${inNamespace(namespace)} ${quoted(name)}`} />}>
      <Instances service={name} namespace={namespace} region={region} />
    </Page>
  );
}

interface Row {
  name: string;
  namespace: string;
  tags: string[];
}

const columns: Column<Row>[] = [
  { key: 'name', title: 'Service', sort: (s) => s.name, cell: (s) => <Link to={href.service(s.name, s.namespace)}>{s.name}</Link> },
  { key: 'namespace', title: 'Namespace', from: 'small', sort: (s) => s.namespace, cell: (s) => s.namespace },
  { key: 'tags', title: 'Tags', grow: true, cell: (s) => s.tags.join(', ') || '–' },
];

function Services() {
  const { namespace, region } = useAmbient();
  const [params] = useQueryParams();
  const q = (params.get('q') ?? '').toLowerCase();
  const query = useOp(ServiceList, {}, { namespace, region });
  return (
    <Page title="Services" cli={<Cli command={`nomadlike service list${listed(namespace)}`} />}>
      <Result query={query} what="The list of services">
        {(list) => {
          const all = list.flatMap((n) => (n.Services ?? []).map((s): Row => ({ name: s.ServiceName, namespace: n.Namespace, tags: s.Tags ?? [] })));
          const shown = all.filter((s) => s.name.toLowerCase().includes(q) || s.tags.some((t) => t.toLowerCase().includes(q)));
          if (all.length === 0) {
            return (
              <Empty title="No services">
                <p>
                  A <code>service</code> block with <code>provider = &quot;nomad&quot;</code> in a job file registers one, with an address for every allocation.
                </p>
              </Empty>
            );
          }
          return (
            <>
              <Filters>
                <SearchField label="Search services and tags" />
                <Shown shown={shown.length} all={all.length} one="service" />
              </Filters>
              {shown.length === 0 ? <NoMatch title="No service matches" params={['q']} /> : <DataTable label="Services" columns={columns} rows={shown} rowKey={(s) => `${s.namespace}/${s.name}`} sortBy="name" />}
            </>
          );
        }}
      </Result>
    </Page>
  );
}
