// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// OpenRegular opens a file of the node for reading without waiting for pipes.
func OpenRegular(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|openFlags, 0) }

// ReadRegular reads all of an open file, which must be a regular one of at most limit bytes.
func ReadRegular(f *os.File, name string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: reason(err)}
	}
	if int64(len(data)) > limit {
		return nil, nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, info, nil
}

// WriteFile puts a file of exactly the mode and, unless an ID is negative, owner at the place, at once: whoever
// reads it sees the old contents or the new. A link at the place is replaced, not followed.
func (i *Inside) WriteFile(data []byte, mode fs.FileMode, uid, gid int) error {
	parent, base, err := i.MakeParent()
	if err != nil {
		return err
	}
	defer parent.Close()
	var random [6]byte
	_, _ = rand.Read(random[:]) // crypto/rand.Read never fails, see its documentation.
	draft := ".new-" + hex.EncodeToString(random[:])
	f, err := parent.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", i.Name(), reason(err))
	}
	_, err = f.Write(data)
	if err == nil && (uid >= 0 || gid >= 0) {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = parent.Rename(draft, base)
	}
	if err != nil {
		_ = parent.Remove(draft)
		return fmt.Errorf("write %s: %w", i.Name(), reason(err))
	}
	return nil
}
