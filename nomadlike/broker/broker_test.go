// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// script runs broker commands, one a line, and compares what each answers:
//
//	add <id> job=<job> [pri=50] [type=service] [index=n] [mod=n] [wait=30s]
//	next [queue]      -> id, or "-" when nothing is ready
//	ack|nack|verify <id>
//	pause|resume <id> (nack timer)
//	remove <id>
//	sleep <duration>
//	cancelable        -> ids
//	stats             -> ready= out= pending= waiting= failed=
type script struct {
	t      *testing.T
	b      *Broker
	index  uint64
	tokens map[string]string
}

func (s *script) run(line string) string {
	words := strings.Fields(line)
	arg := ""
	if len(words) > 1 {
		arg = words[1]
	}
	text := func(err error) string {
		switch {
		case err == nil:
			return "ok"
		case errors.Is(err, ErrNotOutstanding):
			return "not outstanding"
		case errors.Is(err, ErrTokenMismatch):
			return "wrong token"
		}
		return err.Error()
	}
	switch words[0] {
	case "add":
		s.b.Enqueue(s.parse(words[1:]))
		return "ok"
	case "next":
		return s.next(arg)
	case "ack":
		return text(s.b.Ack(arg, s.tokens[arg]))
	case "nack":
		return text(s.b.Nack(arg, s.tokens[arg]))
	case "verify":
		return text(s.b.Verify(arg, s.tokens[arg]))
	case "pause":
		return text(s.b.PauseNack(arg, s.tokens[arg]))
	case "resume":
		return text(s.b.ResumeNack(arg, s.tokens[arg]))
	case "remove":
		s.b.Remove(arg)
		return "ok"
	case "enable", "disable":
		s.b.SetEnabled(words[0] == "enable")
		return "ok"
	case "sleep":
		d, err := time.ParseDuration(arg)
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d) // virtual: the script runs in a bubble
		synctest.Wait()
		return "ok"
	case "cancelable":
		var ids []string
		for _, e := range s.b.Cancelable(100) {
			ids = append(ids, e.ID)
		}
		return fmt.Sprint(ids)
	case "stats":
		st := s.b.Stats()
		return fmt.Sprintf("ready=%d out=%d pending=%d waiting=%d failed=%d", st.Ready, st.Unacked, st.Pending, st.Waiting, st.Failed)
	}
	s.t.Fatalf("unknown command %q", line)
	return ""
}

func (s *script) parse(words []string) *api.Evaluation {
	s.index++
	e := &api.Evaluation{
		ID: words[0], Namespace: "default", JobID: words[0], Type: "service", Priority: 50,
		Status: "pending", CreateIndex: s.index, ModifyIndex: s.index,
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		var n int
		_, _ = fmt.Sscan(value, &n)
		switch key {
		case "job":
			e.JobID = value
		case "ns":
			e.Namespace = value
		case "type":
			e.Type = value
		case "pri":
			e.Priority = n
		case "index":
			e.CreateIndex = uint64(n)
		case "mod":
			e.ModifyIndex = uint64(n)
		case "wait":
			d, err := time.ParseDuration(value)
			if err != nil {
				s.t.Fatal(err)
			}
			at := time.Now().Add(d)
			e.WaitUntil = &at
		default:
			s.t.Fatalf("unknown setting %q", w)
		}
	}
	return e
}

func (s *script) next(queue string) string {
	qs := allKinds
	if queue != "" {
		qs = []string{queue}
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Nanosecond)
	defer cancel()
	e, token, err := s.b.Dequeue(ctx, qs...)
	if err != nil {
		return "-"
	}
	s.tokens[e.ID] = token
	return e.ID
}

