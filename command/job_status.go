// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func jobStatusCommand() *spec {
	s := &jobStatus{}
	return &spec{
		usage: "job status [options] [<job>]", synopsis: "Show jobs, or one job in detail", remote: true, args: atMost(1, "<job>"), completes: completeJobs,
		long: `Without an argument lists the jobs; with a job's ID, or the start of one, shows its summary, what could not be
placed, its deployment and its allocations.

Example:

    $ nomadlike job status web`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&s.allAllocs, "all-allocs", false, "Show allocations of earlier jobs with this ID too.")
			f.BoolVar(&s.evals, "evals", false, "Show the evaluations of the job.")
			f.BoolVar(&s.short, "short", false, "Show the first block only.")
			f.BoolVar(&s.verbose, "verbose", false, "Show full identifiers, absolute times and the evaluations.")
			s.out.register(f)
			s.page.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) (err error) {
			if err := s.out.check(); err != nil {
				return err
			}
			s.m = m
			if s.c, err = m.client(); err != nil {
				return err
			}
			if len(args) == 0 {
				if err := s.list(ctx); err != nil || s.out.wanted() {
					return err
				}
				m.hint(ctx, s.c, &s.page, "View and manage Nomad jobs", "jobs")
				return nil
			}
			stub, err := s.one(ctx, args[0])
			if err != nil || s.out.wanted() {
				return err
			}
			m.hint(ctx, s.c, &s.page, "View this job", jobPage(stub.ID, stub.Namespace))
			return nil
		},
	}
}

func (o *output) register(f *flag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "Print as JSON.")
	f.StringVar(&o.template, "t", "", "Print through the Go `template`; Sprig functions have the prefix sprig_.")
}

type jobStatus struct {
	m                                *meta
	c                                *client.Client
	allAllocs, evals, short, verbose bool
	page                             webUI
	out                              output
}

// jobReport is what -json prints of a job.
type jobReport struct {
	Summary          *api.JobSummary
	Allocations      []*api.AllocListStub
	LatestDeployment *api.Deployment
	Evaluations      []*api.Evaluation
}

func (s *jobStatus) report(ctx context.Context, id, ns string) (r jobReport, err error) {
	read := api.ReadOptions{RequestOptions: api.RequestOptions{Namespace: ns}}
	if r.Summary, _, err = api.JobSummaryGet.Call(ctx, s.c, &api.JobRequest{ReadOptions: read, JobID: id}); err != nil {
		return r, fmt.Errorf("Error querying job summary: %w", err) //nolint:staticcheck // the contract's text
	}
	if r.Allocations, _, err = api.JobAllocations.Call(ctx, s.c, &api.JobAllocationsRequest{ReadOptions: read, JobID: id, All: s.allAllocs}); err != nil {
		return r, fmt.Errorf("Error querying job allocations: %w", err) //nolint:staticcheck // the contract's text
	}
	if r.Evaluations, _, err = api.JobEvaluations.Call(ctx, s.c, &api.JobRequest{ReadOptions: read, JobID: id}); err != nil {
		return r, fmt.Errorf("Error querying job evaluations: %w", err) //nolint:staticcheck // the contract's text
	}
	if r.LatestDeployment, _, err = api.JobLatestDeployment.Call(ctx, s.c, &api.JobRequest{ReadOptions: read, JobID: id}); err != nil {
		return r, fmt.Errorf("Error querying latest job deployment: %w", err) //nolint:staticcheck // the contract's text
	}
	return r, nil
}

func (s *jobStatus) list(ctx context.Context) error {
	jobs, _, err := api.JobList.Call(ctx, s.c, &api.JobListRequest{})
	if err != nil {
		return fmt.Errorf("Error querying jobs: %w", err) //nolint:staticcheck // the contract's text
	}
	if s.out.wanted() {
		reports := []jobReport{}
		for _, j := range jobs {
			r, err := s.report(ctx, j.ID, j.Namespace)
			if err != nil {
				return err
			}
			reports = append(reports, r)
		}
		return s.out.print(s.m, reports)
	}
	if len(jobs) == 0 {
		fmt.Fprintln(s.m.out, "No running jobs")
		return nil
	}
	fmt.Fprintln(s.m.out, columns(jobRows(jobs, s.m.namespace == api.AllNamespaces)))
	return nil
}

