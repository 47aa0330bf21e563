// SPDX-License-Identifier: MPL-2.0

package base

import (
	"fmt"
	"strings"
)

// keptHead and keptTail are how many bytes of the two ends of a text are kept.
const (
	keptHead = 6 << 10
	keptTail = 2 << 10
)

// Abridge returns a text without the middle of it if that has more than 8 KiB:
// what plugins say of themselves and of tasks is stored by agents and servers,
// many times over. An error has its reason at its end.
func Abridge(text string) string {
	over := len(text) - keptHead - keptTail
	if over <= 0 {
		return text
	}
	head, tail := text[:keptHead], text[len(text)-keptTail:]
	return fmt.Sprintf("%s ... (%d bytes left out) ... %s", strings.ToValidUTF8(head, ""), over, strings.ToValidUTF8(tail, ""))
}
