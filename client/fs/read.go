// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
)

// frameSize is the most bytes in one frame.
const frameSize = 64 << 10

// Send hands a frame to the caller of a stream. The frame and its data may be reused after it returns.
type Send func(*api.StreamFrame) error

var errNoName = api.Errorf(api.ClassInvalid, "must provide a file name")

// failure gives an error of the file system its class. missing is the class of a file that is not there.
func failure(err error, path string, missing api.Class) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, allocdir.ErrEscapes):
		return api.CodeErrorf(api.ClassInvalid, http.StatusInternalServerError, "Path escapes the alloc directory")
	case errors.Is(err, allocdir.ErrSecret):
		// Not of the class of what a token may not do: reads of whole files answer this one with 200 like a missing file.
		return api.CodeErrorf(api.ClassInvalid, http.StatusForbidden, "Reading secret file prohibited: %s", path)
	case errors.Is(err, iofs.ErrNotExist):
		return api.Errorf(missing, "%s", err)
	case errors.Is(err, allocdir.ErrNotRegular), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR):
		return api.Errorf(api.ClassInvalid, "%s", err)
	}
	return err
}

func describe(info iofs.FileInfo) *api.AllocFileInfo {
	at := info.ModTime()
	return &api.AllocFileInfo{
		Name: info.Name(), IsDir: info.IsDir(), Size: info.Size(), FileMode: info.Mode().String(), ModTime: &at,
	}
}

// List describes the entries of a directory; an empty path is the allocation directory.
func List(d *allocdir.Dir, path string) ([]*api.AllocFileInfo, error) {
	out := []*api.AllocFileInfo{}
	if err := d.List(path, func(info iofs.FileInfo) { out = append(out, describe(info)) }); err != nil {
		return nil, failure(err, path, api.ClassNotFound)
	}
	return out, nil
}

// Stat describes a file or directory, and says what kind of content a file has.
func Stat(d *allocdir.Dir, path string) (*api.AllocFileInfo, error) {
	if path == "" {
		return nil, errNoName
	}
	info, err := d.Stat(path)
	if err != nil {
		return nil, failure(err, path, api.ClassNotFound)
	}
	out := describe(info)
	if out.Name == "." {
		out.Name = filepath.Base(d.Path())
	}
	if !info.Mode().IsRegular() {
		return out, nil
	}
	// A file that cannot be read, a secret for one, still has its other properties.
	f, err := d.Open(path)
	if err != nil {
		return out, nil
	}
	defer f.Close()
	var head [512]byte
	n, err := io.ReadFull(f, head[:])
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		out.ContentType = http.DetectContentType(head[:n])
	}
	return out, nil
}

// Cat sends a whole file.
func Cat(ctx context.Context, d *allocdir.Dir, path string, send Send) error {
	return ReadAt(ctx, d, path, "0", 0, send)
}

// ReadAt sends limit bytes of a file from the offset on, all the rest when limit is 0.
func ReadAt(ctx context.Context, d *allocdir.Dir, path, offset string, limit int64, send Send) error {
	if path == "" {
		return errNoName
	}
	at, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return api.Errorf(api.ClassInvalid, "error parsing offset: %s", err)
	}
	if at < 0 || limit < 0 {
		return api.Errorf(api.ClassInvalid, "offset and limit must not be negative")
	}
	f, err := d.Open(path)
	if err != nil {
		return failure(err, path, api.ClassNotFound)
	}
	defer f.Close()
	buf := make([]byte, min(frameSize, max(f.Info.Size(), 512)))
	for left := limit; limit == 0 || left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk := buf
		if limit > 0 && left < int64(len(chunk)) {
			chunk = chunk[:left]
		}
		n, err := f.ReadAt(chunk, at)
		at += int64(n)
		left -= int64(n)
		if n > 0 {
			if err := send(&api.StreamFrame{Data: chunk[:n], File: path, Offset: at}); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}
