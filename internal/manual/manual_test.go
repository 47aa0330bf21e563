// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/command"
	"github.com/nomadlike/nomadlike/command/agent"
)

// TestPagesAreFresh compares the pages with what the code would write now.
func TestPagesAreFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, p := range pages {
		want, err := render(p, root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, "docs", p.file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("docs/%s is older than the code; run go generate ./internal/manual", p.file)
		}
	}
}

// TestEveryTypeIsDescribed keeps the page of the API complete: a field without a comment leaves its reader alone.
func TestEveryTypeIsDescribed(t *testing.T) {
	var b bytes.Buffer
	if err := writeAPI(&b, filepath.Join("..", "..")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"### Job.Register", "`PUT /v1/jobs`", "<a id=\"type-job\"></a>", "nomad.nomad.job.register"} {
		if !bytes.Contains(b.Bytes(), []byte(want)) {
			t.Errorf("docs/api.md does not say %q", want)
		}
	}
}

// TestNotesName keeps notes from outliving what they are about.
func TestNotesName(t *testing.T) {
	for name := range operationNotes {
		if api.Lookup(name) == nil {
			t.Errorf("there is a note about operation %s, which is not in the table", name)
		}
	}
	entries, err := command.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for name := range commandNotes {
		if !slices.ContainsFunc(entries, func(e command.Entry) bool { return e.Name == name }) {
			t.Errorf("there is a note about command %s, which is not there", name)
		}
	}
	for path := range configNotes {
		if !slices.ContainsFunc(agent.Keys(), func(k agent.Key) bool { return k.Path == path }) {
			t.Errorf("there is a note about the configuration key %s, which is not there", path)
		}
	}
}
