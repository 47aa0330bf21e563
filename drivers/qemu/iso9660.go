// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// discSector is the block size of the file system of a compact disc, ISO 9660.
const discSector = 2048

// Where the parts of a disc lie, in sectors. Files follow the root directory.
const (
	discDescriptor = 16 + iota
	discTerminator
	discTableLE
	discTableBE
	discRoot
	discFiles
)

// discFile is a file in the root directory of a disc.
type discFile struct {
	name string
	body []byte
}

// writeDisc writes a file system of ECMA-119, without extensions: systems read
// its names in lower case and without the version. The files must be in the
// order of their names, of at most 27 characters, and few enough for a directory of one sector.
func writeDisc(w io.Writer, label string, now time.Time, files []discFile) error {
	now = now.UTC()
	root := make([]byte, 0, discSector)
	root = appendRecord(root, "\x00", discRoot, discSector, true, now)
	root = appendRecord(root, "\x01", discRoot, discSector, true, now)
	next := discFiles
	for _, f := range files {
		root = appendRecord(root, strings.ToUpper(f.name)+".;1", next, len(f.body), false, now)
		next += sectors(len(f.body))
	}
	if len(root) > discSector {
		return fmt.Errorf("%d files do not fit on a disc", len(files))
	}
	// The path table has the root directory alone.
	tableLE, tableBE := []byte{1, 0, 0, 0, 0, 0, 1, 0, 0, 0}, []byte{1, 0, 0, 0, 0, 0, 0, 1, 0, 0}
	binary.LittleEndian.PutUint32(tableLE[2:], discRoot)
	binary.BigEndian.PutUint32(tableBE[2:], discRoot)
	parts := [][]byte{
		make([]byte, discDescriptor*discSector),
		descriptor(label, next, len(tableLE), now),
		[]byte("\xffCD001\x01"),
		tableLE, tableBE, root,
	}
	for _, f := range files {
		parts = append(parts, f.body)
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
		if _, err := w.Write(make([]byte, sectors(len(part))*discSector-len(part))); err != nil {
			return err
		}
	}
	return nil
}

func sectors(size int) int { return (size + discSector - 1) / discSector }

// descriptor is the primary volume descriptor.
func descriptor(label string, size, table int, now time.Time) []byte {
	d := make([]byte, discSector)
	copy(d, "\x01CD001\x01")
	// Texts are filled with spaces: system, volume, and from 190 on volume set,
	// publisher, preparer, application and three names of files.
	for _, text := range [][2]int{{8, 72}, {190, 813}} {
		copy(d[text[0]:text[1]], strings.Repeat(" ", text[1]-text[0]))
	}
	copy(d[40:72], label)
	both32(d[80:], size)
	both16(d[120:], 1)
	both16(d[124:], 1)
	both16(d[128:], discSector)
	both32(d[132:], table)
	binary.LittleEndian.PutUint32(d[140:], discTableLE)
	binary.BigEndian.PutUint32(d[148:], discTableBE)
	copy(d[156:190], appendRecord(nil, "\x00", discRoot, discSector, true, now))
	// Made and changed now; it does not expire and counts at once. The last byte of each is the time zone.
	for at, text := range map[int]string{813: now.Format("20060102150405") + "00", 830: now.Format("20060102150405") + "00", 847: strings.Repeat("0", 16), 864: strings.Repeat("0", 16)} {
		copy(d[at:], text)
	}
	d[881] = 1
	return d
}

// appendRecord appends the entry of a file or directory.
func appendRecord(b []byte, name string, sector, size int, dir bool, at time.Time) []byte {
	r := make([]byte, 33+len(name)+(len(name)+1)%2)
	r[0] = byte(len(r))
	both32(r[2:], sector)
	both32(r[10:], size)
	copy(r[18:], []byte{byte(at.Year() - 1900), byte(at.Month()), byte(at.Day()), byte(at.Hour()), byte(at.Minute()), byte(at.Second()), 0})
	if dir {
		r[25] = 2
	}
	both16(r[28:], 1)
	r[32] = byte(len(name))
	copy(r[33:], name)
	return append(b, r...)
}

// both32 and both16 write a number in both byte orders, as the standard wants it.
func both32(b []byte, n int) {
	binary.LittleEndian.PutUint32(b, uint32(n))
	binary.BigEndian.PutUint32(b[4:], uint32(n))
}

func both16(b []byte, n int) {
	binary.LittleEndian.PutUint16(b, uint16(n))
	binary.BigEndian.PutUint16(b[2:], uint16(n))
}
