// SPDX-License-Identifier: MPL-2.0

package rotate

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func open(t testing.TB, path string, cfg Config) *Writer {
	t.Helper()
	dir, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		_ = dir.Close()
	})
	return w
}

// files returns the contents of the log files by name.
func files(t testing.TB, path string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

// joined returns the whole stream, in the order of the numbers.
func joined(all map[string]string, prefix string) string {
	var b strings.Builder
	for i := range len(all) {
		b.WriteString(all[fmt.Sprintf("%s.%d", prefix, i)])
	}
	return b.String()
}

// TestWhereFilesEnd writes pieces and compares the files that result.
func TestWhereFilesEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100)
	for name, test := range map[string]struct {
		size   int64
		write  []string
		expect []string
	}{
		"nothing":                {10, nil, []string{""}},
		"fits":                   {10, []string{"one\ntwo\n"}, []string{"one\ntwo\n"}},
		"fits exactly":           {8, []string{"one\ntwo\n"}, []string{"one\ntwo\n"}},
		"full, then more":        {8, []string{"one\ntwo\n", "x"}, []string{"one\ntwo\n", "x"}},
		"at a line break":        {10, []string{"one\ntwo\nthree\n"}, []string{"one\ntwo\n", "three\n"}},
		"line does not fit":      {10, []string{"one\ntwo\n", "three\n"}, []string{"one\ntwo\n", "three\n"}},
		"line is finished":       {10, []string{"one\ntwo", "three\nx"}, []string{"one\ntwothree\n", "x"}},
		"line goes on":           {10, []string{"one\ntwo", "three", "!\nx"}, []string{"one\ntwothree!\n", "x"}},
		"one long line":          {10, []string{long}, []string{long[:20], long[:20], long[:20], long[:20], long[:20]}},
		"many in one piece":      {4, []string{"a\nb\nc\nd\ne\n"}, []string{"a\nb\n", "c\nd\n", "e\n"}},
		"lines of the file size": {2, []string{"a\n", "b\n"}, []string{"a\n", "b\n"}},
		"byte by byte":           {3, strings.Split("ab\ncd\nef\n", ""), []string{"ab\n", "cd\n", "ef\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			w := open(t, path, Config{Prefix: "p", MaxFiles: 100, MaxSize: test.size})
			for _, piece := range test.write {
				if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Errorf("write returned %d, %v", n, err)
				}
			}
			got := files(t, path)
			if len(got) != len(test.expect) {
				t.Errorf("files are %q, want %q", got, test.expect)
			}
			for i, want := range test.expect {
				if text := got[fmt.Sprintf("p.%d", i)]; text != want {
					t.Errorf("file %d is %q, want %q", i, text, want)
				}
			}
		})
	}
}

// TestNoByteLost writes random pieces with random limits, closing and opening
// the log now and then, and checks that the files together are what was written.
func TestNoByteLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		path := t.TempDir()
		cfg := Config{Prefix: "p", MaxFiles: 1 << 20, MaxSize: 20 + random.Int64N(5000)}
		var want bytes.Buffer
		w := open(t, path, cfg)
		for range 50 {
			piece := make([]byte, random.IntN(3000))
			for i := range piece {
				piece[i] = "abcdefgh\n"[random.IntN(9)]
			}
			want.Write(piece)
			_, _ = w.Write(piece)
			if random.IntN(10) == 0 {
				_ = w.Close()
				w = open(t, path, cfg)
			}
		}
		got := files(t, path)
		if joined(got, "p") != want.String() {
			t.Fatalf("seed %d: files are not what was written", seed)
		}
		limit := int(cfg.MaxSize + min(cfg.MaxSize, lineWindow))
		for name, text := range got {
			if len(text) > limit {
				t.Errorf("seed %d: %s has %d bytes, limit %d", seed, name, len(text), limit)
			}
		}
	}
}

func TestOldestAreRemoved(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	others := []string{"p.x", "p.", "p.-1", "p.007", "p.99999999999999999999", "pp.0", "q.0", "other"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(path, name), []byte("keep"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, path, Config{Prefix: "p", MaxFiles: 3, MaxSize: 2})
	for i := range 10 {
		_, _ = fmt.Fprintf(w, "%d\n", i)
	}
	got := files(t, path)
	for i, want := range map[int]string{7: "7\n", 8: "8\n", 9: "9\n"} {
		if text := got[fmt.Sprintf("p.%d", i)]; text != want {
			t.Errorf("file %d is %q", i, text)
		}
	}
	if len(got) != 3+len(others) {
		t.Errorf("files are %q", got)
	}
}

// TestGoesOn checks that a log continues with its newest file.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for name, text := range map[string]string{"p.2": "a\n", "p.10": "b\n", "p.9": "c\n"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, path, Config{Prefix: "p", MaxFiles: 2, MaxSize: 4})
	_, _ = w.Write([]byte("d\n"))
	_, _ = w.Write([]byte("e\n"))
	want := map[string]string{"p.10": "b\nd\n", "p.11": "e\n"}
	if got := files(t, path); len(got) != 2 || got["p.10"] != want["p.10"] || got["p.11"] != want["p.11"] {
		t.Errorf("files are %q, want %q", got, want)
	}
}

// TestForgedNumbers checks that a task cannot bring the log to a halt by files
// with enormous numbers.
func TestForgedNumbers(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{"p.999999999999999999", "p.18446744073709551615"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, path, Config{Prefix: "p", MaxFiles: 2, MaxSize: 2})
	for range 5 {
		_, _ = w.Write([]byte("y\n"))
	}
	if lost, errno := w.Dropped(); lost != 0 || errno != 0 {
		t.Errorf("%d bytes were dropped, %v", lost, errno)
	}
}

func TestBadPrefix(t *testing.T) {
	t.Parallel()
	dir, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, prefix := range []string{"", ".", "..", "a/b", "../a", "a\x00b", `a\b`} {
		if _, err := New(dir, Config{Prefix: prefix}); !errors.Is(err, beneath.ErrName) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	if _, err := OpenDir(t.TempDir(), ".."); !errors.Is(err, beneath.ErrName) {
		t.Errorf("directory ..: %v", err)
	}
}

// TestDirectoryVanishes checks that a log whose directory is removed goes on in
// the file that is open, and says what is wrong.
func TestDirectoryVanishes(t *testing.T) {
	testkit.Need(t, "linux") // Windows does not remove directories in use
	path := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	w := open(t, path, Config{Prefix: "p", MaxFiles: 2, MaxSize: 4})
	_, _ = w.Write([]byte("one\n"))
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write([]byte("two\n")); n != 4 || err != nil {
		t.Errorf("write returned %d, %v", n, err)
	}
	if lost, errno := w.Dropped(); lost != 0 || errno != syscall.ENOENT {
		t.Errorf("%d bytes were dropped, %v", lost, errno)
	}
}

// BenchmarkWrite measures storing output in pieces as they come out of a pipe.
func BenchmarkWrite(b *testing.B) {
	for _, piece := range []int{100, 4 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("%dB", piece), func(b *testing.B) {
			w := open(b, b.TempDir(), Config{Prefix: "p", MaxFiles: 10, MaxSize: 10 << 20})
			text := bytes.Repeat([]byte("0123456789012345678901234567890123456789012345678\n"), piece/50+1)[:piece]
			b.SetBytes(int64(piece))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = w.Write(text)
			}
		})
	}
}
