// SPDX-License-Identifier: MPL-2.0

// Command cmd measures the figures of the product on its binary and prints them as a table and as JSON.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"github.com/nomadlike/nomadlike/internal/bench"
	"github.com/nomadlike/nomadlike/internal/version"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	bin := flag.String("bin", "bin/nomadlike", "the binary to measure")
	out := flag.String("json", "", "file to write the figures to")
	only := flag.String("run", "", "regular expression of the figures to measure, all when empty")
	million := flag.Bool("million", false, "also place a million allocations, which needs several GiB")
	profile := flag.String("profile", "", "directory for CPU profiles of the scheduling and HTTP measurements")
	bare := flag.String(bench.BareFlag, "", "serve net/http alone at this address, which measurements compare with")
	client := flag.Bool(bench.ClientFlag, false, "send the requests that the standard input tells of, for measurements")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *client {
		return bench.ServeClient(ctx, os.Stdin, os.Stdout)
	}
	if *bare != "" {
		return bench.ServeBare(*bare)
	}
	want, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	if *profile != "" {
		if err := os.MkdirAll(*profile, 0o755); err != nil {
			return err
		}
	}
	report := bench.NewReport(version.String())
	for _, m := range measurements(path, *profile, *million) {
		if !want.MatchString(m.name) || ctx.Err() != nil {
			continue
		}
		figures, err := m.run(ctx)
		if err != nil {
			figures = append(figures, bench.Figure{Name: m.name, Error: err.Error()})
		}
		for _, f := range figures {
			report.Figures = append(report.Figures, f)
			fmt.Fprintf(os.Stderr, "measured: %s\n", cmp.Or(f.Error, f.Name))
		}
	}
	if err := report.WriteTable(os.Stdout); err != nil {
		return err
	}
	if *out != "" {
		if err := report.WriteJSON(*out); err != nil {
			return err
		}
	}
	for _, f := range report.Figures {
		if f.Error != "" {
			return fmt.Errorf("%s could not be measured", f.Name)
		}
	}
	return ctx.Err()
}

// measurement is what -run chooses: it gives one figure or several.
type measurement struct {
	name string
	run  func(context.Context) ([]bench.Figure, error)
}

// one is a measurement of one figure.
func one(name string, run func(context.Context) (bench.Figure, error)) measurement {
	return measurement{name, func(ctx context.Context) ([]bench.Figure, error) {
		f, err := run(ctx)
		if err != nil {
			f.Error = err.Error()
		}
		return []bench.Figure{f}, nil
	}}
}

// measurements lists all in the order of the report. profiles is a directory for profiles, "" for none.
func measurements(bin, profiles string, million bool) []measurement {
	placements := bench.Placements
	if million {
		placements = append(placements, bench.Million)
	}
	var list []measurement
	for i := range placements {
		list = append(list, one(placements[i].Name, func(ctx context.Context) (bench.Figure, error) {
			file := ""
			if profiles != "" {
				file = filepath.Join(profiles, fmt.Sprintf("placement-%d.pprof", i))
			}
			return placements[i].Run(ctx, bin, file)
		}))
	}
	of := func(run func(context.Context, string) (bench.Figure, error)) func(context.Context) (bench.Figure, error) {
		return func(ctx context.Context) (bench.Figure, error) { return run(ctx, bin) }
	}
	ofAll := func(run func(context.Context, string) ([]bench.Figure, error)) func(context.Context) ([]bench.Figure, error) {
		return func(ctx context.Context) ([]bench.Figure, error) { return run(ctx, bin) }
	}
	return append(list,
		one(bench.QueueName, of(bench.Queue)),
		one(bench.FlapName, of(bench.Flap)),
		one(bench.LeaderName, of(bench.Leader)),
		measurement{"dev agent raw_exec", ofAll(bench.DevAgent)},
		measurement{bench.StrainName, ofAll(bench.Strain)},
		measurement{"http api", func(ctx context.Context) ([]bench.Figure, error) { return bench.HTTP(ctx, bin, profiles) }},
		one("binary", func(context.Context) (bench.Figure, error) { return bench.BinarySize(bin) }),
	)
}
