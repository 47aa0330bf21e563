// SPDX-License-Identifier: MPL-2.0

package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

var meta = raft.SnapshotMeta{
	Version: 1, ID: "2-9-1", Index: 9, Term: 2, Size: 11,
	Configuration: raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "127.0.0.1:4647"}}}, ConfigurationIndex: 1,
}

func written(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, &meta, strings.NewReader("hello state"), time.Unix(1795400000, 0)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	archive := written(t)
	var state bytes.Buffer
	got, err := Read(bytes.NewReader(archive), &state)
	if err != nil || state.String() != "hello state" || got.Index != 9 || got.Configuration.Servers[0].Address != "127.0.0.1:4647" {
		t.Errorf("%q %+v %v", state.String(), got, err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	in := tar.NewReader(gz)
	for {
		h, err := in.Next()
		if err != nil {
			break
		}
		names = append(names, h.Name)
		if h.Name == fileMeta {
			text, err := io.ReadAll(in)
			if err != nil || !strings.Contains(string(text), `"Configuration":{"Servers":[{"Suffrage":0,"ID":"a","Address":"127.0.0.1:4647"}]}`) {
				t.Errorf("%s %v", text, err)
			}
		}
	}
	if strings.Join(names, " ") != "meta.json state.bin SHA256SUMS" {
		t.Errorf("files %v", names)
	}
	if err := Write(io.Discard, &meta, strings.NewReader("short"), time.Now()); err == nil {
		t.Error("a state that is shorter than it should be was written")
	}
}

type file struct {
	name, text string
	kind       byte
}

func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	out := tar.NewWriter(gz)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o600, Typeflag: f.kind}
		if f.kind == tar.TypeSymlink {
			h.Size, h.Linkname = 0, f.text
		}
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if f.kind != tar.TypeSymlink {
			if _, err := io.WriteString(out, f.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBadArchives(t *testing.T) {
	good := written(t)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-6] ^= 1 // in the checksum of the compression
	head := file{fileMeta, `{"Version":1,"Size":1}`, 0}
	state := file{fileState, "x", 0}
	const sums = "9c9ba0a7ec46ee2b6db0cd3dbdab1b4e5ae5bc7d3d4a3b4de5e9dd2cb6c87f2f  meta.json\n"
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"garbage":         {[]byte("garbage"), "failed to decompress snapshot: unexpected EOF"},
		"nothing":         {nil, "failed to decompress snapshot: EOF"},
		"text":            {[]byte("some text that is no gzip"), "failed to decompress snapshot: gzip: invalid header"},
		"cut off":         {good[:len(good)/2], "unexpected EOF"},
		"damaged":         {flipped, "gzip: invalid checksum"},
		"empty archive":   {archive(t), `file "meta.json" is missing`},
		"no state":        {archive(t, head, file{fileSums, sums, 0}), `file "state.bin" is missing`},
		"no sums":         {archive(t, head, state), `file "SHA256SUMS" is missing`},
		"state first":     {archive(t, state, head), "meta.json does not come first"},
		"wrong size":      {archive(t, file{fileMeta, `{"Size":2}`, 0}, state), "state.bin has 1 bytes, meta.json says 2"},
		"bad metadata":    {archive(t, file{fileMeta, `{`, 0}), "decode meta.json"},
		"wrong sum":       {archive(t, head, state, file{fileSums, sums, 0}), `checksum of "meta.json" is wrong`},
		"unknown sum":     {archive(t, head, state, file{fileSums, "00  other\n", 0}), "unexpected line"},
		"missing sum":     {archive(t, head, state, file{fileSums, "", 0}), "has no checksum of"},
		"file twice":      {archive(t, head, head), `file "meta.json" is there twice`},
		"link":            {archive(t, file{fileMeta, "/etc/passwd", tar.TypeSymlink}), "no plain file"},
		"unexpected file": {archive(t, file{"../x", "y", 0}), `unexpected file "../x"`},
		"huge metadata":   {archive(t, file{fileMeta, strings.Repeat(" ", maxSmall+1), 0}), "at most"},
	} {
		if _, err := Read(bytes.NewReader(c.data), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("garbage"))
	var b bytes.Buffer
	if err := Write(&b, &meta, strings.NewReader("hello state"), time.Unix(0, 0)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var state bytes.Buffer
		if m, err := Read(bytes.NewReader(data), &state); err == nil && m.Size != int64(state.Len()) {
			t.Errorf("accepted %d bytes of state as %d", state.Len(), m.Size)
		}
	})
}
