// SPDX-License-Identifier: MPL-2.0

package command

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/nomadlike/offline"
)

// snapshotReport is what -json prints of a snapshot.
type snapshotReport struct {
	Created *time.Time
	ID      string
	Size    int64
	Index   uint64
	Term    uint64
	Version int
	Types   []snapshotType
	// unread says why the types are not known, when the snapshot is whole but of another version.
	unread error
}

type snapshotType struct {
	Type  string
	Count int
	Size  int64
}

func snapshotInspectCommand() *spec {
	var out output
	return &spec{
		usage: "operator snapshot inspect [options] <file>", synopsis: "Sum up a snapshot", args: exactly(1, "<file>"), completes: completeFiles,
		long:  "Checks a snapshot and shows what it has.\n\nExample:\n\n    $ nomadlike operator snapshot inspect backup.snap",
		flags: func(f *flag.FlagSet) { f.BoolVar(&out.json, "json", false, "Print as JSON.") },
		run: func(_ context.Context, m *meta, args []string) error {
			r, err := inspectSnapshot(args[0])
			if err != nil {
				return doing("Error inspecting snapshot", err)
			}
			if out.wanted() {
				return out.print(m, r)
			}
			r.show(m)
			return nil
		},
	}
}

func (r *snapshotReport) show(m *meta) {
	fmt.Fprintln(m.out, pairs(
		"Created", local(r.Created, ""), "ID", r.ID, "Size", size(uint64(r.Size)), "Index", strconv.FormatUint(r.Index, 10),
		"Term", strconv.FormatUint(r.Term, 10), "Version", strconv.Itoa(r.Version),
	))
	if r.unread != nil {
		m.complain("\nThe snapshot is whole, but what is in it cannot be told: %v", r.unread)
		return
	}
	var total snapshotType
	rows := [][]string{{"Type", "Count", "Size"}}
	for _, t := range r.Types {
		rows = append(rows, []string{t.Type, strconv.Itoa(t.Count), size(uint64(t.Size))})
		total.Count += t.Count
		total.Size += t.Size
	}
	rows = append(rows, []string{"Total", strconv.Itoa(total.Count), size(uint64(total.Size))})
	fmt.Fprintf(m.out, "\n%s\n", columns(rows))
}

func inspectSnapshot(path string) (*snapshotReport, error) {
	a, err := offline.ReadArchive(path)
	if err != nil {
		return nil, err
	}
	r := &snapshotReport{
		Created: createdAt(a.Meta.ID), ID: a.Meta.ID, Size: a.Meta.Size, Index: a.Meta.Index, Term: a.Meta.Term, Version: int(a.Meta.Version),
	}
	if a.State == nil {
		r.unread = a.StateErr
		return r, nil
	}
	sizes, err := a.State.Sizes()
	if err != nil {
		return nil, err
	}
	for _, t := range sizes {
		if t.Rows > 0 {
			r.Types = append(r.Types, snapshotType{t.Name, t.Rows, t.Bytes})
		}
	}
	slices.SortStableFunc(r.Types, func(a, b snapshotType) int { return cmp.Compare(b.Size, a.Size) })
	return r, nil
}

// createdAt reads when a snapshot was taken from its ID, which ends with the time in milliseconds.
func createdAt(id string) *time.Time {
	ms, err := strconv.ParseInt(id[strings.LastIndex(id, "-")+1:], 10, 64)
	if err != nil {
		return nil
	}
	t := time.UnixMilli(ms)
	return &t
}

func snapshotStateCommand() *spec {
	var filter string
	return &spec{
		usage: "operator snapshot state [options] <file>", synopsis: "Print the state of a snapshot", args: exactly(1, "<file>"), completes: completeFiles,
		long: `Prints the state in a snapshot as JSON, without secrets. For looking into problems: the output may change.

Example:

    $ nomadlike operator snapshot state -filter 'ID == "web"' backup.snap > state.json`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&filter, "filter", "", "Only what the `expression` selects; tables that have nothing of the kind are left out.")
		},
		run: func(_ context.Context, m *meta, args []string) error {
			a, err := offline.ReadArchive(args[0])
			if err == nil {
				err = a.StateErr
			}
			if err == nil {
				err = offline.WriteState(m.out, a.State, filter)
			}
			if err != nil {
				return doing("Error reading snapshot", err)
			}
			return nil
		},
	}
}

func snapshotRedactCommand() *spec {
	return &spec{
		usage: "operator snapshot redact <file>", synopsis: "Remove the secrets from a snapshot", args: exactly(1, "<file>"), completes: completeFiles,
		long: `Removes secrets from a snapshot, in place, so that others can look at it. It is not for restoring any more: keep the
original.

Example:

    $ cp backup.snap for-support.snap && nomadlike operator snapshot redact for-support.snap`,
		run: func(_ context.Context, m *meta, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return doing("Error redacting snapshot", err)
			}
			if err := redactArchive(m, args[0]); err != nil {
				return doing("Error redacting snapshot", err)
			}
			fmt.Fprintln(m.out, "Snapshot redacted")
			return nil
		},
	}
}
