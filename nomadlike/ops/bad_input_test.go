// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// TestBadInput: wrong input gets an error that says what is wrong, and changes nothing.
func TestBadInput(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	c.running("web", 1)
	c.settle()
	named := func(edit func(object)) string {
		j := job("x", 1)
		edit(j)
		b, err := json.Marshal(object{"Job": j})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	id := func(s string) string { return named(func(j object) { j["ID"] = s; j["Name"] = "x" }) }
	var deep any // what JSON allows and messages between agents do not
	for range 1500 {
		deep = []any{deep}
	}
	before := c.srv.Store().Snapshot().Index()
	for _, r := range []struct {
		name, method, path, body string
		code                     int
		want                     string
	}{
		{"cut off", "PUT", "/v1/jobs", `{"Job":{"ID":"x"`, 400, "unexpected EOF"},
		{"no JSON", "PUT", "/v1/jobs", `hello`, 400, "invalid character"},
		{"a list", "PUT", "/v1/jobs", `[]`, 400, "cannot unmarshal array"},
		{"null", "PUT", "/v1/jobs", `null`, 400, "Job must be specified"},
		{"deep objects", "PUT", "/v1/jobs", strings.Repeat(`{"Job":`, 200000), 400, "max depth"},
		{"deep lists", "PUT", "/v1/jobs", `{"Job":{"TaskGroups":` + strings.Repeat("[", 200000), 400, "max depth"},
		{"deep settings", "PUT", "/v1/jobs", named(func(j object) { task(j)["Config"] = object{"args": deep} }), 400, "max depth"},
		{"number too large", "PUT", "/v1/jobs", `{"Job":{"ID":"x","Priority":1000000000000000000000}}`, 400, "Job.Priority"},
		{"fraction", "PUT", "/v1/jobs", `{"Job":{"ID":"x","TaskGroups":[{"Name":"g","Count":1.5}]}}`, 400, "Job.TaskGroups[0].Count"},
		{"null group", "PUT", "/v1/jobs", `{"Job":{"ID":"x","TaskGroups":[null]}}`, 500, "Missing job task groups"},
		{"null task", "PUT", "/v1/jobs", `{"Job":{"ID":"x","TaskGroups":[{"Name":"g","Tasks":[null]}]}}`, 500, "Missing tasks for task group"},
		{"line break in ID", "PUT", "/v1/jobs", id("a\nb"), 500, `Job ID "a\nb" contains a control character`},
		{"escape in ID", "PUT", "/v1/jobs", id("\x1b[31m"), 500, "control character"},
		{"null in ID", "PUT", "/v1/jobs", id("a\x00b"), 500, "null character"},
		{"dots in ID", "PUT", "/v1/jobs", id("a/../b"), 500, "no path of the HTTP API"},
		{"ID of dots", "PUT", "/v1/jobs", id(".."), 500, "no path of the HTTP API"},
		{"slash at the end", "PUT", "/v1/jobs", id("a/"), 500, "no path of the HTTP API"},
		{"slash at the start", "PUT", "/v1/jobs", id("/a"), 500, "no path of the HTTP API"},
		{"ID like a path", "PUT", "/v1/jobs", id("a/plan"), 500, `takes for a request about job "a"`},
		{"ID like a longer path", "PUT", "/v1/jobs", id("a/b/periodic/force"), 500, `takes for a request about job "a/b"`},
		{"ID like a path with a tag", "PUT", "/v1/jobs", id("a/versions/x/tag"), 500, `takes for a request about job "a"`},
		{"long ID", "PUT", "/v1/jobs", id(strings.Repeat("a", 100000)), 500, "at most 1024"},
		{"control in group", "PUT", "/v1/jobs", named(func(j object) { group(j)["Name"] = "g\t" }), 500, "Task group name"},
		{"control in task", "PUT", "/v1/jobs", named(func(j object) { task(j)["Name"] = "t\r" }), 500, "Task name"},
		{"long task", "PUT", "/v1/jobs", named(func(j object) { task(j)["Name"] = strings.Repeat("t", 201) }), 500, "at most 200"},
		{"task is a path", "PUT", "/v1/jobs", named(func(j object) { task(j)["Name"] = ".." }), 500, "names a directory"},
		{"negative count", "PUT", "/v1/jobs", named(func(j object) { group(j)["Count"] = -1 }), 500, "can't be negative"},
		{"huge count", "PUT", "/v1/jobs", named(func(j object) { group(j)["Count"] = 1000000000 }), 500, "job_max_count"},
		{"constraints that contradict", "PUT", "/v1/jobs", named(func(j object) {
			j["Constraints"] = []object{{"LTarget": "${attr.cpu.arch}", "Operand": "=", "RTarget": "amd64"}}
			group(j)["Constraints"] = []object{{"LTarget": "${attr.cpu.arch}", "Operand": "=", "RTarget": "arm64"}}
		}), 500, "no node can satisfy both"},
		{"bad expression in a constraint", "PUT", "/v1/jobs", named(func(j object) {
			j["Constraints"] = []object{{"LTarget": "${attr.cpu.arch}", "Operand": "regexp", "RTarget": "("}}
		}), 500, "Regular expression failed to compile"},
		{"bad version in a constraint", "PUT", "/v1/jobs", named(func(j object) {
			j["Constraints"] = []object{{"LTarget": "${attr.nomad.version}", "Operand": "version", "RTarget": "new"}}
		}), 500, "Version constraint is invalid"},
		{"percents over 100", "PUT", "/v1/jobs", named(func(j object) {
			j["Spreads"] = []object{{"Attribute": "${node.datacenter}", "Weight": 50, "SpreadTarget": []object{{"Value": "a", "Percent": 60}, {"Value": "b", "Percent": 60}}}}
		}), 500, "must not be greater than 100%"},
		{"percent over 100", "PUT", "/v1/jobs", named(func(j object) {
			j["Spreads"] = []object{{"Attribute": "${node.datacenter}", "Weight": 50, "SpreadTarget": []object{{"Value": "a", "Percent": 160}}}}
		}), 500, "must be between 0 and 100"},
		{"port out of range", "PUT", "/v1/jobs", named(func(j object) {
			group(j)["Networks"] = []object{{"ReservedPorts": []object{{"Label": "http", "Value": 70000}}}}
		}), 500, "70000"},
		{"affinity of no weight", "PUT", "/v1/jobs", named(func(j object) {
			j["Affinities"] = []object{{"LTarget": "${node.class}", "Operand": "=", "RTarget": "x", "Weight": 0}}
		}), 500, "weight cannot be zero"},
		{"bad plan", "PUT", "/v1/job/x/plan", id("x\n"), 400, "Job ID does not match name"},
		{"null in a tag", "PUT", "/v1/job/x/versions/a%00/tag", `{"Version":0}`, 500, `Tag name "a\x00" contains a control character`},
		{"bad eligibility", "PUT", "/v1/node/x/eligibility", `{"Eligibility":3}`, 400, "Eligibility"},
		{"unknown block", "POST", "/v1/jobs/parse", `{"JobHCL":"job \"x\" {\n bogus {\n }\n}"}`, 400, `input.hcl:2,2-7: Unsupported block type; Blocks of type "bogus"`},
		{"deep job file", "POST", "/v1/jobs/parse", `{"JobHCL":"job \"x\" {` + strings.Repeat("g {", 5000) + `"}`, 400, "too complex"},
		{"file function", "POST", "/v1/jobs/parse", `{"JobHCL":"job \"x\" {\n name = file(\"/etc/passwd\")\n}"}`, 400, "file"},
		{"long filter", "GET", "/v1/jobs?filter=" + strings.Repeat("(", 5000), "", 400, "failed to read filter expression"},
		{"bad expression in a filter", "GET", "/v1/jobs?filter=ID%20matches%20%22%28%22", "", 400, "regular expression"},
		{"no UUID prefix", "GET", "/v1/allocations?prefix=%00%ff", "", 500, "Invalid UUID"},
		{"control in a path", "GET", "/v1/allocation/%00%0a", "", 500, "UUID must be 36 characters"},
		{"page too large", "GET", "/v1/jobs?per_page=99999999999999999999", "", 400, "per_page"},
		{"negative index", "GET", "/v1/jobs?index=-1", "", 400, "Invalid index"},
		{"unknown method", "FOO", "/v1/jobs", "", 405, "Invalid method"},
		{"path with dots", "GET", "/v1/job/%2e%2e/jobs", "", 307, ""},
	} {
		a := c.do(r.method, r.path, r.body)
		if a.code != r.code || !strings.Contains(a.body, r.want) {
			t.Errorf("%s: %d %.300q, want %d %q", r.name, a.code, a.body, r.code, r.want)
		}
	}
	if after := c.srv.Store().Snapshot().Index(); after != before {
		t.Errorf("refused requests wrote something: index %d, was %d", after, before)
	}
	jobs := 0
	for range state.Jobs.All(c.srv.Store().Snapshot()) {
		jobs++
	}
	if jobs != 1 {
		t.Errorf("there are %d jobs, want 1", jobs)
	}
	for _, fine := range []string{"plan", "a/tag", "a/force", "versions/x/tag", "plan/a"} {
		if a := c.do("PUT", "/v1/validate/job", id(fine)); a.code != 200 || strings.Contains(a.body, "no path") {
			t.Errorf("ID %s: %d %s", fine, a.code, a.body)
		}
	}
	// Null in place of every list element is as good as nothing.
	a := c.do("PUT", "/v1/validate/job", `{"Job":{"ID":"x","Constraints":[null],"Spreads":[{"SpreadTarget":[null]}],"TaskGroups":[{"Name":"g","Networks":[null,{"DynamicPorts":[null]}],"Affinities":[null],
		"Volumes":{"a":null},"Tasks":[{"Name":"t","Driver":"mock_driver","Templates":[null],"Artifacts":[null],"Services":[{"Checks":[null]}],"VolumeMounts":[null],"Identities":[null],"Actions":[null],
		"Resources":{"Networks":[null],"Devices":[null]}}]}]}}`)
	if a.code != 200 {
		t.Errorf("nulls: %d %s", a.code, a.body)
	}
	// What follows the first value of a body is not read.
	if a := c.do("PUT", "/v1/job/web/evaluate", `{"JobID":"web"} and more`); a.code != 200 {
		t.Errorf("a body with more than a value: %d %s", a.code, a.body)
	}
}
