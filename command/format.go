// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/Masterminds/sprig/v3"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

const (
	// none stands for an empty cell or value.
	none = "<none>"
	// blank is a cell that stays empty.
	blank = "\x00"
)

// columns lays out a table: cells left aligned, two spaces between columns (cli.md 1.3).
func columns(rows [][]string) string { return layout(rows, "  ") }

// pairs lays out keys and values: keys padded, " = " between (cli.md 1.3).
func pairs(kv ...string) string {
	var rows [][]string
	for i := 0; i+1 < len(kv); i += 2 {
		rows = append(rows, []string{kv[i], kv[i+1]})
	}
	return layout(rows, " = ")
}

func layout(rows [][]string, glue string) string {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			switch c {
			case "":
				c = none
			case blank:
				c = ""
			default:
				c = visible(c)
			}
			r[i] = c
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for n, r := range rows {
		if n > 0 {
			b.WriteByte('\n')
		}
		for i, c := range r {
			if i > 0 {
				b.WriteString(glue)
			}
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)))
			}
		}
	}
	return b.String()
}

// heading starts a section.
func (m *meta) heading(text string) { fmt.Fprintf(m.out, "\n%s\n", m.paint(bold, text)) }

// shortID is how IDs are shown unless the command is verbose.
func shortID(id string, verbose bool) string {
	if verbose || len(id) <= 8 {
		return id
	}
	return id[:8]
}

// absolute shows unix nanoseconds as local time.
func absolute(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).Format(time.RFC3339)
}

// ago shows unix nanoseconds relative to now, absolute when verbose.
func ago(ns int64, now time.Time, verbose bool) string {
	if ns == 0 {
		return ""
	}
	if verbose {
		return absolute(ns)
	}
	return brief(now.Sub(time.Unix(0, ns))) + " ago"
}

// brief shows a duration by its two largest units.
func brief(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	secs := int64(d / time.Second)
	var parts []string // the two largest units that are not zero
	for _, u := range []struct {
		name string
		secs int64
	}{{"y", 365 * 86400}, {"mo", 30 * 86400}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := secs / u.secs; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
			secs %= u.secs
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, "")
}

func mib(n int64) string { return size(uint64(max(n, 0)) << 20) }

// size shows bytes in binary units: one decimal below 10, none above.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	digits := 0
	if f < 9.95 && i > 0 {
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + " " + units[i]
}

// output holds the -json and -t flags.
type output struct {
	json     bool
	template string
}

// wanted says whether data is wanted instead of text.
func (o *output) wanted() bool { return o.json || o.template != "" }

// print writes v as sorted JSON or through the template (cli.md 1.4).
func (o *output) print(m *meta, v any) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.json {
		data, err := typeinfo.Marshal(v, typeinfo.Response)
		if err != nil {
			return fmt.Errorf("Error formatting the data: %w", err) //nolint:staticcheck // the contract's text
		}
		sorted, err := sortKeys(data)
		if err != nil {
			return err
		}
		fmt.Fprintln(m.out, sorted)
		return nil
	}
	t, err := template.New("format").Funcs(templateFuncs()).Parse(o.template)
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, v)
	}
	if err != nil {
		return fmt.Errorf("Error formatting the data: %w", err) //nolint:staticcheck // the contract's text
	}
	fmt.Fprintln(m.out, b.String())
	return nil
}

// templateFuncs are the Sprig functions, each with its prefix (cli.md 1.4).
func templateFuncs() template.FuncMap {
	funcs := template.FuncMap{}
	for n, f := range sprig.TxtFuncMap() {
		funcs["sprig_"+n] = f
	}
	return funcs
}

// check refuses flags that exclude each other before anything is asked.
func (o *output) check() error {
	if o.json && o.template != "" {
		return errors.New("Both json and template formatting are not allowed") //nolint:staticcheck // the contract's text
	}
	return nil
}

// sortKeys indents JSON by four spaces with its object keys sorted.
func sortKeys(data []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("sort keys: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("sort keys: %w", err)
	}
	return strings.TrimRight(b.String(), "\n"), nil
}
