// SPDX-License-Identifier: MPL-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

var at = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func meta(state string) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: 1, ID: "2-19-1", Index: 19, Term: 2, Size: int64(len(state)),
		Configuration: raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "127.0.0.1:4647"}}}, ConfigurationIndex: 1,
	}
}

func written(t *testing.T, state string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, meta(state), strings.NewReader(state), at); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, state := range []string{"", "the state", strings.Repeat("x", 100_000)} {
		var out bytes.Buffer
		got, err := Read(bytes.NewReader(written(t, state)), &out)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(meta(state), got); d != "" {
			t.Errorf("metadata (-want +got):\n%s", d)
		}
		if out.String() != state {
			t.Errorf("state of %d bytes, want %d", out.Len(), len(state))
		}
	}
}

// TestLayout reads the archive as any tool would.
func TestLayout(t *testing.T) {
	z, err := gzip.NewReader(bytes.NewReader(written(t, "abc")))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if want := fmt.Sprintf("%x  state.bin\n", sha256.Sum256([]byte("abc"))); h.Name == "SHA256SUMS" && !strings.Contains(string(data), want) {
			t.Errorf("SHA256SUMS is %q, want a line %q", data, want)
		}
	}
	if d := cmp.Diff([]string{"meta.json", "state.bin", "SHA256SUMS"}, names); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

func TestShortState(t *testing.T) {
	m := meta("abc")
	m.Size = 10
	if err := Write(io.Discard, m, strings.NewReader("abc"), at); err == nil || !strings.Contains(err.Error(), "3 of 10 bytes") {
		t.Errorf("error %v, want one about the missing bytes", err)
	}
}

// TestDamage cuts and changes an archive everywhere; nothing of it may pass.
func TestDamage(t *testing.T) {
	state := strings.Repeat("state ", 100)
	whole := written(t, state)
	for n := range len(whole) {
		if _, err := Read(bytes.NewReader(whole[:n]), io.Discard); !errors.Is(err, ErrDamaged) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrDamaged", n, len(whole), err)
		}
	}
	for n := 10; n < len(whole); n++ { // the head of gzip has bytes that mean nothing
		b := bytes.Clone(whole)
		b[n] ^= 0x10
		var out bytes.Buffer
		_, err := Read(bytes.NewReader(b), &out)
		// A bit that fills up the last byte of the compressed data means nothing.
		if !errors.Is(err, ErrDamaged) && (err != nil || out.String() != state) {
			t.Fatalf("byte %d changed: error %v, want ErrDamaged", n, err)
		}
	}
}

// tarred makes an archive of the files.
func tarred(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i+1 < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostile(t *testing.T) {
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"no gzip":    {[]byte("hello"), "failed to decompress snapshot: unexpected EOF"},
		"empty tar":  {tarred(t), "it needs"},
		"no sums":    {tarred(t, "meta.json", "{}", "state.bin", "x"), "it needs"},
		"other file": {tarred(t, "../../etc/passwd", "x"), "it has a file"},
		"twice":      {tarred(t, "meta.json", "{}", "meta.json", "{}"), "comes twice"},
		"no JSON":    {tarred(t, "meta.json", "{"), "meta.json"},
		"large meta": {tarred(t, "meta.json", strings.Repeat(" ", maxSmall+1)), "more than"},
		"bad sums":   {tarred(t, "meta.json", "{}", "state.bin", "x", "SHA256SUMS", "nonsense"), "no checksum"},
		"one sum":    {tarred(t, "meta.json", "{}", "state.bin", "x", "SHA256SUMS", sum("{}")+"  meta.json\n"), "checksum of state.bin"},
		"wrong sum":  {tarred(t, "meta.json", "{}", "state.bin", "x", "SHA256SUMS", sum("{}")+"  meta.json\n"+sum("y")+"  state.bin\n"), "checksum of state.bin"},
	} {
		if _, err := Read(bytes.NewReader(c.data), io.Discard); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestNoPlaceForTheState(t *testing.T) {
	_, err := Read(bytes.NewReader(written(t, "abc")), full{})
	if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("error %v, want the writer's", err)
	}
}
