// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseJSON(t *testing.T) {
	const job = `{
  "ID": "web", "Name": null, "unknown": {"x": 1}, "priority": 60,
  "TaskGroups": [{"Name": "g", "Count": 2, "ShutdownDelay": 1000000000, "Networks": null,
    "Tasks": [{"Name": "t", "Driver": "docker", "Config": {"image": "${x}", "n": 3}}]}]
}`
	for _, src := range []string{job, `{"Job": ` + job + `}`, ` {"Other": 1, "Job":` + job + "}\n"} {
		got, err := ParseJSON([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		group := got.TaskGroups[0]
		if got.ID != "web" || got.Name != "" || *got.Priority != 60 || *group.Count != 2 || *group.ShutdownDelay != time.Second {
			t.Errorf("%s: got %+v", src, got)
		}
		if cfg := group.Tasks[0].Config; cfg["image"] != "${x}" || cfg["n"] != int64(3) {
			t.Errorf("config: %#v", cfg)
		}
	}
}

func TestParseJSONErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{"", "job spec is empty"},
		{" \n", "job spec is empty"},
		{"null", "job spec is empty"},
		{`{"Job": null}`, "job spec is empty"},
		{`job "j" {}`, "line 1, column 1: invalid character 'j'"},
		{"{\n  \"ID\": \"x\",\n  nope\n}", "line 3, column 3: invalid character 'n'"},
		{`{"ID": "x"} {}`, "unexpected text after the job"},
		{`[]`, "want the object of a job, or one with the key Job, not array"},
		{"\n\"x\"", "line 2, column 3: want the object of a job, or one with the key Job, not string"},
		{`{"ID": "x"`, "unexpected EOF"},
		{`{"Job": {"ID": 3}}`, "ID"},
		{`{"TaskGroups": [{"Count": "two"}]}`, "TaskGroups[0].Count"},
	}
	for _, tt := range tests {
		job, err := ParseJSON([]byte(tt.src))
		if err == nil {
			t.Errorf("%s: got %+v", tt.src, job)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q does not mention %q", tt.src, err, tt.want)
		}
	}
	if _, err := ParseJSON(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v", err)
	}
}

// TestRoundTrip reads a recorded answer of the parse API back.
func TestRoundTrip(t *testing.T) {
	job, err := ParseJSON(recorded(t, "jobs-parse.json"))
	if err != nil {
		t.Fatal(err)
	}
	if job.ID != "rec-web" || job.TaskGroups[0].Tasks[0].Templates[0].DestPath != "local/hello.txt" {
		t.Errorf("got %+v", job)
	}
}

// TestByteOrderMark reads what editors write that begin UTF-8 text with a mark.
func TestByteOrderMark(t *testing.T) {
	if job, err := ParseJSON([]byte("\xef\xbb\xbf{\"Job\": {\"ID\": \"web\"}}")); err != nil || job.ID != "web" {
		t.Errorf("JSON of the API: %+v, %v", job, err)
	}
	for form, src := range map[string]string{
		"JSON":   "\xef\xbb\xbf\n{\"job\": {\"web\": {\"meta\": {\"class\": \"${node.class}\"}}}}",
		"native": "\xef\xbb\xbfjob \"web\" {\n  meta {\n    class = \"${node.class}\"\n  }\n}\n",
	} {
		res, err := Parse(&Config{Body: []byte(src)})
		if err != nil {
			t.Errorf("%s: %v", form, err)
		} else if res.Job.ID != "web" || res.Job.Meta["class"] != "${node.class}" {
			t.Errorf("%s: %+v", form, res.Job)
		}
	}
}
