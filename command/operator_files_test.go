// SPDX-License-Identifier: MPL-2.0

package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/nomadlike/archive"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const nodeSecret = "the-secret-of-the-node"

// snapshotBytes is a snapshot archive with one node.
func snapshotBytes(t *testing.T) string {
	t.Helper()
	s := state.New()
	w := s.Begin(7, "test")
	state.Nodes.Put(w, &api.Node{ID: "node-1", Name: "one", SecretID: nodeSecret})
	w.Commit()
	var saved, out bytes.Buffer
	if err := s.Snapshot().Save(&saved); err != nil {
		t.Fatal(err)
	}
	meta := &raft.SnapshotMeta{Version: 1, ID: "2-7-1795403520123", Index: 7, Term: 2, Size: int64(saved.Len())}
	if err := archive.Write(&out, meta, &saved, newCannedAgent(t).now()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSnapshotCommands(t *testing.T) {
	snap := snapshotBytes(t)
	a := newCannedAgent(t)
	a.answers["GET /v1/operator/snapshot"] = snap
	a.answers["PUT /v1/operator/snapshot"] = ""

	if out := a.must("operator", "snapshot", "save", "backup.snap"); out != "State file written to backup.snap\n" {
		t.Errorf("save printed %q", out)
	}
	if out := a.must("operator", "snapshot", "save"); out != "State file written to nomad-state-20261123-1795404000.snap\n" {
		t.Errorf("save without a name printed %q", out)
	}
	if got, err := os.ReadFile("backup.snap"); err != nil || string(got) != snap {
		t.Errorf("the saved file has %d bytes, want %d (%v)", len(got), len(snap), err)
	}
	a.refuses("already exists", "operator", "snapshot", "save", "backup.snap")

	out := a.must("operator", "snapshot", "inspect", "backup.snap")
	for _, text := range []string{
		"Created = 2026-11-23T03:12:00Z\nID      = 2-7-1795403520123\nSize    = ", "\nIndex   = 7\nTerm    = 2\nVersion = 1\n\nType        Count  Size\n", "nodes       1      ", "Total       4      ",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("inspect printed\n%s\nwant %q", out, text)
		}
	}
	if out := a.must("operator", "snapshot", "inspect", "-json", "backup.snap"); !strings.Contains(out, `"Index": 7`) || !strings.Contains(out, `"Type": "nodes"`) {
		t.Errorf("inspect -json printed\n%s", out)
	}
	if out := a.must("operator", "snapshot", "state", "backup.snap"); !strings.Contains(out, `"ID":"node-1"`) || strings.Contains(out, nodeSecret) {
		t.Errorf("state printed\n%s", out)
	}
	if out := a.must("operator", "snapshot", "state", "-filter", `Name == "default"`, "backup.snap"); strings.Contains(out, "node-1") || !strings.Contains(out, `"namespaces": [`) {
		t.Errorf("filtered state printed\n%s", out)
	}
	out = a.must("operator", "snapshot", "restore", "backup.snap")
	if want := "Snapshot Restored\n-> PUT /v1/operator/snapshot "; !strings.HasPrefix(out, want) || string(a.body) != snap {
		t.Errorf("restore sent %d bytes of %d, printed %.60q", len(a.body), len(snap), out)
	}
	if out := a.must("operator", "snapshot", "redact", "backup.snap"); out != "Snapshot redacted\n" {
		t.Errorf("redact printed %q", out)
	}
	noSecret(t, "backup.snap")
	a.must("operator", "snapshot", "save", "-redact", "redacted.snap")
	noSecret(t, "redacted.snap")
	onlyFiles(t, "backup.snap", "nomad-state-20261123-1795404000.snap", "redacted.snap")
}

// noSecret reads an archive that must be whole and have no secret.
func noSecret(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var content bytes.Buffer
	if _, err := archive.Read(f, &content); err != nil || strings.Contains(content.String(), nodeSecret) || !strings.Contains(content.String(), "node-1") {
		t.Errorf("%s: error %v, secret %t", path, err, strings.Contains(content.String(), nodeSecret))
	}
}

// onlyFiles wants nothing else in the working directory, no half-written file above all.
func onlyFiles(t *testing.T, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the directory has %v, want %v", got, want)
	}
}

