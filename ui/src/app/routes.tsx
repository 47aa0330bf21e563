// SPDX-License-Identifier: MPL-2.0
import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { Link } from '../components/link';
import { Boundary, Empty, Waiting } from '../components/states';
import { unsegment } from '../lib/href';
import { JobsPage } from '../routes/jobs';

// Each screen is a file of its own, loaded when it is gone to; the first one comes with the page.
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
          <Route path="/jobs/:job/:tab?">{(p) => <JobPage key={p.job} job={unsegment(p.job)} tab={p.tab ?? ''} />}</Route>
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
