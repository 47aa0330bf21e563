// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
)

const testID = "b4176635-bd7f-3b9c-47d2-f2d8a714cc74"

func newDir(t testing.TB) *allocdir.Dir {
	t.Helper()
	r, err := allocdir.OpenRoot(t.TempDir(), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Create(testID, 0)
	if err == nil {
		err = d.BuildTask("web", 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.Close()
		if err := r.Destroy(testID); err != nil {
			t.Error(err)
		}
		_ = r.Close()
	})
	return d
}

func newWatcher(t testing.TB) *Watcher {
	t.Helper()
	w := NewWatcher(hclog.NewNullLogger())
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func put(t testing.TB, d *allocdir.Dir, name, data string) string {
	t.Helper()
	path := filepath.Join(d.Path(), filepath.FromSlash(name))
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func extend(t testing.TB, path, data string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
}

// sink gathers frames.
type sink struct{ frames []api.StreamFrame }

func (s *sink) send(f *api.StreamFrame) error {
	c := *f
	c.Data = append([]byte(nil), f.Data...)
	s.frames = append(s.frames, c)
	return nil
}

func (s *sink) data() string {
	var b strings.Builder
	for _, f := range s.frames {
		b.Write(f.Data)
	}
	return b.String()
}

func wantError(t *testing.T, err error, code int, text string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("error = %v, want %q", err, text)
		return
	}
	got := 500
	if e, ok := errors.AsType[*api.Error](err); ok {
		got = e.HTTPCode()
	}
	if got != code {
		t.Errorf("error %q has code %d, want %d", text, got, code)
	}
}

func TestListAndStat(t *testing.T) {
	d := newDir(t)
	put(t, d, "web/local/hello.txt", "hello b4176635\n")
	put(t, d, "web/local/page", "<html><body>x")
	put(t, d, "web/secrets/token", "secret")

	list, err := List(d, "/")
	if err != nil || len(list) != 2 || list[0].Name != "alloc" || !list[0].IsDir || list[0].FileMode != "drwxrwxrwx" || list[0].ContentType != "" {
		t.Errorf("List(/) = %+v, %v", list, err)
	}
	if _, err := List(d, "/none"); err == nil {
		t.Error("a missing directory was listed")
	} else {
		wantError(t, err, 404, "stat "+filepath.Join(d.Path(), "none")+": no such file or directory")
	}
	got, err := Stat(d, "/web/local/hello.txt")
	if err != nil || got.Name != "hello.txt" || got.Size != 15 || got.FileMode != "-rw-r--r--" || got.ContentType != "text/plain; charset=utf-8" || got.ModTime.IsZero() {
		t.Errorf("Stat = %+v, %v", got, err)
	}
	if got, err := Stat(d, "web/local/page"); err != nil || got.ContentType != "text/html; charset=utf-8" {
		t.Errorf("Stat = %+v, %v", got, err)
	}
	if got, err := Stat(d, "web/secrets/token"); err != nil || got.Size != 6 || got.ContentType != "" {
		t.Errorf("Stat of a secret = %+v, %v", got, err)
	}
	if got, err := Stat(d, "/"); err != nil || got.Name != testID || !got.IsDir {
		t.Errorf("Stat of the directory itself = %+v, %v", got, err)
	}
	_, err = Stat(d, "")
	wantError(t, err, 400, "must provide a file name")
	_, err = Stat(d, "../../../etc/passwd")
	wantError(t, err, 500, "Path escapes the alloc directory")
	_, err = Stat(d, "/t/nope")
	wantError(t, err, 404, "stat "+d.TaskPath("t", "nope")+": no such file or directory")
}

func TestRead(t *testing.T) {
	d := newDir(t)
	put(t, d, "web/local/hello.txt", "hello world")
	big := strings.Repeat("0123456789", 20_000)
	put(t, d, "web/local/big", big)
	put(t, d, "web/secrets/token", "secret")

	for _, tc := range []struct {
		path, offset string
		limit        int64
		want         string
	}{
		{"web/local/hello.txt", "2", 4, "llo "},
		{"web/local/hello.txt", "6", 0, "world"},
		{"web/local/hello.txt", "0", 100, "hello world"},
		{"web/local/hello.txt", "99", 5, ""},
		{"web/local/big", "1", 150_000, big[1:150_001]},
	} {
		var s sink
		if err := ReadAt(t.Context(), d, tc.path, tc.offset, tc.limit, s.send); err != nil || s.data() != tc.want {
			t.Errorf("ReadAt(%s, %s, %d) = %.20q, %v, want %.20q", tc.path, tc.offset, tc.limit, s.data(), err, tc.want)
		}
	}
	var s sink
	if err := Cat(t.Context(), d, "web/local/big", s.send); err != nil || s.data() != big {
		t.Errorf("Cat reads %d bytes, %v", len(s.data()), err)
	}
	for _, f := range s.frames {
		if len(f.Data) > frameSize {
			t.Errorf("a frame has %d bytes", len(f.Data))
		}
	}
	wantError(t, ReadAt(t.Context(), d, "x", "", 0, s.send), 400, `error parsing offset: strconv.ParseInt: parsing "": invalid syntax`)
	wantError(t, ReadAt(t.Context(), d, "", "0", 0, s.send), 400, "must provide a file name")
	wantError(t, Cat(t.Context(), d, "web/nope", s.send), 404, "stat "+d.TaskPath("web", "nope")+": no such file or directory")
	wantError(t, Cat(t.Context(), d, "web/secrets/token", s.send), 403, "Reading secret file prohibited: web/secrets/token")
	if err := ReadAt(t.Context(), d, "web/local/hello.txt", "-1", 0, s.send); !api.IsClass(err, api.ClassInvalid) {
		t.Errorf("a negative offset gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Cat(ctx, d, "web/local/big", s.send); !errors.Is(err, context.Canceled) {
		t.Errorf("reading for a caller that has gone gives %v", err)
	}
}

func TestStreamWithoutFollowing(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	put(t, d, "web/local/f", "0123456789")
	for _, tc := range []struct {
		opts StreamOptions
		want string
	}{
		{StreamOptions{}, "0123456789"},
		{StreamOptions{Offset: 4, Origin: "start"}, "456789"},
		{StreamOptions{Offset: 3, Origin: "end"}, "789"},
		{StreamOptions{Offset: 99, Origin: "end"}, "0123456789"},
		{StreamOptions{Offset: 99}, ""},
		{StreamOptions{Origin: "end"}, ""},
	} {
		var s sink
		if err := w.Stream(t.Context(), d, "/web/local/f", tc.opts, s.send); err != nil || s.data() != tc.want {
			t.Errorf("%+v = %q, %v, want %q", tc.opts, s.data(), err, tc.want)
		}
		for _, f := range s.frames {
			if f.File != "/web/local/f" || f.Offset != 10 {
				t.Errorf("frame = %+v", f)
			}
		}
	}
	var s sink
	wantError(t, w.Stream(t.Context(), d, "web/none", StreamOptions{}, s.send), 400, "stat "+d.TaskPath("web", "none")+": no such file or directory")
	for _, opts := range []StreamOptions{{Origin: "middle"}, {Offset: -1}} {
		if err := w.Stream(t.Context(), d, "web/local/f", opts, s.send); !api.IsClass(err, api.ClassInvalid) {
			t.Errorf("%+v gives %v", opts, err)
		}
	}
	if _, err := ParseFollow("maybe"); err == nil {
		t.Error("follow=maybe was accepted")
	} else {
		wantError(t, err, 500, `Failed to parse value of "follow" (maybe) as a bool: strconv.ParseBool: parsing "maybe": invalid syntax`)
	}
}

// follower runs a stream and hands out its frames.
type follower struct {
	frames chan api.StreamFrame
	err    chan error
	stop   context.CancelFunc
}

func follow(t *testing.T, run func(ctx context.Context, send Send) error) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	f := &follower{frames: make(chan api.StreamFrame), err: make(chan error, 1), stop: cancel}
	go func() {
		f.err <- run(ctx, func(fr *api.StreamFrame) error {
			c := *fr
			c.Data = append([]byte(nil), fr.Data...)
			select {
			case f.frames <- c:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		close(f.frames)
	}()
	t.Cleanup(cancel)
	return f
}

// until reads frames until their data ends with the text.
func (f *follower) until(t *testing.T, end string) (data string, last api.StreamFrame) {
	t.Helper()
	for fr := range f.frames {
		data += string(fr.Data)
		if strings.HasSuffix(data, end) {
			return data, fr
		}
	}
	t.Fatalf("the stream ended with %q after %.80q, %v", <-f.err, data, end)
	return "", api.StreamFrame{}
}

func TestStreamFollows(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	path := put(t, d, "web/local/f", "one\n")
	f := follow(t, func(ctx context.Context, send Send) error {
		return w.Stream(ctx, d, "web/local/f", StreamOptions{Follow: true}, send)
	})
	f.until(t, "one\n")
	extend(t, path, "two\n")
	if data, fr := f.until(t, "two\n"); data != "two\n" || fr.Offset != 8 {
		t.Errorf("got %q at %d", data, fr.Offset)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if fr := <-f.frames; fr.FileEvent != eventTruncated {
		t.Errorf("frame = %+v, want %s", fr, eventTruncated)
	}
	extend(t, path, "3\n")
	if data, fr := f.until(t, "3\n"); data != "3\n" || fr.Offset != 2 {
		t.Errorf("got %q at %d", data, fr.Offset)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if fr := <-f.frames; fr.FileEvent != eventDeleted {
		t.Errorf("frame = %+v, want %s", fr, eventDeleted)
	}
	if err := <-f.err; err != nil {
		t.Errorf("the stream of a deleted file ended with %v", err)
	}
}

// TestStreamOfALeavingFile: what is written right before a file goes is sent.
func TestStreamOfALeavingFile(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	path := put(t, d, "web/local/f", "one\n")
	var s sink
	err := w.Stream(t.Context(), d, "web/local/f", StreamOptions{Follow: true}, func(f *api.StreamFrame) error {
		if len(s.frames) == 0 {
			extend(t, path, "two\n")
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		return s.send(f)
	})
	if last := s.frames[len(s.frames)-1]; err != nil || s.data() != "one\ntwo\n" || last.FileEvent != eventDeleted || last.Offset != 8 {
		t.Errorf("got %q, %+v, %v", s.data(), last, err)
	}
}

func TestStreamEndsWithItsCaller(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	put(t, d, "web/local/f", "one\n")
	f := follow(t, func(ctx context.Context, send Send) error {
		return w.Stream(ctx, d, "web/local/f", StreamOptions{Follow: true}, send)
	})
	f.until(t, "one\n")
	f.stop()
	if err := <-f.err; !errors.Is(err, context.Canceled) {
		t.Errorf("the stream ended with %v", err)
	}
}

func logPath(d *allocdir.Dir, n int) string {
	return filepath.Join(d.LogsPath(), fmt.Sprintf("web.stdout.%d", n))
}

func TestLogOffsetsCountOverAllFiles(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	// Indexes sort as numbers, and the oldest are gone.
	for i, data := range map[int]string{9: "aaaa", 10: "bbbb", 11: "", 12: "cccc"} {
		put(t, d, fmt.Sprintf("alloc/logs/web.stdout.%d", i), data)
	}
	put(t, d, "alloc/logs/web.stderr.0", "error")
	put(t, d, "alloc/logs/web.stdout.13x", "not a log")
	put(t, d, "alloc/logs/web.stdout.013", "not a log")
	put(t, d, "alloc/logs/webber.stdout.0", "of another task")
	for _, tc := range []struct {
		opts StreamOptions
		want string
	}{
		{StreamOptions{}, "aaaabbbbcccc"},
		{StreamOptions{Offset: 4}, "bbbbcccc"},
		{StreamOptions{Offset: 6, Origin: "start"}, "bbcccc"},
		{StreamOptions{Offset: 6, Origin: "end"}, "bbcccc"},
		{StreamOptions{Offset: 4, Origin: "end"}, "cccc"},
		{StreamOptions{Origin: "end"}, ""},
		{StreamOptions{Offset: 12}, ""},
		{StreamOptions{Offset: 1000}, ""},
		{StreamOptions{Offset: 1000, Origin: "end"}, "aaaabbbbcccc"},
	} {
		var s sink
		if err := w.Logs(t.Context(), d, "web", "stdout", tc.opts, s.send); err != nil || s.data() != tc.want {
			t.Errorf("%+v = %q, %v, want %q", tc.opts, s.data(), err, tc.want)
		}
	}
	var s sink
	if err := w.Logs(t.Context(), d, "web", "stdout", StreamOptions{Offset: 6}, s.send); err != nil {
		t.Fatal(err)
	}
	if f := s.frames[0]; f.File != "alloc/logs/web.stdout.10" || f.Offset != 4 {
		t.Errorf("first frame = %+v", f)
	}
	wantError(t, w.Logs(t.Context(), d, "none", "stdout", StreamOptions{}, s.send), 404, `log entry for task "none" and log type "stdout" not found`)
}

func TestLogsFollowRotation(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	dir, err := rotate.OpenDir(d.Path(), "alloc", "logs")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	out, err := rotate.New(dir, rotate.Config{Prefix: "web.stdout", MaxFiles: 4, MaxSize: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	f := follow(t, func(ctx context.Context, send Send) error {
		return w.Logs(ctx, d, "web", "stdout", StreamOptions{Follow: true}, send)
	})
	var want strings.Builder
	for i := range 25 {
		chunk := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", 20_000))
		want.WriteString(chunk)
		_, _ = out.Write([]byte(chunk))
		if got, _ := f.until(t, chunk); got != chunk {
			t.Fatalf("chunk %d arrives as %.40q…", i, got)
		}
	}
	if _, err := os.Stat(logPath(d, 4)); err != nil {
		t.Errorf("nothing was rotated: %v", err)
	}
	if _, err := os.Stat(logPath(d, 0)); err == nil {
		t.Error("the oldest file is still there")
	}
}

// A follower that is slow loses what was rotated away and goes on with what is left.
func TestLogsSkipWhatWasRotatedAway(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	put(t, d, "alloc/logs/web.stdout.0", "zero\n")
	f := follow(t, func(ctx context.Context, send Send) error {
		return w.Logs(ctx, d, "web", "stdout", StreamOptions{Follow: true}, send)
	})
	f.until(t, "zero\n")
	put(t, d, "alloc/logs/web.stdout.7", "seven\n")
	if err := os.Remove(logPath(d, 0)); err != nil {
		t.Fatal(err)
	}
	if got, fr := f.until(t, "seven\n"); got != "seven\n" || fr.File != "alloc/logs/web.stdout.7" {
		t.Errorf("got %q of %s", got, fr.File)
	}
}

func TestLogsAreNotWhatATaskPretends(t *testing.T) {
	d, w := newDir(t), newWatcher(t)
	put(t, d, "alloc/logs/web.stdout.0", "real\n")
	put(t, d, "web/secrets/token", "secret")
	for i, target := range map[int]string{1: "/etc/hostname", 2: "../../web/secrets/token", 3: "web.stdout.0"} {
		if err := os.Symlink(target, logPath(d, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(logPath(d, 4), 0o755); err != nil {
		t.Fatal(err)
	}
	var s sink
	if err := w.Logs(t.Context(), d, "web", "stdout", StreamOptions{}, s.send); err != nil || s.data() != "real\n" {
		t.Errorf("Logs = %q, %v", s.data(), err)
	}
}
