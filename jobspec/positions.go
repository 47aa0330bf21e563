// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Positions knows where in a job file the settings of its job stand.
type Positions struct {
	file string
	job  *hclsyntax.Block // nil when the file says nothing of its settings
}

// NewPositions reads the text of a job file, which file names. It knows nothing of a file in JSON or with errors.
func NewPositions(file string, src []byte) *Positions {
	p := &Positions{file: file}
	if isJSON(withoutMark(src)) || checkConfig(src, file).HasErrors() {
		return p
	}
	parsed, diags := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		return p
	}
	for _, b := range parsed.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "job" {
			p.job = b
		}
	}
	return p
}

// step is one part of the path of a setting: job, group["web"], constraint[2] or count.
var step = regexp.MustCompile(`^\.?([A-Za-z_]+)(?:\[("(?:[^"\\]|\\.)*"|[0-9]+)\])?`)

// Of returns the position of the setting with a path as in api.FieldError, such as "web.nomad.hcl:12", and "" where
// that is not known. A setting that a file gives for a whole group or job, or makes in a dynamic block, is found
// there; for one that the file does not have it is the block around it.
func (p *Positions) Of(path string) string {
	if p.job == nil {
		return ""
	}
	m := step.FindStringSubmatch(path)
	if m == nil || m[1] != "job" {
		return ""
	}
	around := []*hclsyntax.Block{p.job} // the outermost first
	for path = path[len(m[0]):]; path != ""; path = path[len(m[0]):] {
		if m = step.FindStringSubmatch(path); m == nil {
			break
		}
		inner := around[len(around)-1]
		if attr := inner.Body.Attributes[m[1]]; attr != nil {
			return p.at(attr.NameRange)
		}
		found := find(inner.Body, m[1], m[2])
		for i := len(around) - 2; found == nil && m[2] == "" && i >= 0; i-- {
			found = find(around[i].Body, m[1], "")
		}
		if found == nil {
			break
		}
		around = append(around, found)
	}
	return p.at(around[len(around)-1].DefRange())
}

func (p *Positions) at(rng hcl.Range) string {
	return fmt.Sprintf("%s:%d", p.file, rng.Start.Line)
}

// find returns the block of a type with a label, given as it is quoted, or with a number among those of its type; the
// first one without either. A dynamic block that makes such ones is as good.
func find(body *hclsyntax.Body, name, which string) *hclsyntax.Block {
	label, err := strconv.Unquote(which)
	labelled := err == nil
	number, _ := strconv.Atoi(which)
	for _, b := range body.Blocks {
		switch {
		case b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == name:
			for _, content := range b.Body.Blocks {
				if content.Type == "content" {
					return content
				}
			}
		case b.Type != name:
		case labelled:
			if len(b.Labels) > 0 && b.Labels[0] == label {
				return b
			}
		case number > 0:
			number--
		default:
			return b
		}
	}
	return nil
}
