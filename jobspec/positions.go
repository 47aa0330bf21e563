// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"regexp"
	"slices"
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
	if len(m) < 2 || m[1] != "job" {
		return ""
	}
	rng, _ := resolve([]*hclsyntax.Block{p.job}, path[len(m[0]):])
	return fmt.Sprintf("%s:%d", p.file, rng.Start.Line)
}

// resolve returns where the setting with the rest of a path stands in the last of the blocks, or in the nearest of
// those around it, the outermost of which is the first; and whether it stands there, not only a block of its path.
func resolve(around []*hclsyntax.Block, rest string) (hcl.Range, bool) {
	inner := around[len(around)-1]
	m := step.FindStringSubmatch(rest)
	if m == nil {
		return inner.DefRange(), rest == ""
	}
	if attr := inner.Body.Attributes[m[1]]; attr != nil {
		return attr.NameRange, true
	}
	found := find(inner.Body, m[1], m[2])
	for i := len(around) - 2; len(found) == 0 && m[2] == "" && i >= 0; i-- {
		found = find(around[i].Body, m[1], "")
	}
	best := inner.DefRange()
	for i, b := range found {
		rng, ok := resolve(append(slices.Clip(around), b), rest[len(m[0]):])
		if ok {
			return rng, true
		}
		if i == 0 {
			best = rng
		}
	}
	return best, false
}

// find returns the blocks of a type with a label, given as it is quoted, or with a number among those of its type; all
// without either. A dynamic block that makes such ones is as good, where there is none with the label.
func find(body *hclsyntax.Body, name, which string) []*hclsyntax.Block {
	label, err := strconv.Unquote(which)
	labelled := err == nil
	number, err := strconv.Atoi(which)
	numbered := err == nil
	var found, made []*hclsyntax.Block
	for _, b := range body.Blocks {
		switch {
		case b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == name:
			for _, content := range b.Body.Blocks {
				if content.Type == "content" {
					made = append(made, content)
				}
			}
		case b.Type == name && (!labelled || len(b.Labels) > 0 && b.Labels[0] == label):
			found = append(found, b)
		}
	}
	if !labelled || len(found) == 0 {
		found = append(found, made...)
	}
	if numbered {
		return found[min(number, len(found)):min(number+1, len(found))]
	}
	return found
}
