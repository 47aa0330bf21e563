// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func operatorMetricsCommand() *spec {
	var (
		pretty bool
		format string
		out    output
	)
	return &spec{
		usage: "operator metrics [options]", synopsis: "Print the agent's metrics", remote: true,
		long: "Prints the metrics of the agent that is asked, as JSON or in Prometheus' text form.\n\nExample:\n\n    $ nomadlike operator metrics -format prometheus",
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&pretty, "pretty", false, "Print JSON over several lines.")
			f.StringVar(&format, "format", "", "The `form`: prometheus, or JSON without it.")
			out.register(f)
		},
		run: remotely(&out, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			if format != "" && format != "prometheus" {
				return usageError(fmt.Sprintf("Unknown form %q: -format takes prometheus", format))
			}
			if format != "" && (pretty || out.wanted()) {
				return usageError("-format cannot stand with -pretty, -json or -t")
			}
			data, err := readMetrics(ctx, c, format)
			if err != nil {
				return err
			}
			switch {
			case out.wanted():
				var sum api.MetricsSummary
				if err := json.Unmarshal(data, &sum); err != nil {
					return doing("Error querying metrics", err)
				}
				return out.print(m, &sum)
			case pretty:
				var b bytes.Buffer
				if err := json.Indent(&b, data, "", "    "); err != nil {
					return doing("Error querying metrics", err)
				}
				data = b.Bytes()
			}
			fmt.Fprintln(m.out, string(bytes.TrimRight(data, "\n")))
			return nil
		}),
	}
}

func readMetrics(ctx context.Context, c *client.Client, format string) ([]byte, error) {
	s, err := api.MetricsGet.Open(ctx, c, &api.MetricsRequest{Format: format})
	var b bytes.Buffer
	if err == nil {
		err = copyChunks(&b, s)
	}
	if err != nil {
		return nil, doing("Error querying metrics", err)
	}
	return b.Bytes(), nil
}

// copyChunks writes all that a document or download has.
func copyChunks(w io.Writer, s api.Stream) error {
	for {
		var c api.Chunk
		err := s.Recv(&c)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := w.Write(c.Data); err != nil {
			return err
		}
	}
}
