// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateNested: nested errors are listed line by line.
func TestValidateNested(t *testing.T) {
	file := filepath.Join(t.TempDir(), "j.hcl")
	const src = "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n kill_timeout = \"-1s\"\n }\n task \"t\" {\n driver = \"docker\"\n }\n }\n group \"h\" {\n }\n}\n"
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := execute("", "job", "validate", "-address=http://127.0.0.1:1", file)
	if code != 1 || !strings.Contains(errs, `Task "t" redefined`) || !strings.Contains(errs, "Task group h validation failed") {
		t.Fatalf("code %d:\n%s", code, errs)
	}
	list, places, _ := strings.Cut(strings.TrimSpace(errs), "\n\n")
	if places == "" || strings.Contains(places, "\n\n") {
		t.Errorf("blank lines in\n%s", errs)
	}
	if strings.Contains(list, file) {
		t.Errorf("places in the list\n%s", list)
	}
}

// TestPlacesOfMistakes: where a server refuses a job, each mistake is shown with its line in the job file, one that
// several tasks have from their group once.
func TestPlacesOfMistakes(t *testing.T) {
	const src = `job "j" {
  priority = 150
  group "g" {
    restart {
      attempts = -1
    }
    service {
      name = "web"
    }
    task "t" {
      driver = "docker"
      vault {}
    }
    task "u" {
      driver = "docker"
      kill_timeout = "-1s"
    }
  }
}
`
	file := filepath.Join(t.TempDir(), "j.hcl")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	const answer = "refused: Restart attempts can not be less than zero: -1; KillTimeout must be a positive value; " +
		`"consul", which is the default, is not supported yet; set provider = "nomad"; not supported yet`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/validate") {
			_ = json.NewEncoder(w).Encode(map[string]string{"Error": answer})
			return
		}
		http.Error(w, answer, http.StatusInternalServerError)
	}))
	defer server.Close()
	want := strings.ReplaceAll(`
FILE:5: job.group["g"].restart.attempts: Restart attempts can not be less than zero: -1
FILE:16: job.group["g"].task["u"].kill_timeout: KillTimeout must be a positive value
FILE:7: job.group["g"].service.provider: "consul", which is the default, is not supported yet; set provider = "nomad"
FILE:12: job.group["g"].task["t"].vault: not supported yet
`, "FILE", file)
	for _, command := range [][]string{{"job", "validate"}, {"job", "plan"}, {"job", "run"}} {
		_, errs, code := execute("", append(command, "-address="+server.URL, file)...)
		if code == 0 || !strings.HasSuffix(errs, want) || !strings.Contains(errs, "refused") {
			t.Errorf("%v: code %d:\n%s\nwant in the end%s", command, code, errs, want)
		}
	}

	good := filepath.Join(t.TempDir(), "good.hcl")
	if err := os.WriteFile(good, []byte("job \"j\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"docker\"\n    }\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, _ := execute("", "job", "run", "-address="+server.URL, good); strings.Contains(errs, good) {
		t.Errorf("what only the server knows has no place:\n%s", errs)
	}
}

// TestPlaceOfRegion: a region that the servers do not know may stand in the job file, where it wins over -region.
func TestPlaceOfRegion(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "No path to region", http.StatusInternalServerError)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "j.hcl")
	for _, c := range []struct{ set, want string }{{"  region = \"moon\"\n", file + ":2: job.region: No path to region"}, {"", ""}} {
		if err := os.WriteFile(file, []byte("job \"j\" {\n"+c.set+"  group \"g\" {\n    task \"t\" {\n      driver = \"docker\"\n    }\n  }\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"job", "validate"}, {"job", "plan"}, {"job", "run"}} {
			_, errs, code := execute("", append(command, "-region=sun", "-address="+server.URL, file)...)
			_, place, _ := strings.Cut(strings.TrimSpace(errs), "\n\n")
			if code == 0 || place != c.want || !strings.Contains(errs, "No path to region") {
				t.Errorf("%v: code %d, %s", command, code, errs)
			}
		}
	}
}

// TestValidateInterrupted: who ends the command while an agent does not answer is not told that the job is valid.
func TestValidateInterrupted(t *testing.T) {
	a := newCannedAgent(t)
	if err := os.WriteFile("w.hcl", []byte("job \"w\" {\n  group \"g\" {\n    task \"t\" {\n      driver = \"exec\"\n    }\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	m := &meta{streams: streams{out: &out, err: &out, clock: a.now}, address: a.srv.URL}
	if err := jobValidateCommand().run(ctx, m, []string{"w.hcl"}); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("it ended with %v and printed %q", err, out.String())
	}
}
