// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

// call runs an operation on the client.
func call[Req, Resp any](b *bench, op *api.Op[Req, Resp], req *Req) (Resp, error) {
	b.t.Helper()
	fn := b.client.Handlers().Unary(op.Info().Name)
	if fn == nil {
		b.t.Fatalf("%s is not served", op.Info().Name)
	}
	got, err := fn(b.t.Context(), any(req).(api.Request))
	resp, _ := got.(Resp)
	return resp, err
}

// stream runs a streaming operation on the client and returns its caller's end.
func stream[Req, In, Out any](b *bench, op *api.StreamOp[Req, In, Out], req *Req) api.Stream {
	b.t.Helper()
	fn := b.client.Handlers().Streaming(op.Info().Name)
	if fn == nil {
		b.t.Fatalf("%s is not served", op.Info().Name)
	}
	caller, handler, finish := opset.Pipe(context.Background())
	go func() { finish(fn(handler.Context(), any(req).(api.Request), handler)) }()
	return caller
}

// readAll reads frames to the end of the stream.
func readAll(s api.Stream) (string, error) {
	var data strings.Builder
	for {
		var f api.StreamFrame
		if err := s.Recv(&f); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return data.String(), err
		}
		data.Write(f.Data)
	}
}

func TestEveryNodeOperationIsServed(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		set := b.client.Handlers()
		for _, op := range api.Operations() {
			if op.Mode == api.ModeNode && set.Unary(op.Name) == nil && set.Streaming(op.Name) == nil {
				t.Errorf("%s is not served", op.Name)
			}
		}
	})
}

func (b *bench) write(n int, name, data string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.allocDir(n), name), []byte(data), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func TestFilesAndLogs(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		b.write(1, "t/local/hello.txt", "hello")
		b.write(1, "alloc/logs/t.stdout.0", "one\n")

		if list, err := call(b, api.FSList, &api.FSRequest{AllocID: id(1), Path: "/t/local"}); err != nil || len(list) != 1 || list[0].Name != "hello.txt" {
			t.Errorf("ls = %v, %v", list, err)
		}
		if info, err := call(b, api.FSStat, &api.FSRequest{AllocID: id(1), Path: "/t/local/hello.txt"}); err != nil || info.Size != 5 {
			t.Errorf("stat = %v, %v", info, err)
		}
		if got, err := readAll(stream(b, api.FSCat, &api.FSRequest{AllocID: id(1), Path: "/t/local/hello.txt"})); err != nil || got != "hello" {
			t.Errorf("cat = %q, %v", got, err)
		}
		if got, err := readAll(stream(b, api.FSReadAt, &api.FSReadRequest{AllocID: id(1), Path: "/t/local/hello.txt", Offset: "1", Limit: 3})); err != nil || got != "ell" {
			t.Errorf("readat = %q, %v", got, err)
		}
		if got, err := readAll(stream(b, api.FSStream, &api.FSStreamRequest{AllocID: id(1), Path: "/t/local/hello.txt", Follow: "false"})); err != nil || got != "hello" {
			t.Errorf("stream = %q, %v", got, err)
		}
		if got, err := readAll(stream(b, api.FSLogs, &api.LogsRequest{AllocID: id(1), Task: "t", LogType: "stdout"})); err != nil || got != "one\n" {
			t.Errorf("logs = %q, %v", got, err)
		}
		for _, tc := range []struct {
			req  *api.LogsRequest
			code int
			text string
		}{
			{&api.LogsRequest{AllocID: id(1), LogType: "stdout"}, 400, "must provide task name"},
			{&api.LogsRequest{AllocID: id(1), Task: "t"}, 400, "must provide log type (stdout/stderr)"},
			{&api.LogsRequest{AllocID: id(1), Task: "nope", LogType: "stdout"}, 400, `unknown task name "nope"`},
			{&api.LogsRequest{AllocID: id(1), Task: "t", LogType: "stderr"}, 404, `log entry for task "t" and log type "stderr" not found`},
			{&api.LogsRequest{AllocID: id(9), Task: "t", LogType: "stdout"}, 404, `Unknown allocation "` + id(9) + `"`},
		} {
			_, err := readAll(stream(b, api.FSLogs, tc.req))
			if err == nil || err.Error() != tc.text || api.AsError(err).HTTPCode() != tc.code {
				t.Errorf("error %v, want %q with code %d", err, tc.text, tc.code)
			}
		}
		if _, err := call(b, api.FSList, &api.FSRequest{AllocID: id(9)}); err == nil || api.AsError(err).HTTPCode() != 404 {
			t.Errorf("ls of an unknown allocation = %v", err)
		}
	})
}