// TestForeignSnapshot takes a snapshot whose state only its own version can read.
func TestForeignSnapshot(t *testing.T) {
	a := newCannedAgent(t)
	var b bytes.Buffer
	if err := archive.Write(&b, &raft.SnapshotMeta{Version: 1, ID: "2-7-1795403520123", Index: 7, Term: 2, Size: 9}, strings.NewReader("elsewhere"), a.now()); err != nil {
		t.Fatal(err)
	}
	a.answers["GET /v1/operator/snapshot"] = b.String()
	a.must("operator", "snapshot", "save", "x.snap")
	if out := a.must("operator", "snapshot", "inspect", "x.snap"); !strings.Contains(out, "\nIndex   = 7\n") || !strings.Contains(out, "whole, but what is in it cannot be told: read x.snap") {
		t.Errorf("inspect printed\n%s", out)
	}
	for _, args := range [][]string{{"state", "x.snap"}, {"redact", "x.snap"}, {"save", "-redact", "y.snap"}} {
		a.refuses("snapshot is damaged", append([]string{"operator", "snapshot"}, args...)...)
	}
	onlyFiles(t, "x.snap")
}

// TestDamagedSnapshots leaves nothing behind of what did not arrive whole.
func TestDamagedSnapshots(t *testing.T) {
	snap := snapshotBytes(t)
	a := newCannedAgent(t)
	a.answers["GET /v1/operator/snapshot"] = snap[:len(snap)/2]
	a.refuses("snapshot archive is damaged", "operator", "snapshot", "save", "x.snap")
	a.headers = map[string]string{"Digest": "sha-256=AAAA"}
	a.answers["GET /v1/operator/snapshot"] = snap
	a.refuses("did not arrive whole", "operator", "snapshot", "save", "x.snap")
	a.headers = nil
	a.answers["GET /v1/operator/snapshot"], a.status["GET /v1/operator/snapshot"] = "no snapshot in memory", 500
	a.refuses("Unexpected response code: 500 (no snapshot in memory)", "operator", "snapshot", "save", "x.snap")
	onlyFiles(t)
	if err := os.WriteFile("x.snap", []byte(snap[:100]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"inspect", "state", "redact"} {
		a.refuses("snapshot archive is damaged", "operator", "snapshot", verb, "x.snap")
		a.refuses("no such file", "operator", "snapshot", verb, "y.snap")
	}
	if got, err := os.ReadFile("x.snap"); err != nil || string(got) != snap[:100] {
		t.Error("the damaged file was changed")
	}
	a.answers["PUT /v1/operator/snapshot"], a.status["PUT /v1/operator/snapshot"] = "snapshot archive is damaged", 500
	a.refuses("Failed to restore snapshot: Unexpected response code: 500", "operator", "snapshot", "restore", "x.snap")
	onlyFiles(t, "x.snap")
}

func TestRaftFiles(t *testing.T) {
	a := newCannedAgent(t)
	if err := os.MkdirAll("data/server/raft", 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := raftlog.Open("data/server/raft/raft.db", raftlog.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	logs := []*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogNoop},
		{Index: 2, Term: 1, Type: raft.LogCommand, Data: fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: "team-a"}}})},
	}
	if err := errors.Join(s.StoreLogs(logs), s.Close()); err != nil {
		t.Fatal(err)
	}
	want := "path:        data/server/raft/raft.db\nlength:      2\nfirst index: 1\nlast index:  2\n"
	if out := a.must("operator", "raft", "info", "data"); out != want {
		t.Errorf("info printed\n%s\nwant\n%s", out, want)
	}
	out := a.must("operator", "raft", "logs", "data")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || lines[0] != `{"Index":1,"Term":1,"Type":"LogNoop"}` || !strings.Contains(lines[1], `"Command":"NamespaceUpsert"`) {
		t.Errorf("logs printed\n%s", out)
	}
	if out := a.must("operator", "raft", "logs", "-pretty", "data"); !strings.HasPrefix(out, "{\n  \"Index\": 1,\n") {
		t.Errorf("logs -pretty printed\n%s", out)
	}
	if out := a.must("operator", "raft", "state", "data"); !strings.Contains(out, `"Name":"team-a"`) {
		t.Errorf("state printed\n%s", out)
	}
	if out := a.must("operator", "raft", "state", "-last-index", "-1", "data"); strings.Contains(out, `"Name":"team-a"`) {
		t.Errorf("state before the last entry printed\n%s", out)
	}
	for _, verb := range []string{"info", "logs", "state"} {
		a.refuses("no raft store (raft.db or wal/) found in nowhere", "operator", "raft", verb, "nowhere")
		a.refuses("This command takes one argument: <data dir>", "operator", "raft", verb)
	}
}

