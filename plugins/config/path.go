// SPDX-License-Identifier: MPL-2.0

package config

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// pathAt returns the path of the property or element of a JSON document that
// the byte offset is part of, such as mount[0].source. A key belongs to its
// property.
func pathAt(source []byte, offset int) string {
	w := &pathWalk{decoder: json.NewDecoder(bytes.NewReader(source)), offset: int64(offset)}
	w.value("")
	return w.path
}

// pathWalk reads a document in order and keeps the last path whose value
// started at or before the offset.
type pathWalk struct {
	decoder *json.Decoder
	offset  int64
	path    string
	done    bool
}

// note records that what follows belongs to path, and reports whether the walk
// goes on. The previous token has ended at the decoder's offset.
func (w *pathWalk) note(path string) bool {
	if w.done || w.decoder.InputOffset() > w.offset {
		w.done = true
		return false
	}
	w.path = path
	return true
}

// value reads one value. It returns false at the end of the walk.
func (w *pathWalk) value(path string) bool {
	token, err := w.decoder.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('{'):
		for w.decoder.More() {
			before := w.decoder.InputOffset()
			key, err := w.decoder.Token()
			if err != nil || before > w.offset {
				return false
			}
			name, _ := key.(string)
			if path != "" {
				name = path + "." + name
			}
			w.path = name
			if !w.value(name) {
				return false
			}
		}
	case json.Delim('['):
		for i := 0; w.decoder.More(); i++ {
			element := path + "[" + strconv.Itoa(i) + "]"
			if !w.note(element) || !w.value(element) {
				return false
			}
		}
	default:
		return w.decoder.InputOffset() <= w.offset
	}
	_, err = w.decoder.Token()
	if w.decoder.InputOffset()-1 <= w.offset { // the closing delimiter, to which what is missing is ascribed
		w.path = path
	}
	return err == nil && w.decoder.InputOffset() <= w.offset
}
