// SPDX-License-Identifier: MPL-2.0
import { Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { Link } from '../components/link';
import { Boundary, Empty, Waiting } from '../components/states';
import { unsegment } from '../lib/href';
import { JobsPage } from '../routes/jobs';
import { AllocPage, AllocationsPage, ClientPage, ClientsPage, ClusterPage, EvaluationPage, EvaluationsPage, JobPage, RunPage, ServersPage, ServicesPage, TopologyPage } from './screens';

/** Which screen an address shows. */
export function Routes() {
  const [path] = useLocation();
  return (
    <Boundary resetKey={path}>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/">
            <Redirect to={`/jobs${window.location.search}`} replace />
          </Route>
          <Route path="/jobs" component={JobsPage} />
          <Route path="/jobs/run" component={RunPage} />
          <Route path="/jobs/:job/:tab?">{(p) => <JobPage key={p.job} job={unsegment(p.job)} tab={p.tab ?? ''} />}</Route>
          <Route path="/allocations" component={AllocationsPage} />
          <Route path="/allocations/:id/:tab?">{(p) => <AllocPage key={p.id} id={p.id} tab={p.tab ?? ''} />}</Route>
          <Route path="/evaluations" component={EvaluationsPage} />
          <Route path="/evaluations/:id">{(p) => <EvaluationPage key={p.id} evaluation={unsegment(p.id)} />}</Route>
          <Route path="/clients" component={ClientsPage} />
          <Route path="/clients/:id">{(p) => <ClientPage key={p.id} id={p.id} />}</Route>
          <Route path="/services/:service?">{(p) => <ServicesPage service={p.service && unsegment(p.service)} />}</Route>
          <Route path="/servers/:name?">{(p) => <ServersPage name={p.name && unsegment(p.name)} />}</Route>
          <Route path="/topology" component={TopologyPage} />
          <Route path="/cluster" component={ClusterPage} />
          <Route>
            <Empty title="There is no such page">
              <Link to="/jobs">Go to the jobs</Link>
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </Boundary>
  );
}
