// SPDX-License-Identifier: MPL-2.0

package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-bexpr"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// logEntry is what is printed of a log entry.
type logEntry struct {
	Index, Term   uint64
	Type          string
	AppendedAt    *time.Time       `json:",omitempty"`
	Command       string           `json:",omitempty"`
	Payload       json.RawMessage  `json:",omitempty"`
	Entries       []*logEntryPart  `json:",omitempty"`
	Configuration *json.RawMessage `json:",omitempty"`
}

type logEntryPart struct {
	Command string
	Payload json.RawMessage
}

// EntryJSON returns an entry of the log as JSON, without secrets.
func EntryJSON(l *raft.Log) ([]byte, error) {
	e := &logEntry{Index: l.Index, Term: l.Term, Type: l.Type.String()}
	if !l.AppendedAt.IsZero() {
		e.AppendedAt = &l.AppendedAt
	}
	switch l.Type {
	case raft.LogCommand:
		d, err := fsm.Describe(l.Data)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", l.Index, err)
		}
		e.Command = d.Command
		if d.Payload != nil {
			if e.Payload, err = rowJSON(d.Payload); err != nil {
				return nil, fmt.Errorf("entry %d: %w", l.Index, err)
			}
		}
		for _, p := range d.Entries {
			data, err := rowJSON(p.Payload)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", l.Index, err)
			}
			e.Entries = append(e.Entries, &logEntryPart{p.Command, data})
		}
	case raft.LogConfiguration:
		data, err := json.Marshal(raft.DecodeConfiguration(l.Data))
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", l.Index, err)
		}
		e.Configuration = (*json.RawMessage)(&data)
	default: // the others have no content
	}
	return plainJSON(e)
}

// plainJSON is JSON with HTML characters as they are.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// secretFields are replaced wherever they have a value.
var secretFields = []string{"SecretID", "AuthToken"}

// rowJSON is a row or payload as JSON, without secrets.
func rowJSON(v any) (json.RawMessage, error) {
	data, err := typeinfo.Marshal(v, typeinfo.Response)
	if err != nil {
		return nil, err
	}
	for _, f := range secretFields {
		if bytes.Contains(data, []byte(`"`+f+`":"`)) {
			return withoutSecrets(data)
		}
	}
	return data, nil
}

func withoutSecrets(data []byte) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	blank(v)
	return plainJSON(v)
}

func blank(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			blank(e)
		}
	case map[string]any:
		for _, f := range secretFields {
			if s, ok := v[f].(string); ok && s != "" {
				v[f] = "<redacted>"
			}
		}
		for _, e := range v {
			blank(e)
		}
	}
}

// WriteState writes the tables of a state as a JSON object of lists, without secrets, only those rows that the filter
// selects if it is not empty. Tables whose rows have nothing that the filter asks for are left out then; it is an
// error when that is all of them.
func WriteState(w io.Writer, s *state.Snapshot, filter string) error {
	var eval *bexpr.Evaluator
	if filter != "" {
		var err error
		if eval, err = bexpr.CreateEvaluator(filter); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
	}
	var misfits []error
	fits := false
	out := &listWriter{w: w}
	for name, rows := range s.Tables() {
		if eval == nil {
			out.table(name)
		}
		listed := eval == nil
		for row := range rows {
			if eval != nil {
				ok, err := eval.Evaluate(row)
				if err != nil {
					misfits = append(misfits, fmt.Errorf("table %s: %w", name, err))
					break
				}
				fits = true
				if !ok {
					continue
				}
			}
			data, err := rowJSON(row)
			if err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			if !listed {
				out.table(name)
				listed = true
			}
			out.row(data)
		}
	}
	if !fits && len(misfits) > 0 {
		return fmt.Errorf("filter: %w", errors.Join(misfits...))
	}
	return out.end()
}

// listWriter writes an object of lists as it comes.
type listWriter struct {
	w            io.Writer
	tables, rows int
	err          error
}

func (l *listWriter) print(s string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, s)
	}
}

func (l *listWriter) table(name string) {
	if l.tables == 0 {
		l.print("{")
	} else {
		l.print("],")
	}
	l.print("\n  \"" + name + "\": [")
	l.tables++
	l.rows = 0
}

func (l *listWriter) row(data []byte) {
	if l.rows > 0 {
		l.print(",")
	}
	l.print("\n    " + string(data))
	l.rows++
}

func (l *listWriter) end() error {
	if l.tables == 0 {
		l.print("{}\n")
	} else {
		l.print("]\n}\n")
	}
	return l.err
}
