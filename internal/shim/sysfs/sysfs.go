// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Package sysfs reads and writes the small files by which a kernel shows and
// takes its settings, with plain system calls.
//
// It exists because the shim links it: it allocates what it returns and nothing
// else. It imports golang.org/x/sys and small parts of the standard library.
package sysfs

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxSize bounds what Read returns; such files are far smaller.
const maxSize = 4 << 20

// Read returns the contents of a file.
func Read(path string) ([]byte, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	b := make([]byte, 0, 1024)
	for len(b) < maxSize {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := unix.Read(fd, b[len(b):cap(b)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		}
		b = b[:len(b)+n]
	}
	return nil, unix.EFBIG
}

// Write puts a value into an existing file with one call.
func Write(path, value string) error {
	fd, err := open(path, unix.O_WRONLY|unix.O_TRUNC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		_, err := unix.Write(fd, []byte(value))
		if err != unix.EINTR {
			return err
		}
	}
}

// ReadUint returns the number in a file.
func ReadUint(path string) (uint64, error) {
	b, err := Read(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
}

// Field returns the number after a word in a file of "word number" lines.
func Field(path, word string) (uint64, error) {
	b, err := Read(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		key, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		if ok && string(key) == word {
			return strconv.ParseUint(string(value), 10, 64)
		}
	}
	return 0, unix.ENOENT
}

// PIDs returns the process numbers in a file of one number a line.
func PIDs(path string) ([]int, error) {
	b, err := Read(path)
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range bytes.Lines(b) {
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// EachLine calls f with each line of a file, which is read piece by piece into
// buf. Lines that do not fit into buf are left out. f must not keep the line.
func EachLine(path string, buf []byte, f func(line []byte)) error {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	have := 0
	for {
		n, err := unix.Read(fd, buf[have:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		have += n
		rest := buf[:have]
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			f(rest[:end])
			rest = rest[end+1:]
		}
		if have = copy(buf, rest); have == len(buf) {
			have = 0
		}
	}
}

// Numbers lists the entries of a directory that are numbers.
func Numbers(dir string) ([]int, error) {
	fd, err := open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var list []int
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return list, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if v, err := strconv.Atoi(name); err == nil {
				list = append(list, v)
			}
		}
	}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