func TestLogsOfATaskThatHasNotStarted(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService, "start_takes=1h"))
		pass(time.Second)
		_, err := readAll(stream(b, api.FSLogs, &api.LogsRequest{AllocID: id(1), Task: "t", LogType: "stdout"}))
		if err == nil || err.Error() != `task "t" not started yet. No logs available` || api.AsError(err).HTTPCode() != 404 {
			t.Errorf("error %v", err)
		}
		pass(2 * time.Hour)
	})
}

func TestRestartSignalAndStats(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		if got, err := call(b, api.AllocSignal, &api.AllocSignalRequest{AllocID: id(1), Task: "t", Signal: "SIGUSR1"}); err != nil || got.Index != 0 {
			t.Errorf("signal = %v, %v", got, err)
		}
		if got, err := call(b, api.AllocRestart, &api.AllocRestartRequest{AllocID: id(1), TaskName: "t"}); err != nil || got.Index != 0 {
			t.Errorf("restart = %v, %v", got, err)
		}
		synctest.Wait()
		for _, tc := range []struct {
			req  *api.AllocRestartRequest
			code int
			text string
		}{
			{&api.AllocRestartRequest{AllocID: id(1), TaskName: "t", AllTasks: true}, 500, "task name cannot be set when restarting all tasks"},
			{&api.AllocRestartRequest{AllocID: id(1), TaskName: "nope"}, 500, "Could not find task runner for task: nope"},
			{&api.AllocRestartRequest{AllocID: id(9)}, 404, `Unknown allocation "` + id(9) + `"`},
		} {
			if _, err := call(b, api.AllocRestart, tc.req); err == nil || err.Error() != tc.text || api.AsError(err).HTTPCode() != tc.code {
				t.Errorf("error %v, want %q with code %d", err, tc.text, tc.code)
			}
		}
		u, err := call(b, api.AllocStats, &api.AllocStatsRequest{AllocID: id(1)})
		if err != nil || u.ResourceUsage.MemoryStats.RSS != 1<<20 || u.Tasks["t"].Pids["1"] == nil || u.Timestamp == 0 || u.ResourceUsage.DeviceStats == nil {
			t.Errorf("stats = %+v, %v", u, err)
		}
		if u, err := call(b, api.AllocStats, &api.AllocStatsRequest{AllocID: id(1), Task: "nope"}); err != nil || len(u.Tasks) != 0 || u.ResourceUsage.MemoryStats.RSS != 0 {
			t.Errorf("stats of an unknown task = %+v, %v", u, err)
		}
		h, err := call(b, api.ClientStats, &api.ClientRequest{})
		if err != nil || h.Timestamp == 0 || h.AllocDirStats == nil {
			t.Errorf("host stats = %+v, %v", h, err)
		}
	})
}

func TestCollectOnRequest(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService), allocation(2, api.JobTypeBatch, "run_for=1s"), allocation(3, api.JobTypeBatch, "run_for=1s"))
		pass(2 * time.Second)
		for _, n := range []int{1, 9} {
			_, err := call(b, api.ClientAllocGC, &api.ClientAllocGCRequest{AllocID: id(n)})
			if err == nil || err.Error() != "No such allocation on client, or allocation not eligible for GC" || api.AsError(err).HTTPCode() != 500 {
				t.Errorf("gc of allocation %d = %v", n, err)
			}
		}
		if _, err := call(b, api.ClientAllocGC, &api.ClientAllocGCRequest{AllocID: id(2)}); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(b.allocDir(2)); err == nil {
			t.Error("the directory is still there")
		}
		if _, err := call(b, api.ClientGC, &api.ClientRequest{}); err != nil {
			t.Error(err)
		}
		for n, there := range map[int]bool{1: true, 3: false} {
			if _, err := os.Stat(b.allocDir(n)); (err == nil) != there {
				t.Errorf("allocation %d: there %t, want %t", n, err == nil, there)
			}
		}
	})
}

func TestExec(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		s := stream(b, api.AllocExec, &api.ExecRequest{AllocID: id(1), Task: "t", Command: `["/bin/cat"]`})
		for _, in := range []*api.ExecInput{{Stdin: &api.ExecIO{Data: []byte("typed\n")}}, {}} {
			if err := s.Send(in); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		next := func() *api.ExecOutput {
			var out api.ExecOutput
			if err := s.Recv(&out); err != nil {
				got = append(got, err.Error())
				return nil
			}
			switch {
			case out.Stdout != nil && out.Stdout.Close:
				got = append(got, "stdout close")
			case out.Stdout != nil:
				got = append(got, "stdout "+string(out.Stdout.Data))
			case out.Stderr != nil && out.Stderr.Close:
				got = append(got, "stderr close")
			case out.Stderr != nil:
				got = append(got, "stderr "+string(out.Stderr.Data))
			case out.Exited:
				got = append(got, "exited")
				if out.Result == nil || out.Result.ExitCode != 3 {
					t.Errorf("result = %+v", out.Result)
				}
			}
			return &out
		}
		next()
		next()
		if err := s.Send(&api.ExecInput{Stdin: &api.ExecIO{Close: true}}); err != nil {
			t.Fatal(err)
		}
		for next() != nil {
		}
		want := "stdout out typed\n|stderr err typed\n|stderr close|stdout close|exited|EOF"
		if strings.Join(got, "|") != want {
			t.Errorf("exec says %q, want %q", strings.Join(got, "|"), want)
		}
	})
}