func jobRows(jobs []*api.JobListStub, namespaces bool) [][]string {
	head := []string{"ID", "Type", "Priority", "Status", "Submit Date"}
	if namespaces {
		head = slices.Insert(head, 1, "Namespace")
	}
	rows := [][]string{head}
	for _, j := range jobs {
		row := []string{j.ID, jobKind(j), strconv.Itoa(j.Priority), jobState(j.Status, j.Stop), absolute(j.SubmitTime)}
		if namespaces {
			row = slices.Insert(row, 1, j.Namespace)
		}
		rows = append(rows, row)
	}
	return rows
}

// isTemplate says whether children of a job are dispatched; a child has the block too.
func isTemplate(j *api.JobListStub) bool { return j.ParameterizedJob && j.ParentID == "" }

func jobKind(j *api.JobListStub) string {
	switch {
	case j.Periodic && isTemplate(j):
		return j.Type + "/periodic/parameterized"
	case j.Periodic:
		return j.Type + "/periodic"
	case isTemplate(j):
		return j.Type + "/parameterized"
	}
	return j.Type
}

func jobState(status string, stop bool) string {
	if status == api.JobStatusDead && stop {
		return status + " (stopped)"
	}
	return status
}

func (s *jobStatus) one(ctx context.Context, id string) (*api.JobListStub, error) {
	stub, err := findJob(ctx, s.m, s.c, id)
	if err != nil {
		return nil, err
	}
	r, err := s.report(ctx, stub.ID, stub.Namespace)
	if err != nil {
		return nil, err
	}
	if s.out.wanted() {
		return stub, s.out.print(s.m, []jobReport{r})
	}
	job, _, err := api.JobGet.Call(ctx, s.c, &api.JobRequest{ReadOptions: inNamespace(stub.Namespace), JobID: stub.ID})
	if err != nil {
		return nil, doing("Error querying job", err)
	}
	kv := []string{
		"ID", stub.ID, "Name", stub.Name, "Submit Date", absolute(stub.SubmitTime), "Type", stub.Type,
		"Priority", strconv.Itoa(stub.Priority), "Datacenters", strings.Join(stub.Datacenters, ","), "Namespace", stub.Namespace,
		"Node Pool", stub.NodePool, "Status", jobState(stub.Status, stub.Stop),
		"Periodic", strconv.FormatBool(job.IsPeriodic()), "Parameterized", strconv.FormatBool(job.IsParameterized()),
	}
	if job.Periodic != nil && !job.Stop {
		kv = append(kv, "Next Periodic Launch", either(s.m.nextLaunch(job), "none"))
	}
	fmt.Fprintln(s.m.out, pairs(kv...))
	switch {
	case s.short:
		return stub, nil
	case job.IsParameterized(), job.IsPeriodic():
		return stub, s.parent(ctx, job, r.Summary)
	}
	s.summary(r.Summary)
	if err := s.failures(ctx, r.Evaluations); err != nil {
		return nil, err
	}
	if (s.evals || s.verbose) && len(r.Evaluations) > 0 {
		s.m.heading("Evaluations")
		fmt.Fprintln(s.m.out, columns(jobEvalRows(r.Evaluations, s.verbose)))
	}
	if d := r.LatestDeployment; d != nil {
		if err := s.deployment(ctx, job, d, r.Allocations); err != nil {
			return nil, err
		}
	}
	s.reasons(failedTitle, r.Allocations, job.Version, failed)
	if rows := actionRows(job); len(rows) > 1 {
		s.m.heading("Actions")
		fmt.Fprintln(s.m.out, columns(rows))
	}
	s.m.heading("Allocations")
	if len(r.Allocations) == 0 {
		fmt.Fprintln(s.m.out, "No allocations placed")
		return stub, nil
	}
	fmt.Fprintln(s.m.out, columns(withDeadlines(s.m.allocRows(r.Allocations, s.verbose), r.Allocations, job)))
	return stub, nil
}

