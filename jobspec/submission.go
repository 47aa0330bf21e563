// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// submission collects the variable values a job was parsed with, in the form they are stored beside the
// job and sent to the parse API again.
type submission struct {
	flags  map[string]string // winning values that came as text, from flags or the environment
	files  [][]byte
	values map[string]cty.Value // merged from all files
	clash  bool                 // the files cannot simply be concatenated
}

func newSubmission() submission {
	return submission{flags: map[string]string{}, values: map[string]cty.Value{}}
}

func (s *submission) addFile(src []byte, values map[string]cty.Value) {
	for name, val := range values {
		if _, ok := s.values[name]; ok {
			s.clash = true
		}
		s.values[name] = val
	}
	s.files = append(s.files, src)
	if len(s.files) > 1 && slices.ContainsFunc(s.files, isJSON) {
		s.clash = true
	}
}

// text returns the variable files as one: as written where possible, else one assignment for each value.
func (s *submission) text() string {
	if !s.clash {
		var parts [][]byte
		for _, f := range s.files {
			parts = append(parts, bytes.TrimSuffix(f, []byte("\n")))
		}
		return string(bytes.Join(parts, []byte("\n")))
	}
	out := hclwrite.NewEmptyFile()
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		out.Body().SetAttributeValue(name, s.values[name])
	}
	return string(out.Bytes())
}