func TestExecWithATerminal(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		s := stream(b, api.AllocExec, &api.ExecRequest{AllocID: id(1), Task: "t", TTY: true, Command: `["stty","size"]`})
		if err := s.Send(&api.ExecInput{TTYSize: &api.TerminalSize{Height: 40, Width: 120}}); err != nil {
			t.Fatal(err)
		}
		var out api.ExecOutput
		if err := s.Recv(&out); err != nil || string(out.Stdout.Data) != "40 120\r\n" {
			t.Errorf("first message %+v, %v", out, err)
		}
		out = api.ExecOutput{}
		if err := s.Recv(&out); err != nil || out.Stdout == nil || !out.Stdout.Close {
			t.Errorf("second message %+v, %v", out, err)
		}
		out = api.ExecOutput{}
		if err := s.Recv(&out); err != nil || !out.Exited || out.Result.ExitCode != 0 {
			t.Errorf("last message %+v, %v", out, err)
		}
	})
}

func TestExecErrors(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.servers.Place(allocation(1, api.JobTypeService))
		pass(time.Second)
		for _, tc := range []struct {
			req  *api.ExecRequest
			code int
			text string
		}{
			{&api.ExecRequest{AllocID: id(1), Task: "nope", Command: `["x"]`}, 500, "task not found"},
			{&api.ExecRequest{AllocID: id(1), Task: "t"}, 500, "failed to marshal command into json: unexpected end of JSON input"},
			{&api.ExecRequest{AllocID: id(1), Task: "t", Command: `[]`}, 400, "command is not present"},
			{&api.ExecRequest{AllocID: id(9), Task: "t", Command: `["x"]`}, 404, `Unknown allocation "` + id(9) + `"`},
		} {
			var out api.ExecOutput
			err := stream(b, api.AllocExec, tc.req).Recv(&out)
			if err == nil || err.Error() != tc.text || api.AsError(err).HTTPCode() != tc.code {
				t.Errorf("error %v, want %q with code %d", err, tc.text, tc.code)
			}
		}
	})
}

func TestJobAction(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := allocation(1, api.JobTypeService)
		a.Job.TaskGroups[0].Tasks[0].Actions = []*api.Action{{Name: "show-size", Command: "stty", Args: []string{"size"}}}
		b.servers.Place(a)
		pass(time.Second)
		s := stream(b, api.JobActionRun, &api.JobActionRequest{JobID: a.JobID, AllocID: a.ID, Task: "t", Action: "show-size", TTY: true})
		if err := s.Send(&api.ExecInput{TTYSize: &api.TerminalSize{Height: 40, Width: 120}}); err != nil {
			t.Fatal(err)
		}
		var out api.ExecOutput
		if err := s.Recv(&out); err != nil || string(out.Stdout.Data) != "40 120\r\n" {
			t.Errorf("first message %+v, %v", out, err)
		}
		for out = (api.ExecOutput{}); s.Recv(&out) == nil; {
		}
		if !out.Exited {
			t.Errorf("last message %+v", out)
		}
		for _, tc := range []struct {
			req  *api.JobActionRequest
			code int
			text string
		}{
			{&api.JobActionRequest{JobID: a.JobID, AllocID: a.ID, Action: "show-size"}, 400, "must provide task name"},
			{&api.JobActionRequest{JobID: a.JobID, AllocID: a.ID, Task: "t", Action: "x"}, 400, "action x not found in task t"},
			{&api.JobActionRequest{JobID: a.JobID, AllocID: a.ID, Task: "y", Action: "show-size"}, 400, "action show-size not found in task y"},
			{&api.JobActionRequest{JobID: "other", AllocID: a.ID, Task: "t", Action: "show-size"}, 400, `allocation "` + a.ID + `" is of job "` + a.JobID + `", not of "other"`},
			{&api.JobActionRequest{JobID: a.JobID, AllocID: id(9), Task: "t", Action: "show-size"}, 404, `Unknown allocation "` + id(9) + `"`},
		} {
			var out api.ExecOutput
			err := stream(b, api.JobActionRun, tc.req).Recv(&out)
			if err == nil || err.Error() != tc.text || api.AsError(err).HTTPCode() != tc.code {
				t.Errorf("error %v, want %q with code %d", err, tc.text, tc.code)
			}
		}
	})
}
