// SPDX-License-Identifier: MPL-2.0

package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
)

// A saved snapshot is a magic text and a list of frames: length of the content and its CRC-32C (4 bytes
// each, big endian), then the content: a kind and what belongs to it. Rows and shared parts follow each
// other inside frames of records, each with its length as a varint. Maps are in the order of their keys:
// servers that applied the same log write the same bytes.
const (
	snapshotMagic = "NLSTATE\n"

	frameSnapshot = 's'
	frameTable    = 't'
	frameRecords  = 'r'
	frameEnd      = 'e'

	recordRow       = 0
	recordJob       = 1
	recordResources = 2
	recordMetrics   = 3

	// frameSize is how large a frame of records gets before it is written, maxFrame what a reader accepts.
	frameSize = 256 << 10
	maxFrame  = 1 << 30
)

var (
	errDamaged = errors.New("snapshot is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// sharedSlots is how many resources and metrics a snapshot remembers at a time, to write those that
// several allocations share once. Jobs are all remembered.
const sharedSlots = 1 << 16

// shared numbers parts that rows refer to by address. Numbers are slots, used again in turn.
type shared[T any] struct {
	slots  []*T
	number map[*T]uint32
	next   uint32
	size   uint32
}

func (s *shared[T]) lookup(p *T) (uint32, bool) {
	n, ok := s.number[p]
	return n, ok
}

// add takes the next slot. The reader of a snapshot adds the same parts in the same order.
func (s *shared[T]) add(p *T) uint32 {
	n := s.next
	if s.size > 0 {
		n %= s.size
	}
	s.next++
	if s.number == nil {
		s.number = map[*T]uint32{}
	}
	if int(n) < len(s.slots) {
		delete(s.number, s.slots[n])
		s.slots[n] = p
	} else {
		s.slots = append(s.slots, p)
	}
	s.number[p] = n
	return n
}

func (s *shared[T]) at(n uint32) (*T, error) {
	if int(n) >= len(s.slots) {
		return nil, fmt.Errorf("%w: shared part %d of %d", errDamaged, n, len(s.slots))
	}
	return s.slots[n], nil
}

// sharing is what both directions remember.
type sharing struct {
	jobs      shared[api.Job]
	resources shared[api.AllocatedResources]
	metrics   shared[api.AllocMetric]
}

func newSharing() sharing {
	return sharing{
		resources: shared[api.AllocatedResources]{size: sharedSlots},
		metrics:   shared[api.AllocMetric]{size: sharedSlots},
	}
}

// rowEncoder writes the rows of a snapshot.
type rowEncoder struct {
	sharing
	w      *bufio.Writer
	buf    []byte
	record []byte
	// redact leaves secrets out.
	redact bool
	err    error
}

func newRowEncoder(w io.Writer) *rowEncoder {
	e := &rowEncoder{sharing: newSharing(), w: bufio.NewWriterSize(w, 64<<10)}
	_, e.err = e.w.WriteString(snapshotMagic)
	return e
}

// frame writes the content collected in buf.
func (e *rowEncoder) frame() {
	if e.err != nil || len(e.buf) == 0 {
		return
	}
	var head [8]byte
	binary.BigEndian.PutUint32(head[0:], uint32(len(e.buf)))
	binary.BigEndian.PutUint32(head[4:], crc32.Checksum(e.buf, castagnoli))
	if _, e.err = e.w.Write(head[:]); e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// head writes a frame of its own.
func (e *rowEncoder) head(kind byte, v any) {
	e.frame()
	if e.err != nil {
		return
	}
	e.buf, e.err = codec.AppendSorted(append(e.buf, kind), v)
	e.frame()
}

func (e *rowEncoder) finish() error {
	e.frame()
	e.buf = append(e.buf, frameEnd)
	e.frame()
	if e.err == nil {
		e.err = e.w.Flush()
	}
	return e.err
}

// row writes a row as it is.
func (e *rowEncoder) row(v any) { e.put(recordRow, v) }

func (e *rowEncoder) put(kind byte, v any) {
	if e.err != nil {
		return
	}
	if e.record, e.err = codec.AppendSorted(append(e.record[:0], kind), v); e.err != nil {
		return
	}
	if len(e.buf) == 0 {
		e.buf = append(e.buf, frameRecords)
	}
	e.buf = binary.AppendUvarint(e.buf, uint64(len(e.record)))
	e.buf = append(e.buf, e.record...)
	if len(e.buf) >= frameSize {
		e.frame()
	}
}

// ref returns the number of a shared part plus one, 0 for none, after writing it if that is needed.
func ref[T any](e *rowEncoder, s *shared[T], kind byte, p *T) uint32 {
	if p == nil {
		return 0
	}
	n, ok := s.lookup(p)
	if !ok {
		e.put(kind, p)
		n = s.add(p)
	}
	return n + 1
}

// rowDecoder reads what a rowEncoder wrote.
type rowDecoder struct {
	sharing
	r    *bufio.Reader
	buf  []byte
	left []byte
	// texts holds one copy of texts that many rows repeat.
	texts   map[string]string
	started bool
}

func newRowDecoder(r io.Reader) *rowDecoder {
	return &rowDecoder{sharing: newSharing(), r: bufio.NewReaderSize(r, 64<<10), texts: map[string]string{}}
}

// text returns the one copy of s.
func (d *rowDecoder) text(s string) string {
	if s == "" {
		return ""
	}
	if t, ok := d.texts[s]; ok {
		return t
	}
	d.texts[s] = s
	return s
}

// frame reads the next frame and returns its kind.
func (d *rowDecoder) frame() (byte, error) {
	if !d.started {
		magic := make([]byte, len(snapshotMagic))
		if _, err := io.ReadFull(d.r, magic); err != nil || string(magic) != snapshotMagic {
			return 0, fmt.Errorf("%w: it does not start as one", errDamaged)
		}
		d.started = true
	}
	var head [8]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil {
		return 0, fmt.Errorf("%w: it is cut off", errDamaged)
	}
	n := binary.BigEndian.Uint32(head[0:])
	if n == 0 || n > maxFrame {
		return 0, fmt.Errorf("%w: a frame has %d bytes", errDamaged, n)
	}
	if err := d.fill(int(n)); err != nil {
		return 0, err
	}
	if crc32.Checksum(d.buf, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return 0, fmt.Errorf("%w: a checksum does not match", errDamaged)
	}
	d.left = d.buf[1:]
	return d.buf[0], nil
}

// fill reads n bytes into buf, in steps, so that a wrong length takes no memory that is not there.
func (d *rowDecoder) fill(n int) error {
	d.buf = d.buf[:0]
	for len(d.buf) < n {
		step := min(n-len(d.buf), 1<<20)
		at := len(d.buf)
		d.buf = append(d.buf, make([]byte, step)...)
		if _, err := io.ReadFull(d.r, d.buf[at:]); err != nil {
			return fmt.Errorf("%w: it is cut off", errDamaged)
		}
	}
	return nil
}

// head reads a frame of the kind; io.EOF when the snapshot ends instead.
func (d *rowDecoder) head(kind byte, v any) error {
	if len(d.left) > 0 {
		return fmt.Errorf("%w: more rows than announced", errDamaged)
	}
	got, err := d.frame()
	switch {
	case err != nil:
		return err
	case got == frameEnd:
		return d.end()
	case got != kind:
		return fmt.Errorf("%w: frame %q instead of %q", errDamaged, got, kind)
	}
	if err := codec.Unmarshal(d.left, v); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	d.left = nil
	return nil
}

// end returns io.EOF when nothing follows the last frame.
func (d *rowDecoder) end() error {
	if _, err := d.r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows its end", errDamaged)
	}
	return io.EOF
}

// row reads the next row into v; the shared parts before it are remembered.
func (d *rowDecoder) row(v any) error {
	for {
		if len(d.left) == 0 {
			kind, err := d.frame()
			if err != nil {
				return err
			}
			if kind != frameRecords {
				return fmt.Errorf("%w: fewer rows than announced", errDamaged)
			}
			continue
		}
		n, size := binary.Uvarint(d.left)
		if size <= 0 || n == 0 || n > uint64(len(d.left)-size) {
			return fmt.Errorf("%w: a row is cut off", errDamaged)
		}
		record := d.left[size : size+int(n)]
		d.left = d.left[size+int(n):]
		if record[0] == recordRow {
			return damaged(codec.Unmarshal(record[1:], v))
		}
		if err := d.part(record[0], record[1:]); err != nil {
			return err
		}
	}
}

// damaged marks an error as damage of the snapshot.
func damaged(err error) error {
	if err != nil && !errors.Is(err, errDamaged) {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return err
}

func (d *rowDecoder) part(kind byte, b []byte) error {
	switch kind {
	case recordJob:
		return part(&d.jobs, b)
	case recordResources:
		return part(&d.resources, b)
	case recordMetrics:
		return part(&d.metrics, b)
	}
	return fmt.Errorf("%w: record of kind %d", errDamaged, kind)
}

func part[T any](s *shared[T], b []byte) error {
	p := new(T)
	if err := codec.Unmarshal(b, p); err != nil {
		return damaged(err)
	}
	s.add(p)
	return nil
}

// deref returns the shared part with the number that ref gave.
func deref[T any](s *shared[T], n uint32) (*T, error) {
	if n == 0 {
		return nil, nil
	}
	return s.at(n - 1)
}