// deployment shows the latest deployment, in every region when there are several, and why allocations of it are unhealthy.
func (s *jobStatus) deployment(ctx context.Context, job *api.Job, d *api.Deployment, allocs []*api.AllocListStub) error {
	s.m.heading("Latest Deployment")
	fmt.Fprintln(s.m.out, pairs("ID", shortID(d.ID, s.verbose), "Status", d.Status, "Description", d.StatusDescription))
	if d.IsMultiregion && job.Multiregion != nil {
		rows := [][]string{{"Region", "ID", "Status"}}
		for _, region := range job.Multiregion.Regions {
			req := &api.JobRequest{ReadOptions: inNamespace(job.Namespace), JobID: job.ID}
			req.Region = region.Name
			there, _, err := api.JobLatestDeployment.Call(ctx, s.c, req)
			if err != nil {
				return doing("Error fetching deployment of region "+strconv.Quote(region.Name), err)
			}
			if there != nil {
				rows = append(rows, []string{region.Name, shortID(there.ID, s.verbose), there.Status})
			}
		}
		s.m.heading("Multiregion Deployment")
		fmt.Fprintln(s.m.out, columns(rows))
	}
	s.m.heading("Deployed")
	fmt.Fprintln(s.m.out, columns(deployedRows(d)))
	s.reasons(unhealthyTitle, allocs, d.JobVersion, unhealthy)
	return nil
}

// reasons shows why allocations of a version of the job are what is asked for, if any is.
func (s *jobStatus) reasons(title string, allocs []*api.AllocListStub, version uint64, is func(*api.AllocListStub) bool) {
	rows := reasonRows(allocs, func(a *api.AllocListStub) bool { return a.JobVersion == version && is(a) }, s.verbose)
	if rows != nil {
		s.m.heading(title)
		fmt.Fprintln(s.m.out, columns(rows))
	}
}

// actionRows is the table of what "job action" can run.
func actionRows(job *api.Job) [][]string {
	rows := [][]string{{"Action Name", "Task Group", "Task"}}
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			for _, a := range t.Actions {
				rows = append(rows, []string{a.Name, g.Name, t.Name})
			}
		}
	}
	return rows
}

// withDeadlines adds to a table of allocations, newest first, when those of groups with max_run_duration are stopped.
func withDeadlines(rows [][]string, stubs []*api.AllocListStub, job *api.Job) [][]string {
	limited := func(g *api.TaskGroup) bool { return g.MaxRunDuration != nil }
	if !slices.ContainsFunc(job.TaskGroups, limited) {
		return rows
	}
	rows[0] = append(rows[0], "Max Run Deadline")
	for i, a := range newestFirst(stubs) {
		at := ""
		if g := job.LookupTaskGroup(a.TaskGroup); g != nil && g.MaxRunDuration != nil {
			for _, st := range a.TaskStates {
				if st.StartedAt == nil || st.StartedAt.IsZero() {
					continue
				}
				if t := st.StartedAt.Add(*g.MaxRunDuration).Local().Format(time.RFC3339); at == "" || t < at {
					at = t
				}
			}
		}
		rows[i+1] = append(rows[i+1], at)
	}
	return rows
}

// parent shows the children of a periodic or parameterized job.
func (s *jobStatus) parent(ctx context.Context, job *api.Job, sum *api.JobSummary) error {
	title, list, none := "Children Job Summary", "Previously Launched Jobs", "No instances of periodic job found"
	if p := job.ParameterizedJob; job.IsParameterized() {
		title, list, none = "Parameterized Job Summary", "Dispatched Jobs", "No dispatched instances of parameterized job found"
		s.m.heading("Parameterized Job")
		fmt.Fprintln(s.m.out, pairs("Payload", p.Payload, "Required Metadata", strings.Join(p.MetaRequired, ", "), "Optional Metadata", strings.Join(p.MetaOptional, ", ")))
	}
	children := api.JobChildrenSummary{}
	if sum.Children != nil {
		children = *sum.Children
	}
	s.m.heading(title)
	fmt.Fprintln(s.m.out, columns([][]string{
		{"Pending", "Running", "Dead"},
		{strconv.FormatInt(children.Pending, 10), strconv.FormatInt(children.Running, 10), strconv.FormatInt(children.Dead, 10)},
	}))
	req := &api.JobListRequest{}
	req.Namespace, req.Prefix = job.Namespace, job.ID+"/"
	jobs, _, err := api.JobList.Call(ctx, s.c, req)
	if err != nil {
		return doing("Error querying jobs", err)
	}
	rows := [][]string{{"ID", "Status"}}
	for _, j := range jobs {
		if j.ParentID == job.ID {
			rows = append(rows, []string{j.ID, jobState(j.Status, j.Stop)})
		}
	}
	if len(rows) == 1 {
		fmt.Fprintf(s.m.out, "\n%s\n", none)
		return nil
	}
	s.m.heading(list)
	fmt.Fprintln(s.m.out, columns(rows))
	return nil
}

