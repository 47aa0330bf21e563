// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output of testdata/*.txt anew")

// TestGolden runs the commands of testdata/*.txt against canned answers and compares what they print. A file has
// lines, and blank lines between them:
//
//	METHOD PATH < RECORDING   the answer is the recorded file
//	METHOD PATH = TEXT        the answer is the text; "= 404 TEXT" sets the status
//	file NAME = TEXT          a file in the working directory; "\n" is a new line
//	in TEXT                   what the next command reads from standard input
//	$ COMMAND                 runs the command; its output follows, with "-> METHOD PATH BODY" for every write that it
//	                          sent and "exit N" when that is not 0
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) { golden(t, abs) })
	}
}

func golden(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := newCannedAgent(t)
	var got strings.Builder
	skip, input := false, ""
	for line := range strings.SplitSeq(strings.TrimRight(string(data), "\n"), "\n") {
		isCommand := strings.HasPrefix(line, "$ ")
		set := !isCommand && a.line(line)
		text, isInput := strings.CutPrefix(line, "in ")
		switch {
		case isCommand:
			fmt.Fprintf(&got, "%s\n%s\n", line, a.run(shellWords(line[2:]), input))
			skip, input = true, ""
			continue
		case isInput:
			input, set = unescape(text), true
		}
		if set || strings.HasPrefix(line, "# ") {
			skip = false
		}
		if !skip {
			fmt.Fprintln(&got, line)
		}
	}
	out := strings.TrimRight(got.String(), "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil { //nolint:gosec // a test's data
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(data), out); d != "" {
		t.Errorf("output differs (-want +got); see it in full with -rewrite:\n%s", d)
	}
}

func unescape(s string) string { return strings.ReplaceAll(s, `\n`, "\n") }

// longBody is how much of a request's body is shown.
const longBody = 600

// cannedAgent answers requests with what a test says.
type cannedAgent struct {
	t          *testing.T
	srv        *httptest.Server
	recordings string

	mu      sync.Mutex
	answers map[string]string
	headers map[string]string
	// body is the last one that was sent.
	body   []byte
	status map[string]int
	writes []string
}

func newCannedAgent(t *testing.T) *cannedAgent {
	dir, err := filepath.Abs("../api/testdata/recorded")
	if err != nil {
		t.Fatal(err)
	}
	a := &cannedAgent{t: t, recordings: dir, answers: map[string]string{}, status: map[string]int{}}
	a.srv = httptest.NewServer(a)
	t.Cleanup(a.srv.Close)
	t.Setenv("NOMAD_ADDR", a.srv.URL)
	t.Chdir(t.TempDir())
	return a
}

// line takes a line that sets an answer or a file.
func (a *cannedAgent) line(line string) bool {
	words := strings.SplitN(line, " ", 4)
	if len(words) < 3 {
		return false
	}
	rest := strings.Join(words[3:], "")
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case words[0] == "file" && words[2] == "=":
		if err := os.WriteFile(words[1], []byte(unescape(rest)), 0o600); err != nil {
			a.t.Fatal(err)
		}
	case strings.HasPrefix(words[1], "/") && words[2] == "<":
		recorded, err := os.ReadFile(filepath.Join(a.recordings, rest))
		if err != nil {
			a.t.Fatal(err)
		}
		a.answers[words[0]+" "+words[1]], a.status[words[0]+" "+words[1]] = string(recorded), http.StatusOK
	case strings.HasPrefix(words[1], "/") && words[2] == "=":
		code := http.StatusOK
		if n, err := fmt.Sscanf(rest, "%d ", &code); n == 1 && err == nil && code >= 100 {
			_, rest, _ = strings.Cut(rest, " ")
		}
		a.answers[words[0]+" "+words[1]], a.status[words[0]+" "+words[1]] = rest, code
	default:
		return false
	}
	return true
}

func (a *cannedAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.t.Error(err)
	}
	if r.Method != http.MethodGet {
		a.body = body
		if len(body) > longBody { // such as a whole job
			body = append(body[:longBody:longBody], "..."...)
		}
		a.writes = append(a.writes, strings.TrimSpace(fmt.Sprintf("-> %s %s %s", r.Method, r.URL.RequestURI(), body)))
	}
	key := r.Method + " " + r.URL.Path
	answer, ok := a.answers[key+"?"+r.URL.RawQuery]
	if ok {
		key += "?" + r.URL.RawQuery
	} else if answer, ok = a.answers[key]; !ok {
		http.Error(w, "no canned answer for "+r.Method+" "+r.URL.RequestURI(), http.StatusTeapot)
		return
	}
	w.Header()["Date"] = nil
	for k, v := range a.headers {
		w.Header().Set(k, v)
	}
	if code := a.status[key]; code != 0 {
		w.WriteHeader(code)
	}
	if _, err := io.WriteString(w, answer); err != nil {
		a.t.Error(err)
	}
}

// now is the time of the commands.
func (a *cannedAgent) now() time.Time { return time.Date(2026, 11, 23, 3, 20, 0, 0, time.UTC) }

// run runs a command and returns what it printed, sent and ended with.
func (a *cannedAgent) run(args []string, input string) string {
	var out bytes.Buffer
	a.mu.Lock()
	a.writes = nil
	a.mu.Unlock()
	code := runCommand(args, streams{in: strings.NewReader(input), out: &out, err: &out, clock: a.now})
	a.mu.Lock()
	defer a.mu.Unlock()
	text := strings.ReplaceAll(out.String(), a.srv.URL, "http://127.0.0.1:4646")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for _, w := range a.writes {
		text += w + "\n"
	}
	if code != 0 {
		text += fmt.Sprintf("exit %d\n", code)
	}
	return text
}

// shellWords splits a command line; single quotes hold words together.
func shellWords(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out[1:] // without the program's name
}
