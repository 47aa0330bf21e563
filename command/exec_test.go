// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/nomadlike/nomadlike/api"
)

// pieces is a reader that returns one piece of input a time, as a terminal does.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	*p = (*p)[1:]
	return n, nil
}

func TestEscape(t *testing.T) {
	for _, c := range []struct {
		in   pieces
		want string
		left bool
	}{
		{pieces{"ls\r", "exit\r"}, "ls\rexit\r", false},
		{pieces{"~."}, "", true},
		{pieces{"ls\r", "~", ".", "more"}, "ls\r", true},
		{pieces{"a~.b\r"}, "a~.b\r", false},
		{pieces{"~~."}, "~.", false},
		{pieces{"~x"}, "~x", false},
		{pieces{"~", "\r", "~."}, "~\r", true},
		{pieces{"~~", "~."}, "~~.", false},
	} {
		r := &escapeReader{r: &c.in, escape: '~', line: true}
		var got []byte
		buf := make([]byte, 64)
		var err error
		for err == nil {
			var n int
			n, err = r.Read(buf)
			got = append(got, buf[:n]...)
		}
		if string(got) != c.want || errors.Is(err, errDisconnect) != c.left {
			t.Errorf("got %q and %v, want %q, left %v", got, err, c.want, c.left)
		}
	}
}

// screenFile is a terminal for tests, for input and output.
type screenFile struct {
	io.Reader
	bytes.Buffer
}

func (s *screenFile) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func (s *screenFile) Size() (width, height int) { return 100, 30 }

// execServer is an agent with one allocation whose commands say what they were told.
type execServer struct {
	t  *testing.T
	mu struct {
		sync.Mutex
		query string
		input strings.Builder
		size  api.TerminalSize
	}
	// end is how a command ends after its input: the last message, or the text of a close frame.
	end string
}

const execAlloc = "b4176635-bd7f-3b9c-47d2-f2d8a714cc74"

func (s *execServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(text string) { io.WriteString(w, text) } //nolint:errcheck // a test's server
	switch r.URL.Path {
	case "/v1/allocations":
		answer(`[{"ID":"` + execAlloc + `"}]`)
	case "/v1/allocation/" + execAlloc:
		answer(`{"ID":"` + execAlloc + `","JobID":"web","Namespace":"default","NodeID":"n","TaskGroup":"g","Job":{"ID":"web","TaskGroups":[{"Name":"g","Tasks":[{"Name":"t"}]}]}}`)
	case "/v1/node/n":
		answer(`{"ID":"n","Status":"ready","HTTPAddr":"127.0.0.1:1"}`) // nobody listens there
	case "/v1/jobs":
		answer(`[{"ID":"web","Namespace":"default"}]`)
	case "/v1/job/web/actions":
		answer(`[{"Name":"hi","TaskName":"t","TaskGroupName":"g"}]`)
	default:
		s.exec(w, r)
	}
}

func (s *execServer) exec(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.query = r.URL.Path + "?" + r.URL.RawQuery
	for {
		var in api.ExecInput
		if err := conn.ReadJSON(&in); err != nil {
			return
		}
		if in.TTYSize != nil {
			s.mu.size = *in.TTYSize
		}
		if in.Stdin == nil {
			continue
		}
		s.mu.input.Write(in.Stdin.Data)
		if in.Stdin.Close {
			break
		}
	}
	for _, m := range []string{`{"stdout":{"data":"b3V0Cg=="}}`, `{"stderr":{"data":"ZXJyCg=="}}`, `{"stdout":{"close":true}}`} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			s.t.Error(err)
		}
	}
	if json.Valid([]byte(s.end)) {
		err = conn.WriteMessage(websocket.TextMessage, []byte(s.end))
	} else {
		err = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, s.end))
	}
	if err != nil {
		s.t.Error(err)
	}
}

func TestExec(t *testing.T) {
	for _, c := range []struct {
		name, args, in, end string
		code                int
		query, input, errs  string
		width               int32
	}{
		{
			"exit code", "alloc exec b4 cat -h", "typed\n", `{"exited":true,"result":{"exit_code":3}}`, 3,
			"/v1/client/allocation/" + execAlloc + `/exec?command=%5B%22cat%22%2C%22-h%22%5D&namespace=default&task=t`, "typed\n", "err\n", 0,
		},
		{"success", "exec -job web true", "", `{"exited":true,"result":{}}`, 0, "task=t", "", "err\n", 0},
		{"no input", "exec -i=false b4 true", "typed", `{"exited":true,"result":{}}`, 0, "task=t", "", "err\n", 0},
		{"terminal", "alloc exec -ti b4 sh", "x", `{"exited":true,"result":{}}`, 0, "tty=true", "x", "err\n", 100},
		{"refusal", "alloc exec b4 nope", "", "task not found", 1, "task=t", "", "err\nfailed to exec into task: Unexpected response code: 500 (task not found)\n", 0},
		{"unknown task", "alloc exec -task x b4 nope", "", "", 1, "", "", "Could not find task named: x, found:\n  * t\n", 0},
		{
			"action", "job action -job web -group g -task t hi", "", `{"exited":true,"result":{"exit_code":4}}`, 4,
			"/v1/job/web/action?action=hi&allocID=" + execAlloc + "&group=g&namespace=default&task=t", "", "err\n", 0,
		},
		{"unknown action", "job action -job web -alloc b4 ho", "", "", 1, "", "", "No action \"ho\", found:\n  * hi\n", 0},
		{"action where none is", "job action -job web -alloc b4 -task x ho", "", "", 1, "", "", "No action \"ho\", found none\n", 0},
		{"action of what", "job action -job web hi", "", "", 1, "", "", "A group and a task are required", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &execServer{t: t, end: c.end}
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/job/web/allocations" {
					io.WriteString(w, `[{"ID":"`+execAlloc+`","TaskGroup":"g","ClientStatus":"running"}]`) //nolint:errcheck // a test's server
					return
				}
				s.ServeHTTP(w, r)
			}))
			defer web.Close()
			t.Setenv("NOMAD_ADDR", web.URL)
			var errs bytes.Buffer
			out := &screenFile{}
			code := runCommand(strings.Fields(c.args), streams{in: strings.NewReader(c.in), out: out, err: &errs})
			s.mu.Lock()
			defer s.mu.Unlock()
			if code != c.code || !strings.Contains(s.mu.query, c.query) || s.mu.input.String() != c.input ||
				!strings.Contains(errs.String(), c.errs) || s.mu.size.Width != c.width {
				t.Errorf("status %d, asked %q, sent %q, width %d, stderr %q", code, s.mu.query, s.mu.input.String(), s.mu.size.Width, errs.String())
			}
			if c.query != "" && out.String() != "out\n" {
				t.Errorf("stdout %q", out.String())
			}
		})
	}
}