func TestBrokerScripts(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"higher priority first, then older", `
			add a
			add b pri=70
			add c pri=70
			next -> b
			next -> c
			next -> a
			next -> -`},
		{"queues are by job type", `
			add a type=batch
			add b type=system
			next system -> b
			next service -> -
			next batch -> a`},
		{"one evaluation of a job at a time, all but the newest waiting one canceled", `
			add a job=j
			next -> a
			add b job=j
			add c job=j pri=90
			add d job=j
			next -> -
			stats -> ready=0 out=1 pending=3 waiting=0 failed=0
			ack a -> ok
			next -> d
			next -> -
			cancelable -> [b c]
			ack d -> ok
			stats -> ready=0 out=0 pending=0 waiting=0 failed=0`},
		{"same job ID in another namespace is another job", `
			add a job=j
			add b job=j ns=other
			next -> a
			next -> b`},
		{"delayed evaluations come at their time and do not hold their job", `
			add a job=j wait=30s
			add b job=j
			next -> b
			ack b -> ok
			next -> -
			sleep 29s
			next -> -
			sleep 2s
			next -> a`},
		{"several delays, in order", `
			add a wait=30s
			add b wait=10s
			add c wait=20s
			sleep 10s
			next -> b
			sleep 10s
			next -> c
			sleep 10s
			next -> a`},
		{"nack delays 1s, then 20s, then fails", `
			add a
			next -> a
			nack a -> ok
			next -> -
			sleep 999ms
			next -> -
			sleep 1ms
			next -> a
			nack a -> ok
			sleep 19s
			next -> -
			sleep 1s
			next -> a
			nack a -> ok
			sleep 1h
			next -> -
			stats -> ready=0 out=0 pending=0 waiting=0 failed=1
			next _failed -> a
			ack a -> ok
			stats -> ready=0 out=0 pending=0 waiting=0 failed=0`},
		{"the nack timer takes an evaluation back after 60s", `
			add a
			next -> a
			sleep 59s
			verify a -> ok
			sleep 1s
			verify a -> not outstanding
			ack a -> not outstanding
			sleep 1s
			next -> a
			verify a -> ok`},
		{"a paused nack timer does not run", `
			add a
			next -> a
			sleep 50s
			pause a -> ok
			sleep 10m
			verify a -> ok
			resume a -> ok
			sleep 59s
			verify a -> ok
			sleep 1s
			verify a -> not outstanding`},
		{"an evaluation given back lets the newest waiting one go first", `
			add a job=j
			next -> a
			add b job=j
			nack a -> ok
			next -> b
			sleep 1s
			next -> -
			ack b -> ok
			next -> a`},
		{"a failed evaluation does not hold its job", `
			add a job=j
			next -> a
			nack a
			sleep 1s
			next -> a
			nack a
			sleep 20s
			next -> a
			nack a
			add b job=j
			next -> b
			next _failed -> a
			nack a -> ok
			next _failed -> a`},
		{"known evaluations are ignored", `
			add a index=5 mod=5
			add a index=5 mod=5
			next -> a
			add a index=5 mod=5
			ack a -> ok
			next -> -`},
		{"a newer version of one that is out comes after it", `
			add a index=5 mod=5
			next -> a
			add a index=5 mod=9
			next -> -
			ack a -> ok
			next -> a`},
		{"a newer version of an old one does not displace a newer evaluation", `
			add a job=j index=5 mod=5
			next -> a
			add b job=j index=7 mod=7
			add a job=j index=5 mod=9
			ack a -> ok
			next -> b
			cancelable -> [a]`},
		{"removal", `
			add a job=j
			add b job=j
			remove a
			next -> b
			remove b
			verify b -> ok
			ack b -> ok
			next -> -`},
		{"removal of waiting ones", `
			add a job=j
			add b job=j
			add c wait=10s
			remove b
			remove c
			next -> a
			ack a
			sleep 1m
			next -> -
			stats -> ready=0 out=0 pending=0 waiting=0 failed=0`},
		{"disabled brokers hold nothing", `
			add a
			next -> a
			add b wait=10s
			disable
			ack a -> not outstanding
			enable
			sleep 1h
			next -> -
			add a
			next -> a`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, b: NewBroker(Config{}), tokens: map[string]string{}}
				s.b.SetEnabled(true)
				for line := range strings.SplitSeq(strings.TrimSpace(c.script), "\n") {
					command, want, check := strings.Cut(line, "->")
					got := s.run(strings.TrimSpace(command))
					if check && got != strings.TrimSpace(want) {
						t.Fatalf("%s -> %s, want %s", strings.TrimSpace(command), got, strings.TrimSpace(want))
					}
				}
				s.b.SetEnabled(false)
			})
		})
	}
}

// TestBrokerModel drives a broker with random operations and checks after each that no two evaluations
// of a job are out and that none is lost: each is held, acknowledged, cancelable or failed.
func TestBrokerModel(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { brokerModel(t, seed) })
	}
}

func brokerModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	b := NewBroker(Config{})
	b.SetEnabled(true)
	defer b.SetEnabled(false)
	type state struct {
		eval *api.Evaluation
	}
	all := map[string]*state{}   // not finished
	out := map[string]string{}   // id -> token
	taken := map[string]string{} // job -> id
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // Dequeue never waits
	for step := range 600 {
		switch r.IntN(10) {
		case 0, 1, 2:
			id := fmt.Sprintf("e%d", step)
			e := &api.Evaluation{
				ID: id, Namespace: "default", JobID: fmt.Sprintf("j%d", r.IntN(5)), Type: "service",
				Priority: r.IntN(100), Status: "pending", CreateIndex: uint64(step + 1), ModifyIndex: uint64(step + 1),
			}
			if r.IntN(5) == 0 {
				at := time.Now().Add(time.Duration(r.IntN(60)) * time.Second)
				e.WaitUntil = &at
			}
			all[id] = &state{eval: e}
			b.Enqueue(e)
		case 3, 4, 5:
			e, token, err := b.Dequeue(ctx, append([]string{FailedQueue}, allKinds...)...)
			if err != nil {
				continue
			}
			if all[e.ID] == nil {
				t.Fatalf("seed %d: %s was handed out after its end", seed, e.ID)
			}
			failed := b.mu.items[e.ID].place == placeFailed
			other := taken[e.JobID]
			if !failed && other != "" && b.Verify(other, out[other]) == nil && b.mu.items[other].place != placeFailed {
				t.Fatalf("seed %d: %s and %s of %s are out together", seed, other, e.ID, e.JobID)
			}
			out[e.ID] = token
			if !failed {
				taken[e.JobID] = e.ID
			}
		case 6, 7, 8:
			for id, token := range out {
				delete(out, id)
				if b.Verify(id, token) != nil {
					continue // the nack timer was faster
				}
				if taken[all[id].eval.JobID] == id {
					delete(taken, all[id].eval.JobID)
				}
				if r.IntN(3) == 0 {
					if err := b.Nack(id, token); err != nil {
						t.Fatal(err)
					}
				} else {
					if err := b.Ack(id, token); err != nil {
						t.Fatal(err)
					}
					delete(all, id)
				}
				break
			}
		case 9:
			time.Sleep(time.Duration(r.IntN(30)) * time.Second)
			synctest.Wait()
		}
		for _, e := range b.Cancelable(3) {
			if all[e.ID] == nil {
				t.Fatalf("seed %d: %s is cancelable after its end", seed, e.ID)
			}
			delete(all, e.ID)
		}
		st := b.Stats()
		if held := st.Ready + st.Unacked + st.Pending + st.Waiting + st.Failed + st.Cancelable; held != len(all) {
			t.Fatalf("seed %d step %d: broker holds %d evaluations (%+v), want %d", seed, step, held, st, len(all))
		}
	}
}

func TestDequeueWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker(Config{})
		b.SetEnabled(true)
		got := make(chan string)
		for range 2 {
			go func() {
				e, _, err := b.Dequeue(t.Context(), allKinds...)
				if err != nil {
					got <- err.Error()
					return
				}
				got <- e.ID
			}()
		}
		synctest.Wait()
		b.Enqueue(&api.Evaluation{ID: "a", JobID: "a", Type: "batch"})
		if id := <-got; id != "a" {
			t.Fatalf("got %s, want a", id)
		}
		b.Enqueue(&api.Evaluation{ID: "b", JobID: "b", Type: "service"})
		if id := <-got; id != "b" {
			t.Fatalf("got %s, want b", id)
		}
		b.SetEnabled(false)
	})
}

func BenchmarkBroker(b *testing.B) {
	for _, queued := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			br := NewBroker(Config{})
			br.SetEnabled(true)
			n := 0
			add := func() {
				n++
				id := fmt.Sprint(n)
				br.Enqueue(&api.Evaluation{ID: id, JobID: id, Type: "service", Priority: 50, CreateIndex: uint64(n), ModifyIndex: uint64(n)})
			}
			for range queued {
				add()
			}
			b.ReportAllocs()
			for b.Loop() {
				add()
				e, token, err := br.Dequeue(b.Context(), allKinds...)
				if err != nil {
					b.Fatal(err)
				}
				if err := br.Ack(e.ID, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
