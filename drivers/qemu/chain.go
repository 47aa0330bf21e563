// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Limits of what images may ask for.
const (
	// maxChain is how many images may lie over one another.
	maxChain = 64
	// maxNamed is how long the name of a file in an image may be, in bytes. QEMU takes 1023.
	maxNamed = 4096
	// maxExtensions is how far the parts of a qcow2 header are read, in bytes: the first cluster has them all.
	maxExtensions = 2 << 20
)

// chain checks that the files which an image names, and those name, may be used too. It is for plugins with an
// args_allowlist: without one, arguments may name any file anyway.
func (c *pluginConfig) chain(task *drivers.TaskConfig, image string) error {
	seen := map[string]bool{}
	for todo := []string{image}; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		if seen[todo[0]] = true; len(seen) > maxChain {
			return fmt.Errorf("image_path: more than %d images lie over one another", maxChain)
		}
		below, data, err := named(todo[0])
		if err != nil {
			return fmt.Errorf("image_path: %q: %w", todo[0], err)
		}
		// Paths stay as QEMU puts them together, since links may be in them: those of images begin where the image is said
		// to be that names them, those of data where QEMU works.
		for _, found := range [][2]string{{below, todo[0][:max(0, strings.LastIndexByte(todo[0], '/'))]}, {data, task.TaskDir()}} {
			name, from := found[0], found[1]
			if name == "" {
				continue
			}
			// QEMU takes what has a colon before the first slash for a protocol.
			if before, _, _ := strings.Cut(name, "/"); strings.Contains(before, ":") {
				return fmt.Errorf("image_path: %q leads to %q; with an args_allowlist it may lead to files in the allowed paths only", todo[0], name)
			}
			if !filepath.IsAbs(name) {
				name = from + "/" + name
			}
			if _, err := c.image(task, name); err != nil {
				return fmt.Errorf("image_path: %q leads to %q: %w", todo[0], name, err)
			}
			todo = append(todo, name)
		}
	}
	return nil
}

// named returns the files that an image says it needs, as its format has them: the image below it, and the file with its
// data. See docs/interop in QEMU. Images that QEMU takes for another format name none.
func named(image string) (below, data string, err error) {
	file, err := os.OpenFile(image, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", "", err
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", "", err
	}
	h := &header{file: file}
	if _, err := file.ReadAt(h.start[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return "", "", err
	}
	switch start := h.start[:]; {
	case bytes.HasPrefix(start, []byte("QFI\xfb")):
		return h.qcow()
	case bytes.HasPrefix(start, []byte("QED\x00")):
		little := binary.LittleEndian
		if little.Uint64(start[16:])&1 == 0 {
			return "", "", nil
		}
		below, err = h.text(int64(little.Uint32(start[56:])), little.Uint32(start[60:]))
		return below, "", err
	case bytes.HasPrefix(start, []byte("KDMV")), bytes.HasPrefix(start, []byte("COWD")),
		strings.ContainsRune("# v", rune(start[0])) && bytes.Contains(start, []byte("version=")):
		return "", "", errors.New("images of VMware may name other files, and cannot be used with an args_allowlist; qemu-img convert makes others of them")
	}
	return "", "", nil
}

// header is the beginning of an image.
type header struct {
	file  io.ReaderAt
	start [512]byte
}

// text reads a part of the file, which is text or small.
func (h *header) text(at int64, length uint32) (string, error) {
	if length > maxNamed {
		return "", fmt.Errorf("a part of its header has %d bytes", length)
	}
	part := make([]byte, length)
	if _, err := h.file.ReadAt(part, at); err != nil {
		return "", fmt.Errorf("read its header: %w", err)
	}
	return string(part), nil
}

// Parts of a qcow2 header: the format of the image below, and the file with the data.
const (
	partEnd    = 0
	partFormat = 0xe2792aca
	partData   = 0x44415441
)

// qcow returns what images of the formats qcow and qcow2 name.
func (h *header) qcow() (below, data string, err error) {
	big := binary.BigEndian
	version := big.Uint32(h.start[4:])
	if at := big.Uint64(h.start[8:]); at != 0 {
		if below, err = h.text(int64(at), big.Uint32(h.start[16:])); err != nil {
			return "", "", err
		}
	}
	if version < 2 {
		return below, "", nil
	}
	at := int64(72)
	if version > 2 {
		at = int64(big.Uint32(h.start[100:]))
	}
	for at < maxExtensions {
		part, err := h.text(at, 8)
		if errors.Is(err, io.EOF) {
			return below, data, nil
		}
		if err != nil {
			return "", "", err
		}
		kind, length := big.Uint32([]byte(part)), big.Uint32([]byte(part[4:]))
		at += 8
		switch kind {
		case partEnd:
			return below, data, nil
		case partFormat, partData:
			text, err := h.text(at, length)
			if err != nil {
				return "", "", err
			}
			if kind == partData {
				data = text
			} else if !slices.Contains([]string{"raw", "qcow", "qcow2", "qed"}, text) {
				return "", "", fmt.Errorf("what is below it has the format %q; with an args_allowlist it is raw, qcow, qcow2 or qed", text)
			}
		}
		at += (int64(length) + 7) / 8 * 8
	}
	return "", "", errors.New("the parts of its header do not end")
}