func TestClientState(t *testing.T) {
	a := newCannedAgent(t)
	if err := os.Mkdir("client", 0o700); err != nil {
		t.Fatal(err)
	}
	a.refuses("no client state (state.db) found in client", "operator", "client-state", "client")
	db, err := statedb.Open(filepath.Join("client", "state.db"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		db.PutAlloc(&api.Allocation{ID: "alloc-1", JobID: "web"}),
		db.PutTaskState("alloc-1", "srv", &api.TaskState{State: "running"}),
		db.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"client", ".", "client/state.db"} {
		out := a.must("operator", "client-state", dir)
		for _, text := range []string{`"alloc-1": {`, `"JobID": "web"`, `"srv": {`, `"State": "running"`} {
			if !strings.Contains(out, text) {
				t.Errorf("%s: printed\n%s\nwant %s", dir, out, text)
			}
		}
	}
}

// debugFiles are what is in a bundle, by name below its directory.
func debugFiles(t *testing.T, archive string) map[string]string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		dir, name, _ := strings.Cut(h.Name, "/")
		if dir+".tar.gz" != archive {
			t.Errorf("%s holds %s", archive, h.Name)
		}
		files[name] = string(data)
	}
}

func debugAgent(t *testing.T) *cannedAgent {
	a := newCannedAgent(t)
	for _, line := range []string{
		"GET /v1/agent/self < agent-self.json", "GET /v1/agent/members < agent-members.json", "GET /v1/nodes < nodes-list.json",
		"GET /v1/jobs < jobs-list.json", "GET /v1/agent/monitor = a line of the log", "GET /v1/agent/pprof/heap = a profile",
		"GET /v1/agent/pprof/profile = a profile", "GET /v1/agent/pprof/trace = a profile", "GET /v1/agent/pprof/goroutine = a profile",
		"GET /v1/agent/pprof/allocs = a profile", "GET /v1/agent/pprof/threadcreate = a profile",
		`GET /v1/event/stream = {}{"Index":5,"Events":[]}`, "GET /v1/agent/monitor/export = the log file",
		`GET /v1/operator/autopilot/health = 429 {"Healthy":false}`,
	} {
		if !a.line(line) {
			t.Fatal(line)
		}
	}
	return a
}

// debugUntil runs "operator debug" until the bundle below dir has the files with those texts, and interrupts it then.
func debugUntil(t *testing.T, a *cannedAgent, dir string, files map[string]string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	c := &command{streams: streams{in: strings.NewReader(""), out: &out, err: &out, clock: a.now}, spec: operatorDebugCommand()}
	m := c.meta()
	if err := m.flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for !hasFiles(dir, files) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		stop()
	}()
	if err := c.spec.run(ctx, m, nil); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return out.String()
}

func hasFiles(dir string, files map[string]string) bool {
	for name, text := range files {
		paths, err := filepath.Glob(filepath.Join(dir, name))
		if err != nil || len(paths) != 1 {
			return false
		}
		data, err := os.ReadFile(paths[0])
		if err != nil || !strings.Contains(string(data), text) {
			return false
		}
	}
	return true
}

