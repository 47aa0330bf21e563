// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestDebugBundle collects from an agent that is server and client at once: its two halves do not take each other's
// profiles, and a set of profiles is finished although the collection is shorter.
func TestDebugBundle(t *testing.T) {
	a := newAgent(t, false, "enable_debug = true\n").start()
	dir := t.TempDir()
	a.want(0, "Created debug directory", "operator", "debug", "-duration=500ms", "-interval=500ms", "-pprof-duration=1s", "-output="+dir)
	for _, name := range []string{"profile", "trace", "heap", "allocs", "goroutine", "threadcreate"} {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*", name+"_0000.prof"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 2 {
			t.Errorf("profiles of %s: %v, want one of the server and one of the client", name, found)
		}
	}
	if missing := missingParts(t, dir); len(missing) > 0 {
		t.Errorf("missing %q", missing)
	}
}

// TestDebugBundleWithoutDebug: what agents refuse without enable_debug is one part each, and the output says what to set.
func TestDebugBundleWithoutDebug(t *testing.T) {
	a := newAgent(t, false, "enable_debug = false\n").start()
	dir := t.TempDir()
	a.want(0, "only with enable_debug = true in their configuration", "operator", "debug", "-duration=500ms", "-interval=500ms", "-output="+dir)
	missing := missingParts(t, dir)
	if len(missing) != 4 {
		t.Errorf("missing %q, want the profiles and the host of the server and the client", missing)
	}
}

// missingParts reads what a bundle below dir says that it lacks.
func missingParts(t *testing.T, dir string) []string {
	index, err := filepath.Glob(filepath.Join(dir, "*", "index.json"))
	if err != nil || len(index) != 1 {
		t.Fatalf("indexes %v, %v", index, err)
	}
	text, err := os.ReadFile(index[0])
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct{ Missing []string }
	if err := json.Unmarshal(text, &bundle); err != nil {
		t.Fatal(err)
	}
	return bundle.Missing
}
