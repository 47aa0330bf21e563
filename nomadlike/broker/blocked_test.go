// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// TestBlockedScripts runs commands, one a line; "-> ids" compares what was released since:
//
//	block <id> job=<job> snap=<index> [mod=n] [yes=class,...] [no=class,...] [escaped] [max] [system node=<id>]
//	unblock <index> <class>...
//	node <index> <node id>
//	all <index>
//	maxplans, prune, untrack <job> [node], remove <id>, sleep <duration>
//	duplicates  -> ids
func TestBlockedScripts(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"released by an eligible or an unknown class, not by an ineligible one", `
			block a job=a snap=10 yes=v1:x no=v1:y
			unblock 11 v1:y -> []
			unblock 12 v1:x -> [a]
			block b job=b snap=20 yes=v1:x no=v1:y
			unblock 21 v1:z -> [b]`},
		{"escaped ones are released by every class", `
			block a job=a snap=10 no=v1:x escaped
			unblock 11 v1:x -> [a]`},
		{"one a job, the newer stays", `
			block a job=j snap=10 mod=1 yes=v1:x
			block b job=j snap=11 mod=2 yes=v1:x
			duplicates -> [a]
			unblock 12 v1:x -> [b]
			block d job=k snap=20 mod=9 yes=v1:x
			block c job=k snap=20 mod=8 yes=v1:x
			duplicates -> [c]
			unblock 22 v1:x -> [d]`},
		{"a change after the snapshot releases at once", `
			unblock 15 v1:x -> []
			block a job=a snap=10 yes=v1:x -> [a]
			block b job=b snap=15 yes=v1:x -> []
			block c job=c snap=10 no=v1:x yes=v1:y -> []
			block d job=d snap=10 no=v1:z -> [d]`},
		{"a change that the snapshot saw releases nothing", `
			block a job=a snap=10 yes=v1:x
			unblock 9 v1:x -> []
			unblock 10 v1:x -> []
			unblock 11 v1:x -> [a]`},
		{"everything", `
			block a job=a snap=10 no=v1:x
			all 11 -> [a]
			block b job=b snap=10 no=v1:x -> [b]
			block c job=c snap=11 no=v1:x -> []`},
		{"system evaluations wait for their node too", `
			block a job=j snap=10 no=v1:x system node=n1
			block b job=j snap=10 no=v1:x system node=n2
			duplicates -> []
			node 11 n1 -> [a]
			block a job=j snap=10 mod=3 no=v1:x system node=n1 -> [a]
			node 12 n2 -> [b]`},
		{"those that lost too many races are released by the timer only among themselves", `
			block a job=a snap=10 yes=v1:x max
			block b job=b snap=10 yes=v1:x
			maxplans -> [a]
			unblock 11 v1:x -> [b]`},
		{"untrack cancels", `
			block a job=j snap=10 yes=v1:x
			untrack j
			duplicates -> [a]
			unblock 11 v1:x -> []`},
		{"untrack of one node", `
			block a job=j snap=10 system node=n1
			block b job=j snap=10 system node=n2
			untrack j n2
			duplicates -> [b]
			node 11 n1 -> [a]`},
		{"remove forgets", `
			block a job=j snap=10 yes=v1:x
			remove a
			unblock 11 v1:x -> []
			duplicates -> []`},
		{"a newer version replaces an older one", `
			block a job=j snap=10 mod=1 no=v1:x
			block a job=j snap=20 mod=2 yes=v1:x
			duplicates -> []
			unblock 15 v1:x -> []
			unblock 21 v1:x -> [a]`},
		{"changes are forgotten after fifteen minutes", `
			unblock 15 v1:x
			sleep 14m
			prune
			block a job=a snap=10 yes=v1:x -> [a]
			sleep 2m
			prune
			block b job=b snap=10 yes=v1:x -> []`},
		{"released in the order of the broker", `
			block a job=a snap=10 mod=3
			block b job=b snap=10 mod=1
			block c job=c snap=10 mod=2
			unblock 11 v1:x -> [b c a]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { blockedScript(t, c.script) })
		})
	}
}

func blockedScript(t *testing.T, script string) {
	var released []string
	b := NewBlocked(func(evals []*api.Evaluation) {
		for _, e := range evals {
			released = append(released, e.ID)
		}
	})
	b.SetEnabled(true)
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		command, want, check := strings.Cut(line, "->")
		words := strings.Fields(command)
		number := func(i int) (n uint64) {
			if _, err := fmt.Sscan(words[i], &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		released = nil
		got := func() string { return fmt.Sprint(released) }
		switch words[0] {
		case "block":
			b.Block(parseBlocked(t, words[1:]))
		case "unblock":
			b.Unblock(number(1), words[2:]...)
		case "node":
			b.UnblockNode(number(1), words[2:]...)
		case "all":
			b.UnblockAll(number(1))
		case "maxplans":
			b.UnblockMaxPlans()
		case "prune":
			b.Prune()
		case "untrack":
			b.Untrack("default", words[1], strings.Join(words[2:], ""), "test")
		case "remove":
			b.Remove(words[1])
		case "sleep":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
		case "duplicates":
			ids := []string{}
			for _, c := range b.Duplicates(10) {
				ids = append(ids, c.Eval.ID)
			}
			got = func() string { return fmt.Sprint(ids) }
		default:
			t.Fatalf("unknown command %q", line)
		}
		if check && got() != strings.TrimSpace(want) {
			t.Fatalf("%s -> %s, want %s", strings.TrimSpace(command), got(), strings.TrimSpace(want))
		}
	}
}

func parseBlocked(t *testing.T, words []string) *api.Evaluation {
	e := &api.Evaluation{
		ID: words[0], Namespace: "default", Type: "service", Priority: 50, Status: "blocked",
		ModifyIndex: 1, ClassEligibility: map[string]bool{},
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "job":
			e.JobID = value
		case "snap":
			_, _ = fmt.Sscan(value, &e.SnapshotIndex)
		case "mod":
			_, _ = fmt.Sscan(value, &e.ModifyIndex)
			e.CreateIndex = e.ModifyIndex
		case "yes", "no":
			for class := range strings.SplitSeq(value, ",") {
				e.ClassEligibility[class] = key == "yes"
			}
		case "escaped":
			e.EscapedComputedClass = true
		case "max":
			e.TriggeredBy = api.TriggerMaxPlans
		case "system":
			e.Type = "system"
		case "node":
			e.NodeID = value
			e.ClassEligibility["v1:none"] = false
		default:
			t.Fatalf("unknown setting %q", w)
		}
	}
	return e
}

func TestBlockedHoldsNothingWhenDisabled(t *testing.T) {
	b := NewBlocked(func([]*api.Evaluation) { t.Error("released") })
	b.Block(parseBlocked(t, strings.Fields("a job=a snap=1")))
	b.Unblock(5, "v1:x")
	if s := b.Stats(); s != (BlockedStats{}) {
		t.Fatalf("stats %+v of a disabled tracker", s)
	}
	b.SetEnabled(true)
	b.Block(parseBlocked(t, strings.Fields("a job=a snap=1 escaped")))
	if s := b.Stats(); s.Total != 1 || s.Escaped != 1 {
		t.Fatalf("stats %+v, want one escaped", s)
	}
	b.SetEnabled(false)
	if s := b.Stats(); s != (BlockedStats{}) {
		t.Fatalf("stats %+v after the end", s)
	}
}

func BenchmarkUnblock(b *testing.B) {
	const n = 10_000
	var back []*api.Evaluation
	bl := NewBlocked(func(evals []*api.Evaluation) { back = slices.Clone(evals) })
	bl.SetEnabled(true)
	for i := range n {
		bl.Block(&api.Evaluation{
			ID: fmt.Sprint(i), JobID: fmt.Sprint(i), Type: "service", ModifyIndex: 1,
			ClassEligibility: map[string]bool{"v1:x": true, "v1:y": false},
		})
	}
	index := uint64(1)
	b.Run("ineligible", func(b *testing.B) {
		for b.Loop() {
			index++
			bl.Unblock(index, "v1:y")
		}
	})
	b.Run("eligible", func(b *testing.B) {
		for b.Loop() {
			index++
			bl.Unblock(index, "v1:x")
			for _, e := range back {
				c := *e
				c.ModifyIndex++
				c.SnapshotIndex = index
				bl.Block(&c)
			}
		}
	})
}
