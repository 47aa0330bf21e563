// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"strconv"
	"strings"
)

// FieldError is what is wrong with one setting of a job.
type FieldError struct {
	// Path leads to the setting in terms of the job file: `job.group["web"].task["db"].kill_timeout`.
	Path string
	// Message says what is wrong, without the path.
	Message string
}

// Error returns the path and the message.
func (e FieldError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// aggregate returns the text of several errors in the shape of the contract (jobspec.md 9.1).
func aggregate(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	noun := " errors"
	if len(texts) == 1 {
		noun = " error"
	}
	return strconv.Itoa(len(texts)) + noun + " occurred:\n\t* " + strings.Join(texts, "\n\t* ") + "\n\n"
}

// fieldPath builds the Path of field errors.
type fieldPath string

func (p fieldPath) field(name string) fieldPath { return p + "." + fieldPath(name) }

func (p fieldPath) block(name, label string) fieldPath {
	return p + fieldPath("."+name+"["+strconv.Quote(label)+"]")
}

func (p fieldPath) item(name string, index int) fieldPath {
	return p + fieldPath(fmt.Sprintf(".%s[%d]", name, index))
}
