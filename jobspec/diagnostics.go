// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Diagnostics is the error Parse returns: every problem of the job file and its variables, in the order
// of the file.
type Diagnostics struct {
	diags hcl.Diagnostics
	files map[string]*hcl.File
}

// newDiagnostics returns the errors among diags as one error, or nil when there are none.
func newDiagnostics(diags hcl.Diagnostics, files map[string]*hcl.File) error {
	d := &Diagnostics{files: files}
	seen := map[string]bool{}
	swallowed := false // what HCL takes for a comment had the end of a string, and every later one looks broken
	for _, diag := range diags {
		text := diagText(diag)
		if diag.Severity != hcl.DiagError || seen[text] || swallowed && diag.Summary == multiLine {
			continue
		}
		seen[text] = true
		swallowed = swallowed || diag.Summary == multiLine && d.isShells(diag)
		d.diags = append(d.diags, d.advised(diag))
	}
	if len(d.diags) == 0 {
		return nil
	}
	slices.SortStableFunc(d.diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return cmp.Or(
			cmp.Compare(a.Subject.Filename, b.Subject.Filename),
			cmp.Compare(a.Subject.Start.Line, b.Subject.Start.Line),
			cmp.Compare(a.Subject.Start.Column, b.Subject.Start.Column),
		)
	})
	return d
}

// freeKeys is the way out for keys that the language before HCL2 took in blocks.
const freeKeys = ` A key in quotes or with a dot has its place in a map: env = { "a.b" = "c" } instead of env { ... }. The meta of jobs, groups and tasks and settings of drivers, such as labels, take the same form.`

// Ways out for texts that are for a shell or for curl and not for HCL, such as ${x##*/} and %{http_code}. What drivers are
// told is read as HCL once more.
const (
	literalDollar  = ` To have "${" in the text as it stands, for a shell, write "$${", in the config of a task, which the node interpolates too, "$$${".`
	literalPercent = ` To have "%{" in the text as it stands, write "%%{", in the config of a task, which the node interpolates too, "%%%{".`
)

// advised returns diag with what to write instead, where HCL only says what it does not take.
func (d *Diagnostics) advised(diag *hcl.Diagnostic) *hcl.Diagnostic {
	more := *diag
	switch diag.Summary {
	case "Invalid argument name":
		if strings.Contains(diag.Detail, "must not be quoted") {
			more.Detail += freeKeys
		}
	case "Argument or block definition required":
		if d.dotFollows(diag.Subject) {
			more.Detail += freeKeys
		}
	case "Invalid template control keyword":
		more.Detail += literalPercent
	case "Extra characters after interpolation expression":
		more.Detail += literalDollar
	case "Invalid expression", multiLine:
		if d.isShells(diag) {
			more.Detail += literalDollar
		}
	}
	return &more
}

// multiLine is the summary of a quoted string that does not end on its line.
const multiLine = "Invalid multi-line string"

// isShells reports whether the problem comes from an interpolation that is none of HCL's, because it is open
// where the problem is, or because HCL takes the rest of its line for a comment: ${x##*/} and ${x//a/b}.
func (d *Diagnostics) isShells(diag *hcl.Diagnostic) bool {
	rng := diag.Subject
	if rng == nil || d.files[rng.Filename] == nil {
		return false
	}
	src := d.files[rng.Filename].Bytes
	before := src[:min(max(rng.Start.Byte, 0), len(src))]
	open := bytes.LastIndex(before, []byte("${"))
	if open < 0 || open > 0 && before[open-1] == '$' {
		return false
	}
	line, _, _ := bytes.Cut(before[open+2:], []byte("\n"))
	inside, _, closed := bytes.Cut(line, []byte("}"))
	if bytes.Contains(inside, []byte("#")) || bytes.Contains(inside, []byte("//")) {
		return true
	}
	return !closed && diag.Summary != multiLine
}

// dotFollows reports whether the source has a dot right after rng.
func (d *Diagnostics) dotFollows(rng *hcl.Range) bool {
	if rng == nil || d.files[rng.Filename] == nil {
		return false
	}
	src := d.files[rng.Filename].Bytes
	return rng.End.Byte >= 0 && rng.End.Byte < len(src) && src[rng.End.Byte] == '.'
}

// Error returns one "file:line,column-column: Summary; Detail" for each problem, joined by newlines.
func (d *Diagnostics) Error() string {
	lines := make([]string, len(d.diags))
	for i, diag := range d.diags {
		lines[i] = diagText(diag)
	}
	return strings.Join(lines, "\n")
}

// Len returns the number of problems.
func (d *Diagnostics) Len() int { return len(d.diags) }

// Snippets returns the problems for a reader at a terminal: summary, place, the source lines in question
// and the detail, without colour.
func (d *Diagnostics) Snippets() string {
	var buf bytes.Buffer
	_ = d.WriteSnippets(&buf, 0, false) // a buffer does not fail
	return buf.String()
}

// WriteSnippets writes what Snippets returns, wrapped at width columns unless that is 0, and with ANSI
// colours if color is set.
func (d *Diagnostics) WriteSnippets(w io.Writer, width uint, color bool) error {
	if err := hcl.NewDiagnosticTextWriter(w, d.files, width, color).WriteDiagnostics(d.diags); err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

func diagText(diag *hcl.Diagnostic) string {
	text := diag.Summary
	if diag.Detail != "" {
		text += "; " + diag.Detail
	}
	if diag.Subject != nil {
		text = diag.Subject.String() + ": " + text
	}
	return text
}

// warningTexts returns the warnings among diags.
func warningTexts(diags hcl.Diagnostics) []string {
	var out []string
	for _, diag := range diags {
		if diag.Severity == hcl.DiagWarning {
			out = append(out, diagText(diag))
		}
	}
	return out
}
