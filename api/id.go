// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/rand"
	"encoding/hex"
)

// NewID returns a random UUID (version 4) in its 36 character lower-case text form.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails, see its documentation.
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80

	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	text[8] = '-'
	hex.Encode(text[9:13], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:36], id[10:16])
	return string(text[:])
}

// ShortID returns the first eight characters of an id, the form shown to people.
func ShortID(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[:8]
}
