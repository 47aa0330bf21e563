// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func allocFSCommand() *spec {
	var (
		bare, stat, byJob bool
		group             string
		tail              tailFlags
	)
	return &spec{
		usage: "alloc fs [options] <alloc> [<path>]", synopsis: "Look at an allocation's files", remote: true, args: between(1, 2, "<alloc> [<path>]"), completes: completeAllocs,
		long: `Lists a directory of the allocation, or shows a file.

Example:

    $ nomadlike alloc fs 4fd35a03 server/local/config.json`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&bare, "H", false, "Sizes as bare numbers of bytes, for programs.")
			f.BoolVar(&stat, "stat", false, "Describe the file instead of showing it.")
			f.BoolVar(&byJob, "job", false, "The argument is a job.")
			f.StringVar(&group, "group", "", "With -job, choose an allocation of this `group`.")
			f.Bool("verbose", false, "Show full identifiers.")
			tail.register(f)
		},
		run: func(ctx context.Context, m *meta, args []string) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			a, err := chooseAlloc(ctx, m, c, args[0], byJob, group)
			if err != nil {
				return err
			}
			path := "/"
			if len(args) == 2 {
				path = args[1]
			}
			read := inNamespace(a.Namespace)
			info, _, err := api.FSStat.Call(ctx, c, &api.FSRequest{ReadOptions: read, AllocID: a.ID, Path: path})
			if err != nil {
				return fmt.Errorf("Error stating file: %w", err) //nolint:staticcheck // the contract's text
			}
			switch {
			case stat:
				fmt.Fprintln(m.out, columns(fileRows([]*api.AllocFileInfo{info}, bare)))
				return nil
			case info.IsDir:
				files, _, err := api.FSList.Call(ctx, c, &api.FSRequest{ReadOptions: read, AllocID: a.ID, Path: path})
				if err != nil {
					return fmt.Errorf("Error listing alloc dir: %w", err) //nolint:staticcheck // the contract's text
				}
				fmt.Fprintln(m.out, columns(fileRows(files, bare)))
				return nil
			case !tail.follow && !tail.tail && tail.lines < 0 && tail.bytes < 0:
				return copyFrames(ctx, m.out, 0, false, func() (api.Stream, error) {
					return c.OpenNode(ctx, a.NodeID, api.FSCat.Info(), &api.FSRequest{ReadOptions: read, AllocID: a.ID, Path: path})
				})
			}
			req := &api.FSStreamRequest{ReadOptions: read, AllocID: a.ID, Path: path, Follow: strconv.FormatBool(tail.follow)}
			var lines int64
			req.Origin, req.Offset, lines = tail.origin()
			return copyFrames(ctx, m.out, lines, tail.follow, func() (api.Stream, error) { return c.OpenNode(ctx, a.NodeID, api.FSStream.Info(), req) })
		},
	}
}

func fileRows(files []*api.AllocFileInfo, bare bool) [][]string {
	rows := [][]string{{"Mode", "Size", "Modified Time", "Name"}}
	for _, f := range files {
		n, s := oneLine(f.Name), size(uint64(max(f.Size, 0)))
		if f.IsDir {
			n += "/"
		}
		if bare {
			s = strconv.FormatInt(int64(f.Size), 10)
		}
		at := ""
		if f.ModTime != nil {
			at = f.ModTime.Local().Format(time.RFC3339)
		}
		rows = append(rows, []string{f.FileMode, s, at, n})
	}
	return rows
}