func (s *jobStatus) summary(sum *api.JobSummary) {
	s.m.heading("Summary")
	rows := [][]string{{"Task Group", "Queued", "Starting", "Running", "Failed", "Complete", "Lost", "Unknown"}}
	for _, g := range sortedKeys(sum.Summary) {
		c := sum.Summary[g]
		row := []string{g}
		for _, n := range []int{c.Queued, c.Starting, c.Running, c.Failed, c.Complete, c.Lost, c.Unknown} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(s.m.out, columns(rows))
}

// failures shows why groups wait, from the newest evaluation that is still blocked.
func (s *jobStatus) failures(ctx context.Context, evals []*api.Evaluation) error {
	for _, v := range evals {
		if v.Status != api.EvalStatusBlocked {
			continue
		}
		failed := v.FailedTGAllocs
		for _, prev := range evals {
			if len(failed) == 0 && prev.BlockedEval == v.ID {
				failed = prev.FailedTGAllocs
			}
		}
		if len(failed) == 0 {
			continue
		}
		req := &api.JobRequest{ReadOptions: inNamespace(v.Namespace), JobID: v.JobID}
		why, _, err := api.JobPlacementGet.Call(ctx, s.c, req)
		if err != nil {
			return doing("Error explaining the placement", err)
		}
		s.m.heading("Placement Failure")
		for _, g := range sortedKeys(failed) {
			fmt.Fprintf(s.m.out, "Task Group %q:\n", g)
			for _, l := range metricLines(failed[g]) {
				fmt.Fprintf(s.m.out, "  * %s\n", l)
			}
			for _, l := range s.m.placementLines(why.Group(g), s.verbose) {
				fmt.Fprintf(s.m.out, "  %s\n", l)
			}
		}
		return nil
	}
	return nil
}

func jobEvalRows(evals []*api.Evaluation, verbose bool) [][]string {
	rows := [][]string{{"ID", "Priority", "Triggered By", "Status", "Placement Failures"}}
	for _, v := range evals {
		rows = append(rows, []string{shortID(v.ID, verbose), strconv.Itoa(v.Priority), v.TriggeredBy, v.Status, failuresOf(v)})
	}
	return rows
}

// allocRows is the table of allocations, newest first.
func (m *meta) allocRows(stubs []*api.AllocListStub, verbose bool) [][]string {
	now := m.now()
	rows := [][]string{{"ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}}
	if verbose {
		rows = [][]string{{"ID", "Eval ID", "Node ID", "Node Name", "Task Group", "Version", "Desired", "Status", "Created", "Modified"}}
	}
	for _, a := range newestFirst(stubs) {
		row := []string{shortID(a.ID, verbose)}
		if verbose {
			row = append(row, a.EvalID, a.NodeID, a.NodeName)
		} else {
			row = append(row, shortID(a.NodeID, false))
		}
		rows = append(rows, append(row, a.TaskGroup, strconv.FormatUint(a.JobVersion, 10), a.DesiredStatus, a.ClientStatus,
			ago(a.CreateTime, now, verbose), ago(a.ModifyTime, now, verbose)))
	}
	return rows
}

// newestFirst orders allocations by age without touching the list.
func newestFirst(stubs []*api.AllocListStub) []*api.AllocListStub {
	stubs = slices.Clone(stubs)
	slices.SortStableFunc(stubs, func(a, b *api.AllocListStub) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	return stubs
}

// local shows a time of the API.
func local(t *time.Time, none string) string {
	if t == nil || t.IsZero() {
		return none
	}
	return t.Local().Format(time.RFC3339)
}
