// SPDX-License-Identifier: MPL-2.0
import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { Link } from '../components/link';
import { Boundary, Empty, Waiting } from '../components/states';
import { unsegment } from '../lib/href';
import { JobsPage } from '../routes/jobs';

// Each screen is a file of its own, loaded when it is gone to; the first one comes with the page.
const AllocationsPage = lazy(() => import('../routes/allocations'));
const AllocPage = lazy(() => import('../routes/alloc'));
const ClientsPage = lazy(() => import('../routes/clients'));
const ClientPage = lazy(() => import('../routes/client'));
const ServersPage = lazy(() => import('../routes/servers'));
const ServicesPage = lazy(() => import('../routes/services'));
const TopologyPage = lazy(() => import('../routes/topology'));
const ClusterPage = lazy(() => import('../routes/cluster'));
const EvaluationsPage = lazy(() => import('../routes/evaluations'));
const EvaluationPage = lazy(() => import('../routes/evaluation'));
const RunPage = lazy(() => import('../routes/run'));
const JobPage = lazy(() => import('../routes/job'));

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
