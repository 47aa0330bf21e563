// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// check says how one operation of the contract is tried on a running agent: its values through the official client
// library, and what it refuses through plain HTTP.
type check struct {
	// op is the operation's name in the table of api/.
	op string
	// values calls the operation as a stranger would and compares what comes back.
	values func(w *world)
	// refusals are wrong requests with the answer of the contract.
	refusals []refusal
}

// refusal is a request that must be refused. In path and body, {job}, {alloc}, {eval} and {node} stand for the IDs of
// the world's objects. An empty text means that any text will do, a status of 0 any error status.
type refusal struct {
	method, path, body string
	status             int
	text               string
}

// absentID is a well-formed ID of nothing.
const absentID = "00000000-0000-0000-0000-000000000000"

// checks holds every check; each file of this suite adds those of its resource.
var checks []check

func conform(c ...check) bool {
	checks = append(checks, c...)
	return true
}

// world is an agent with a job that runs, for checks that need one. Checks that change things use objects of their own.
type world struct {
	*testing.T
	*agent
	// web is a service job of two allocations with logs and files, see newWorld.
	web    string
	allocs []*nomad.AllocationListStub
	node   string
	eval   string
}

const worldConfig = `
enable_debug = true
telemetry {
  prometheus_metrics = true
  publish_allocation_metrics = true
  publish_node_metrics = true
}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	a := newAgent(t, false, worldConfig).start()
	w := &world{T: t, agent: a, web: "web"}
	job := shellJob(w.web, "service", 2, `echo "out $NOMAD_ALLOC_INDEX"; echo err >&2; echo data > "$NOMAD_TASK_DIR/file"; exec sleep 1000`)
	job.TaskGroups[0].Networks = []*nomad.NetworkResource{{DynamicPorts: []nomad.Port{{Label: "http"}}}}
	w.eval = a.register(job).EvalID
	w.allocs = a.running(w.web, 2)
	w.node = w.allocs[0].NodeID
	return w
}

// in returns the world for a subtest.
func (w *world) in(t *testing.T) *world {
	c := *w
	c.T = t
	return &c
}

// alloc returns the first allocation of the web job in full.
func (w *world) alloc() *nomad.Allocation {
	w.Helper()
	a, _, err := w.client.Allocations().Info(w.allocs[0].ID, nil)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// ok fails the check at an error.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// that fails the check when cond is false.
func (w *world) that(cond bool, format string, args ...any) {
	w.Helper()
	if !cond {
		w.Errorf(format, args...)
	}
}

func (w *world) fill(s string) string {
	return strings.NewReplacer("{job}", w.web, "{alloc}", w.allocs[0].ID, "{eval}", w.eval, "{node}", w.node, "{absent}", absentID).Replace(s)
}

// do sends a request as it stands and returns the whole answer.
func (w *world) do(method, path, body string) (*http.Response, string) {
	w.Helper()
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(w.fill(body))
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.addr+w.fill(path), rd)
	w.ok(err)
	resp, err := http.DefaultTransport.RoundTrip(req)
	w.ok(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.ok(err)
	return resp, string(text)
}

// shape sends a request and compares names, types and presence of what comes back with the recorded answer.
func (w *world) shape(file, method, path, body string, rules httpdtest.Rules) {
	w.Helper()
	resp, text := w.do(method, path, body)
	if resp.StatusCode != http.StatusOK {
		w.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
		return
	}
	httpdtest.Shape(w, method+" "+path+" against "+file, httpdtest.Recorded(w, file), []byte(text), shapeRules.With(rules))
}

// shapeRules are the differences from the recordings that hold everywhere: maps whose keys are data, and objects that
// leave zero fields out.
var shapeRules = httpdtest.Rules{
	Open: []string{
		"**.Attributes", "**.Meta", "**.Drivers", "**.ClassEligibility", "**.TaskStates", "**.Env", "**.ConstraintFiltered",
		"**.NodesAvailable", "**.Links", "**.DesiredTGUpdates", "**.QueuedAllocations", "**.Summary", "**.DriverAttributes", "**.Pids", "**.TaskLifecycles", "**.AllocatedResources.Tasks",
	},
	Skip:     []string{"**.Tasks.[].Config"},
	Optional: []string{"**.Networks.[].*", "**.Ports.[].To", "**.DynamicPorts.[].To", "**.SnapshotIndex", "**.DeploymentID", "**.DeploymentStatus", "**.NetworkStatus", "**.SigningKeyID"},
}

// decode reads JSON text into a value.
func decode[T any](w *world, text string) T {
	w.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		w.Fatalf("%v: %.300s", err, text)
	}
	return v
}

// TestConformance tries every operation: right values, right refusals.
func TestConformance(t *testing.T) {
	w := newWorld(t)
	slices.SortStableFunc(checks, func(a, b check) int { return strings.Compare(a.op, b.op) })
	for _, c := range checks {
		t.Run(c.op, func(t *testing.T) {
			if c.values != nil {
				t.Run("values", func(t *testing.T) { c.values(w.in(t)) })
			}
			for i, r := range c.refusals {
				t.Run(fmt.Sprintf("refusal %d", i), func(t *testing.T) { w.in(t).refused(r) })
			}
		})
	}
	if log := w.log.String(); strings.Contains(log, "panicked") || strings.Contains(log, "goroutine ") {
		t.Error("the agent's log holds a panic")
	}
}

func (w *world) refused(r refusal) {
	w.Helper()
	resp, text := w.do(r.method, r.path, r.body)
	wrong := resp.StatusCode != r.status
	if r.status == 0 {
		wrong = resp.StatusCode < 400
	}
	if wrong || r.text != "" && !strings.Contains(text, w.fill(r.text)) {
		w.Errorf("%s %s %s: %d %q, want %d %q", r.method, r.path, r.body, resp.StatusCode, text, r.status, r.text)
	}
	if strings.Contains(text, "goroutine ") {
		w.Errorf("%s %s answers with a stack", r.method, r.path)
	}
}

// TestEveryOperationIsChecked keeps the suite complete: an operation with a route has a check of its values and of a
// refusal.
func TestEveryOperationIsChecked(t *testing.T) {
	byOp := map[string]check{}
	for _, c := range checks {
		old := byOp[c.op]
		if old.values == nil {
			old.values = c.values
		}
		old.refusals = append(old.refusals, c.refusals...)
		byOp[c.op] = old
		if api.Lookup(c.op) == nil {
			t.Errorf("there is no operation %s", c.op)
		}
	}
	for _, op := range api.Operations() {
		if len(op.Routes) == 0 {
			continue
		}
		c := byOp[op.Name]
		if c.values == nil {
			t.Errorf("%s has no check of its values", op.Name)
		}
		if len(c.refusals) == 0 {
			t.Errorf("%s has no check of a refusal", op.Name)
		}
	}
}
