// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
)

// TestStalledConnections opens connections that never read, or never end what they send, while much is to be sent to
// them. The agent answers others, does not gather what nobody takes, and ends what it runs for them when they go.
func TestStalledConnections(t *testing.T) {
	w := newWorld(t)
	const mark = "never-read-marker"
	alloc := w.allocs[0].ID
	before := resident(t, w.cmd.Process.Pid)
	command := url.QueryEscape(fmt.Sprintf("[%q,%q,%q]", "/bin/sh", "-c", "while :; do echo "+strings.Repeat(mark, 50)+"; done"))
	var conns []net.Conn
	for _, request := range []string{
		"GET /v1/client/allocation/" + alloc + "/exec?task=main&tty=false&command=" + command + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		"GET /v1/event/stream HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/agent/monitor?log_level=trace HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/client/fs/logs/" + alloc + "?task=main&type=stdout&follow=true HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
		"PUT /v1/operator/snapshot HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n\x1f",
		"GET /v1/jobs HTTP/1.1\r\nHost:",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.addr, "http://"))
		w.ok(err)
		defer c.Close()
		w.ok(c.(*net.TCPConn).SetReadBuffer(4096))
		_, err = io.WriteString(c, request)
		w.ok(err)
		conns = append(conns, c)
	}
	w.eventually("the command runs", func() error {
		if !runs(mark) {
			return errors.New("it does not")
		}
		return nil
	})
	for n := range 200 {
		job := shellJob(fmt.Sprintf("stalled-%d", n%5), "batch", 0, "true")
		job.Meta = map[string]string{"text": strings.Repeat("x", 10_000), "n": fmt.Sprint(n)}
		w.register(job)
	}
	w.that(w.logs(w.alloc(), "main") != "", "no log while others stall")
	if grown := resident(t, w.cmd.Process.Pid) - before; grown > 200<<20 {
		w.Errorf("the agent grew by %d MB for readers that read nothing", grown>>20)
	}
	for _, c := range conns {
		c.Close()
	}
	w.eventually("the command of the closed session ends", func() error {
		if runs(mark) {
			return errors.New("it runs on")
		}
		return nil
	})
}

// resident returns the resident memory of a process in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// runs says whether a process has the text in its command line.
func runs(text string) bool {
	return slices.ContainsFunc(processes(), func(p process) bool { return strings.Contains(strings.Join(p.args, " "), text) })
}

// TestSlowEventReader reads the event stream more slowly than events happen: the reader is dropped when the server keeps no
// more for it, the last line says so, and nothing is left out before.
func TestSlowEventReader(t *testing.T) {
	a := newAgent(t, false, "").start()
	nodes, _, err := a.client.Nodes().List(nil)
	if err != nil || len(nodes) != 1 {
		t.Fatal(nodes, err)
	}
	// Evaluations of a node are one write for all system jobs, and nobody works on them.
	if _, _, err := a.client.Operator().SchedulerSetConfiguration(&nomad.SchedulerConfiguration{SchedulerAlgorithm: "binpack", PauseEvalBroker: true}, nil); err != nil {
		t.Fatal(err)
	}
	const jobs, rounds, piece = 1000, 100, 128 << 10
	for n := range jobs {
		job := shellJob(fmt.Sprintf("system-%d", n), "batch", 1, "true")
		kind := "system"
		job.Type = &kind
		a.register(job)
	}
	events := func() net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(a.addr, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "GET /v1/event/stream?topic=Evaluation HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	slow := events()
	var got bytes.Buffer
	for range rounds { // a fifth of what happens, so that the reader does not count as gone
		if _, _, err := a.client.Nodes().ForceEvaluate(nodes[0].ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(&got, slow, piece); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(&got, slow); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(got.String(), "\r\n\r\n")
	seen, last, ended := 0, uint64(0), ""
	for line := range strings.Lines(body) {
		var batch struct {
			Index  uint64
			Events []nomad.Event
			Error  string
		}
		if err := json.Unmarshal([]byte(line), &batch); err != nil {
			t.Fatalf("line %.200q: %v", line, err)
		}
		if ended != "" || batch.Index < last && len(batch.Events) > 0 {
			t.Fatalf("after index %d and the end %q comes %.200q", last, ended, line)
		}
		if len(batch.Events) > 0 {
			last = batch.Index
		}
		seen, ended = seen+len(batch.Events), batch.Error
	}
	if !strings.Contains(ended, "fell behind the event buffer") || seen == 0 || seen >= jobs*rounds {
		t.Errorf("the stream ended with %q after %d of more than %d events", ended, seen, jobs*rounds)
	}
}
