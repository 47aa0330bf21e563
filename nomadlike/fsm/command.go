// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/nomadlike/nomadlike/internal/codec"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Command is a declared command with payload T.
type Command[T any] struct {
	code uint16
	name string
}

// command is a Command without its payload type. run applies an encoded payload.
type command struct {
	code uint16
	name string
	// key is where the time that entries take is measured.
	key []string
	run func(w *state.WriteTx, payload []byte) (any, error)
	// read decodes a payload without applying it.
	read func(payload []byte) (any, error)
}

var commands = map[uint16]*command{}

// Entry layout: a format byte, the command's code (big endian), the payload.
const (
	entryFormat = 1
	entryHeader = 3
)

// payload is implemented by payload types with an encoding of their own.
type payload interface {
	appendPayload(b []byte) ([]byte, error)
	decodePayload(b []byte) error
}

// Define declares a command. The name is what state.Change.Msg tells; apply must be deterministic and
// owns its payload.
func Define[T any](code uint16, name string, apply func(w *state.WriteTx, p *T) (any, error)) Command[T] {
	if old := commands[code]; old != nil {
		panic(fmt.Sprintf("fsm: commands %s and %s have code %d", old.name, name, code))
	}
	decode := func(b []byte) (*T, error) {
		p := new(T)
		var err error
		if own, ok := any(p).(payload); ok {
			err = own.decodePayload(b)
		} else {
			err = codec.Unmarshal(b, p)
		}
		if err != nil {
			return nil, &damagedError{err}
		}
		return p, nil
	}
	commands[code] = &command{
		code: code, name: name, key: []string{"nomad", "fsm", metricName(name)},
		run: func(w *state.WriteTx, b []byte) (any, error) {
			p, err := decode(b)
			if err != nil {
				return nil, err
			}
			return apply(w, p)
		},
		read: func(b []byte) (any, error) {
			p, err := decode(b)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
	}
	return Command[T]{code: code, name: name}
}

// Name returns the command's name.
func (c Command[T]) Name() string { return c.name }

// Encode returns the raft entry of the command. It panics when the payload has a type that cannot be
// encoded, which is a programming error.
func (c Command[T]) Encode(p *T) []byte {
	b := binary.BigEndian.AppendUint16([]byte{entryFormat}, c.code)
	var err error
	if own, ok := any(p).(payload); ok {
		b, err = own.appendPayload(b)
	} else {
		b, err = codec.Append(b, p)
	}
	if err != nil {
		panic(fmt.Sprintf("fsm: encode %s: %v", c.name, err))
	}
	return b
}

// damagedError says that an entry cannot be read: every server would have to agree on what it means.
type damagedError struct{ err error }

func (e *damagedError) Error() string { return e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// open splits an entry into its command and payload.
func open(entry []byte) (*command, []byte, error) {
	switch {
	case len(entry) < entryHeader:
		return nil, nil, &damagedError{errors.New("entry is cut off")}
	case entry[0] != entryFormat:
		return nil, nil, &damagedError{fmt.Errorf("entry has format %d, this version reads format %d: a newer server wrote it, upgrade this one", entry[0], entryFormat)}
	}
	code := binary.BigEndian.Uint16(entry[1:])
	c := commands[code]
	if c == nil {
		return nil, nil, &damagedError{fmt.Errorf("command %d is unknown to this version: a newer server wrote it, upgrade this one", code)}
	}
	return c, entry[entryHeader:], nil
}

// Names returns the names of all commands, sorted.
func Names() []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}
