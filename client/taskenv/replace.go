// SPDX-License-Identifier: MPL-2.0

package taskenv

import "strings"

// Replace evaluates the simple engine: each ${name} of a known node value or variable becomes its value,
// everything else stays as it is. Names have letters, digits, "_", "-" and "." only.
func (e *Env) Replace(s string) string {
	start := strings.Index(s, "${")
	if start < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for start >= 0 {
		b.WriteString(s[:start])
		s = s[start:]
		end := nameEnd(s)
		if end == 0 {
			b.WriteString(s[:2])
			s = s[2:]
		} else {
			if v, ok := e.lookup(s[2:end]); ok {
				b.WriteString(v)
			} else {
				b.WriteString(s[:end+1])
			}
			s = s[end+1:]
		}
		start = strings.Index(s, "${")
	}
	b.WriteString(s)
	return b.String()
}

// ReplaceAll applies Replace to each element of a new slice.
func (e *Env) ReplaceAll(list []string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = e.Replace(s)
	}
	return out
}

// nameEnd returns the index of the closing brace of the reference at the start of s, 0 when what
// follows "${" is not a name.
func nameEnd(s string) int {
	for i := 2; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '}' && i > 2:
			return i
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return 0
		}
	}
	return 0
}

// lookup finds a node value or variable. Ports and metadata are known by the names that the job file gives
// them, such as ${NOMAD_PORT_my-port}, too.
func (e *Env) lookup(name string) (string, bool) {
	if v, ok := e.node[name]; ok {
		return v, true
	}
	v, ok := e.vars[name]
	if !ok {
		v, ok = e.vars[clean(name)]
	}
	return v, ok
}
