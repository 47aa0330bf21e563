// SPDX-License-Identifier: MPL-2.0

// Command cmd measures the figures of the product on its binary and prints them as a table and as JSON.
package main

import (
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
	flag.Parse()
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	report := bench.NewReport(version.String())
	add := func(f bench.Figure, err error) {
		if err != nil {
			f.Error = err.Error()
			fmt.Fprintln(os.Stderr, err)
		}
		report.Figures = append(report.Figures, f)
		fmt.Fprintf(os.Stderr, "measured: %s\n", f.Name)
	}
	placements := bench.Placements
	if *million {
		placements = append(placements, bench.Million)
	}
	for i := range placements {
		if want.MatchString(placements[i].Name) && ctx.Err() == nil {
			file := ""
			if *profile != "" {
				file = filepath.Join(*profile, fmt.Sprintf("placement-%d.pprof", i))
			}
			add(placements[i].Run(ctx, path, file))
		}
	}
	if want.MatchString(bench.QueueName) && ctx.Err() == nil {
		add(bench.Queue(ctx, path))
	}
	if want.MatchString(bench.FlapName) && ctx.Err() == nil {
		add(bench.Flap(ctx, path))
	}
	if want.MatchString("dev agent raw_exec") && ctx.Err() == nil {
		figures, err := bench.DevAgent(ctx, path)
		for _, f := range figures {
			add(f, nil)
		}
		if err != nil {
			add(bench.Figure{Name: "dev agent"}, err)
		}
	}
	if want.MatchString(bench.StrainName) && ctx.Err() == nil {
		figures, err := bench.Strain(ctx, path)
		for _, f := range figures {
			add(f, nil)
		}
		if err != nil {
			add(bench.Figure{Name: bench.StrainName}, err)
		}
	}
	if want.MatchString("http api") && ctx.Err() == nil {
		figures, err := bench.HTTP(ctx, path, *profile)
		for _, f := range figures {
			add(f, nil)
		}
		if err != nil {
			add(bench.Figure{Name: "http api"}, err)
		}
	}
	if want.MatchString("binary") && ctx.Err() == nil {
		add(bench.BinarySize(path))
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
