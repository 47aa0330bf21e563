// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestReport(t *testing.T) {
	r := NewReport("1.2.3")
	r.Figures = []Figure{
		{Name: "placements", Value: 20123.4, Unit: "/s", Target: 20000, More: true, Detail: map[string]float64{"b": 0.123, "a": 12.34}},
		{Name: "start", Value: 0.75, Unit: "s", Target: 0.5},
		{Name: "broken", Target: 5, Error: "no client\nlog"},
		{Name: "free", Value: 3, Unit: "MB"},
	}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `FIGURE      MEASURED  TARGET          DETAIL
placements  20123 /s  20000   ok      a 12.3, b 0.12
start       0.75 s    0.50    missed  
broken      -         5               no client
free        3 MB                      
`
	if b.String() != want {
		t.Fatalf("table\n%s\nwant\n%s", b.String(), want)
	}
	path := filepath.Join(t.TempDir(), "bench.json")
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil || len(back.Figures) != 4 || back.Version != "1.2.3" {
		t.Fatalf("read back %+v: %v", back, err)
	}
}

func TestReached(t *testing.T) {
	for _, c := range []struct {
		f    Figure
		want bool
	}{
		{Figure{Value: 10, Target: 10, More: true}, true},
		{Figure{Value: 9, Target: 10, More: true}, false},
		{Figure{Value: 10, Target: 10}, true},
		{Figure{Value: 11, Target: 10}, false},
		{Figure{Value: 11}, true},
		{Figure{Value: 1, Target: 10, Error: "x"}, false},
	} {
		if got := c.f.Reached(); got != c.want {
			t.Errorf("%+v reached = %v", c.f, got)
		}
	}
}

// TestJobsAreValid checks that the jobs of the measurements are accepted and use nothing that is refused.
func TestJobsAreValid(t *testing.T) {
	for _, p := range append(Placements, Million) {
		j := p.job(1)
		j.Canonicalize()
		if err, _ := j.Validate(api.Limits{}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if refused := j.Unsupported(); len(refused) > 0 {
			t.Errorf("%s: %v", p.Name, refused)
		}
	}
	j := rawExec("x", 2)
	j.Canonicalize()
	if err, _ := j.Validate(api.Limits{}); err != nil {
		t.Error(err)
	}
}
