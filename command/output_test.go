// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// fullDisk takes so many bytes and no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

// TestLostOutput: a command whose output could not be written says so once and fails with its status of errors.
func TestLostOutput(t *testing.T) {
	a := newCannedAgent(t)
	for _, l := range []string{
		`GET /v1/jobs = [{"ID":"web","Type":"service","Status":"running"}]`,
		`PUT /v1/job/w/plan = {"Diff":{"Type":"Added","ID":"w"},"JobModifyIndex":1}`,
		`GET /v1/metrics = {"Timestamp":"now"}`,
		`GET /v1/status/leader = "127.0.0.1:4647"`,
		`file w.hcl = job "w" {\n  group "g" {\n    task "t" {\n      driver = "exec"\n    }\n  }\n}\n`,
	} {
		if !a.line(l) {
			t.Fatal("bad line", l)
		}
	}
	for _, c := range []struct {
		words string
		code  int
	}{
		{"job status", 1},
		{"job plan w.hcl", 255},
		{"job run -output w.hcl", 1},
		{"operator metrics", 1},
		{"operator api /v1/status/leader", 1},
		{"version", 1},
		{"fmt -", 1},
		{"job status -help", 1},
	} {
		for _, room := range []int{0, 5} {
			var text bytes.Buffer
			code := runCommand(strings.Fields(c.words), streams{in: strings.NewReader("a=1\n"), out: &fullDisk{room}, err: &text, clock: a.now})
			if code != c.code || strings.Count(text.String(), "no space left on device") != 1 {
				t.Errorf("%s with room for %d bytes ended with %d, want %d, and said %q", c.words, room, code, c.code, text.String())
			}
		}
		var text bytes.Buffer
		if code := runCommand(strings.Fields(c.words), streams{in: strings.NewReader("a=1\n"), out: &fullDisk{1 << 20}, err: &text, clock: a.now}); code == c.code || strings.Contains(text.String(), "no space") {
			t.Errorf("%s with room ended with %d and said %q", c.words, code, text.String())
		}
	}
}
