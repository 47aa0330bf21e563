// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// FuzzValidate: no job, however odd, breaks defaults, validation or comparison.
func FuzzValidate(f *testing.F) {
	for _, name := range []string{"jobs-register", "validate-job-invalid", "jobs-register-parameterized", "job-plan-periodic"} {
		f.Add(httpdtest.Recorded(f, name+".request.json"))
	}
	f.Add([]byte(`{"Job":{"ID":"x","TaskGroups":[{"Name":"g","Networks":[{"DynamicPorts":[null]}],"Tasks":[null]}],"Constraints":[null],"Multiregion":{}}}`))
	env := &ops.Env{Region: "global", Limits: api.DefaultLimits(), Store: state.New()}
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: env.Handlers()})
	f.Fuzz(func(t *testing.T, body []byte) {
		req := &api.JobValidateRequest{}
		if typeinfo.Unmarshal(body, req) != nil {
			return
		}
		in := typeinfo.Copy(req.Job)
		resp, _, err := api.JobValidate.Call(t.Context(), d, req)
		if api.IsClass(err, api.ClassInternal) {
			t.Fatal(err)
		}
		if !typeinfo.Equal(&in, &req.Job) {
			t.Error("validation changed the job it was given")
		}
		if err != nil || resp.Error != "" || req.Job == nil {
			return
		}
		// A valid job can be compared and shown.
		a, b := typeinfo.Copy(req.Job), typeinfo.Copy(req.Job)
		a.Canonicalize()
		b.Canonicalize()
		if !api.SpecEqual(a, b) {
			t.Error("two canonical forms of one job differ")
		}
		api.DiffJobs(nil, a, true)
	})
}
