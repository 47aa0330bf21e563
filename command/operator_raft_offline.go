// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/nomadlike/offline"
)

// offlineNote ends the help of commands that read the files of a server.
const offlineNote = "The agent must not run, and the files must be readable by the user. For looking into problems: the output may change."

func raftInfoCommand() *spec {
	return &spec{
		usage: "operator raft info <data dir>", synopsis: "Sum up the raft log on disk", args: exactly(1, "<data dir>"), completes: completeDirs,
		long: "Shows how much the raft log in a data directory has.\n" + offlineNote + "\n\nExample:\n\n    $ nomadlike operator raft info /var/lib/nomad",
		run: func(_ context.Context, m *meta, args []string) error {
			return withRaftData(args[0], func(d *offline.Data) error {
				i, err := d.Info()
				if err != nil {
					return err
				}
				fmt.Fprintf(m.out, "path:        %s\nlength:      %d\nfirst index: %d\nlast index:  %d\n", i.Path, i.Length(), i.First, i.Last)
				return nil
			})
		},
	}
}

// withRaftData opens a data directory for fn.
func withRaftData(dir string, fn func(*offline.Data) error) error {
	d, err := offline.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return fn(d)
}

func raftLogsCommand() *spec {
	var pretty bool
	return &spec{
		usage: "operator raft logs [options] <data dir>", synopsis: "Print the raft log on disk", args: exactly(1, "<data dir>"), completes: completeDirs,
		long:  "Prints the entries of the raft log in a data directory as JSON, one a line.\n" + offlineNote + "\n\nExample:\n\n    $ nomadlike operator raft logs /var/lib/nomad > logs.json",
		flags: func(f *flag.FlagSet) { f.BoolVar(&pretty, "pretty", false, "Print each entry over several lines.") },
		run: func(_ context.Context, m *meta, args []string) error {
			return withRaftData(args[0], func(d *offline.Data) error {
				return d.Logs(func(l *raft.Log) error {
					data, err := offline.EntryJSON(l)
					if err != nil {
						return err
					}
					if pretty {
						var b bytes.Buffer
						if err := json.Indent(&b, data, "", "  "); err != nil {
							return err
						}
						data = b.Bytes()
					}
					_, err = fmt.Fprintf(m.out, "%s\n", data)
					return err
				}, func(first, last uint64) {
					fmt.Fprintf(m.err, "The entries %d to %d are not in the log: a snapshot that was restored stands for them.\n", first, last)
				})
			})
		},
	}
}

func raftStateCommand() *spec {
	var last int64
	return &spec{
		usage: "operator raft state [options] <data dir>", synopsis: "Print the state on disk", args: exactly(1, "<data dir>"), completes: completeDirs,
		long: "Prints the state that the snapshots and the raft log in a data directory amount to, as JSON.\n" + offlineNote +
			"\n\nExample:\n\n    $ nomadlike operator raft state -last-index 1200 /var/lib/nomad > state.json",
		flags: func(f *flag.FlagSet) {
			f.Int64Var(&last, "last-index", 0, "The last log `index` to apply; 0 or less counts back from the newest one.")
		},
		run: func(_ context.Context, m *meta, args []string) error {
			return withRaftData(args[0], func(d *offline.Data) error {
				s, _, err := d.State(last)
				if err != nil {
					return err
				}
				return offline.WriteState(m.out, s, "")
			})
		},
	}
}
