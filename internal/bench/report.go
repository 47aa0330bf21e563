// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// Figure is one measurement.
type Figure struct {
	Name  string
	Value float64
	Unit  string
	// Target is what to reach; More tells that a larger value is better. 0 stands for none.
	Target float64 `json:",omitempty"`
	More   bool    `json:",omitempty"`
	// Error says why there is no value.
	Error string `json:",omitempty"`
	// Detail holds further numbers.
	Detail map[string]float64 `json:",omitempty"`
}

// Reached reports whether the figure is at its target.
func (f *Figure) Reached() bool {
	switch {
	case f.Error != "":
		return false
	case f.Target == 0:
		return true
	case f.More:
		return f.Value >= f.Target
	}
	return f.Value <= f.Target
}

// Report is what a run found, with the machine it ran on.
type Report struct {
	Time    time.Time
	Version string
	OS      string
	Arch    string
	CPUs    int
	Figures []Figure
}

// NewReport returns an empty report of this machine.
func NewReport(version string) *Report {
	return &Report{
		Time: time.Now().UTC().Truncate(time.Second), Version: version,
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
	}
}

// WriteTable prints the figures for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "FIGURE\tMEASURED\tTARGET\t\tDETAIL\n")
	for i := range r.Figures {
		f := &r.Figures[i]
		if f.Error != "" {
			fmt.Fprintf(t, "%s\t-\t%s\t\t%s\n", f.Name, f.target(), firstLine(f.Error))
			continue
		}
		mark := ""
		if f.Target != 0 {
			mark = "missed"
			if f.Reached() {
				mark = "ok"
			}
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", f.Name, number(f.Value), f.Unit, f.target(), mark, f.detail())
	}
	return t.Flush()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (f *Figure) target() string {
	if f.Target == 0 {
		return ""
	}
	return number(f.Target)
}

func (f *Figure) detail() string {
	var parts []string
	for _, key := range sortedKeys(f.Detail) {
		parts = append(parts, key+" "+number(f.Detail[key]))
	}
	return strings.Join(parts, ", ")
}

// number prints three significant digits, or whole numbers from 100 on.
func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// WriteJSON writes the report to a file.
func (r *Report) WriteJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