func TestDebug(t *testing.T) {
	a := debugAgent(t)
	t.Setenv("TMPDIR", t.TempDir())
	const node = "8dc93a18-8ca9-3fd5-1f8a-05641a351069"
	files := map[string]string{
		"cluster/agent-self.json":                       `"stats"`,
		"cluster/members.json":                          "node-1.global",
		"interval/0000/jobs.json":                       "rec-web",
		"interval/0000/nodes.json":                      "8dc93a18",
		"interval/0000/operator-autopilot-health.json":  `{"Healthy":false}`,
		"interval/0001/jobs.json":                       "rec-web",
		"server/node-1.global/monitor.log":              "a line of the log",
		"server/node-1.global/monitor_export.log":       "the log file",
		"server/node-1.global/threadcreate_0001.prof":   "a profile",
		"client/" + node + "/monitor.log":               "a line of the log",
		"client/" + node + "/profile_0000.prof":         "a profile",
		"client/" + node + "/goroutine-debug2_0000.txt": "a profile",
		"eventstream/eventstream.json":                  `{"Index":5,"Events":[]}`,
	}
	out := debugUntil(t, a, filepath.Join(os.TempDir(), "*", "*"), files,
		"-duration", "1h", "-interval", "20ms", "-pprof-interval", "20ms", "-event-topic", "Job:web,Node", "-log-file-export")
	const name = "nomad-debug-2026-11-23-032000Z.tar.gz"
	for _, text := range []string{"Servers  = (1) node-1.global\n", "Clients  = (1) " + node + "\n", "Capture interval 0000\n", "Created debug archive: " + name} {
		if !strings.Contains(out, text) {
			t.Errorf("printed\n%s\nwant %q", out, text)
		}
	}
	files["index.json"] = `"cluster/leader.json: Unexpected response code: 418`
	got := debugFiles(t, name)
	for file, text := range files {
		if !strings.Contains(got[file], text) {
			t.Errorf("%s is %.200q, want one with %q", file, got[file], text)
		}
	}
	onlyFiles(t, name)
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDebugDirectory(t *testing.T) {
	a := debugAgent(t)
	const dir = "out/nomad-debug-2026-11-23-032000Z"
	out := debugUntil(t, a, dir, map[string]string{"server/leader/monitor.log": "a line of the log"}, "-output", "out", "-server-id", "leader", "-node-id", "none")
	if !strings.Contains(out, "Created debug directory: "+dir+"\n") {
		t.Errorf("printed\n%s", out)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v", info, err)
	}
	onlyFiles(t, "out")
}

func TestDebugBadInput(t *testing.T) {
	a := debugAgent(t)
	for want, args := range map[string][]string{
		"must be above 0":                   {"-duration", "0s"},
		"is longer than -duration":          {"-duration", "1s", "-interval", "2s"},
		"at least 1s":                       {"-pprof-duration", "10ms"},
		"-max-nodes must not be negative":   {"-max-nodes", "-1"},
		"Unknown log level \"loud\"":        {"-log-level", "loud"},
		"exclude each other":                {"-log-lookback", "1h", "-log-file-export"},
		"-event-index must not be negative": {"-event-index", "-1"},
		"no server \"nobody\"":              {"-server-id", "nobody"},
		"no node has the class gpu":         {"-node-class", "gpu"},
		"at least two characters":           {"-node-id", "x"},
		"-consul-token is not supported":    {"-consul-token", "t"},
		"-vault-address is not supported":   {"-vault-address", "a"},
		"takes no arguments":                {"extra"},
		"connection refused":                {"-address", "http://127.0.0.1:1"},
	} {
		a.refuses(want, append([]string{"operator", "debug"}, args...)...)
	}
	onlyFiles(t)
}

// TestRequestWithoutInput: a script whose standard input is /dev/null, or a file that is closed, reads.
func TestRequestWithoutInput(t *testing.T) {
	a := newCannedAgent(t)
	a.answers["GET /v1/jobs"] = "[1]"
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var out bytes.Buffer
		if code := runCommand([]string{"operator", "api", "/v1/jobs"}, streams{in: null, out: &out, err: &out, clock: a.now}); code != 0 || out.String() != "[1]" {
			t.Errorf("exit status %d, printed %q", code, out.String())
		}
		null.Close() //nolint:errcheck // nothing was written
	}
}
