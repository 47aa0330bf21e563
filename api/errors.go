// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"fmt"
)

// Class is the kind of an error; it survives the wire, the text is for people.
type Class string

// Error classes.
const (
	ClassInvalid     Class = "invalid"     // the request is wrong: 400
	ClassNotFound    Class = "not_found"   // the object does not exist: 404
	ClassDenied      Class = "denied"      // not allowed: 403
	ClassConflict    Class = "conflict"    // the object changed or exists: 409
	ClassNoLeader    Class = "no_leader"   // no cluster leader: 500
	ClassUnavailable Class = "unavailable" // nothing has happened; try again elsewhere or later: 503
	ClassUnknown     Class = "unknown"     // whether it has happened is not known: 500
	ClassTooMany     Class = "too_many"    // over a limit: 429
	ClassUnsupported Class = "unsupported" // known but not served: 501
	ClassTimeout     Class = "timeout"     // took too long: 504
	ClassInternal    Class = "internal"    // our fault: 500
)

var classCodes = map[Class]int{
	ClassInvalid: 400, ClassNotFound: 404, ClassDenied: 403, ClassConflict: 409, ClassNoLeader: 500,
	ClassUnavailable: 503, ClassUnknown: 500, ClassTooMany: 429, ClassUnsupported: 501, ClassTimeout: 504, ClassInternal: 500,
}

// Error is an error with a class. Code overrides the HTTP status of the class where the contract
// wants another one (http-api.md 1.7: many refused writes are 500).
type Error struct {
	Class   Class
	Message string
	Code    int
	// Index is the table index of a not-found lookup, so that a reader can block on it; 0 when unknown.
	Index uint64
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// HTTPCode returns the HTTP status of the error.
func (e *Error) HTTPCode() int {
	if e.Code != 0 {
		return e.Code
	}
	if c, ok := classCodes[e.Class]; ok {
		return c
	}
	return 500
}

// Errorf returns an Error of the class.
func Errorf(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Message: fmt.Sprintf(format, args...)}
}

// CodeErrorf returns an Error of the class with an HTTP status of its own.
func CodeErrorf(class Class, code int, format string, args ...any) *Error {
	return &Error{Class: class, Message: fmt.Sprintf(format, args...), Code: code}
}

// AsError returns err as an *Error: itself if it is or wraps one (keeping the outer text), else an
// internal error with its text. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if msg := err.Error(); msg != e.Message {
			c := *e
			c.Message = msg
			return &c
		}
		return e
	}
	return &Error{Class: ClassInternal, Message: err.Error()}
}

// IsClass reports whether err is or wraps an Error of the class.
func IsClass(err error, class Class) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == class
}
