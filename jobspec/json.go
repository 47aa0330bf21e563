// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// ErrEmpty is returned by ParseJSON for input without a job.
var ErrEmpty = errors.New("job spec is empty")

// ParseJSON reads a job in the JSON form of the HTTP API: {"Job": {...}} or the job object itself.
// Unknown fields are ignored, null equals absent, durations are nanoseconds and nothing is interpolated.
func ParseJSON(src []byte) (*api.Job, error) {
	src = withoutMark(src)
	if len(bytes.TrimSpace(src)) == 0 {
		return nil, ErrEmpty
	}
	var wrapper struct{ Job json.RawMessage }
	if err := decodeOne(src, &wrapper); err != nil {
		return nil, fmt.Errorf("parsing JSON job: %w", err)
	}
	body := src
	if len(wrapper.Job) > 0 {
		body = wrapper.Job
	}
	var job *api.Job
	if err := typeinfo.Unmarshal(body, &job); err != nil {
		return nil, fmt.Errorf("parsing JSON job: %w", err)
	}
	if job == nil {
		return nil, ErrEmpty
	}
	return job, nil
}

// decodeOne decodes one value that must be all of src.
func decodeOne(src []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(src))
	err := dec.Decode(into)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		line, column := position(src, dec.InputOffset())
		return fmt.Errorf("line %d, column %d: unexpected text after the job", line, column)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column := position(src, syntax.Offset)
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		line, column := position(src, mismatch.Offset)
		return fmt.Errorf("line %d, column %d: want the object of a job, or one with the key Job, not %s", line, column, mismatch.Value)
	}
	return err
}

// position turns a byte offset into line and column, both from 1.
func position(src []byte, offset int64) (line, column int) {
	before := src[:min(int(offset), len(src))]
	line = bytes.Count(before, []byte("\n")) + 1
	column = len(before) - bytes.LastIndexByte(before, '\n')
	return line, max(column-1, 1)
}
