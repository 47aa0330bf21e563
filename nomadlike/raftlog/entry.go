// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// Entry layout, all numbers varints unless stated: a format byte, CRC-32C of the rest (4 bytes, big
// endian), index, term, type (1 byte), time of appending in unix nanoseconds (0 for none), length of the
// extensions, extensions, data.
const (
	entryFormat = 1
	entryHeader = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeLog(l *raft.Log) []byte {
	b := make([]byte, entryHeader, entryHeader+4*binary.MaxVarintLen64+1+len(l.Extensions)+len(l.Data))
	b = binary.AppendUvarint(b, l.Index)
	b = binary.AppendUvarint(b, l.Term)
	b = append(b, byte(l.Type))
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	b = binary.AppendVarint(b, at)
	b = binary.AppendUvarint(b, uint64(len(l.Extensions)))
	b = append(b, l.Extensions...)
	b = append(b, l.Data...)
	seal(b)
	return b
}

// seal writes the format and the checksum of an entry.
func seal(b []byte) {
	b[0] = entryFormat
	binary.BigEndian.PutUint32(b[1:], crc32.Checksum(b[entryHeader:], castagnoli))
}

var errCutOff = errors.New("entry is cut off")

// decodeLog fills l; nothing in it refers to b.
func decodeLog(b []byte, l *raft.Log) error {
	if len(b) < entryHeader {
		return errCutOff
	}
	if b[0] != entryFormat {
		return fmt.Errorf("entry has format %d, this version reads format %d", b[0], entryFormat)
	}
	sum, b := binary.BigEndian.Uint32(b[1:]), b[entryHeader:]
	if crc32.Checksum(b, castagnoli) != sum {
		return errors.New("checksum does not match")
	}
	*l = raft.Log{}
	var n int
	if l.Index, n = binary.Uvarint(b); n <= 0 {
		return errCutOff
	}
	b = b[n:]
	if l.Term, n = binary.Uvarint(b); n <= 0 || n >= len(b) {
		return errCutOff
	}
	l.Type, b = raft.LogType(b[n]), b[n+1:]
	at, n := binary.Varint(b)
	if n <= 0 {
		return errCutOff
	}
	if b = b[n:]; at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	ext, n := binary.Uvarint(b)
	if n <= 0 || ext > uint64(len(b)-n) {
		return errCutOff
	}
	b = b[n:]
	if ext > 0 {
		l.Extensions = append([]byte(nil), b[:ext]...)
	}
	if b = b[ext:]; len(b) > 0 {
		l.Data = append([]byte(nil), b...)
	}
	return nil
}
