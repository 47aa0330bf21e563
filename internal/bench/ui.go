// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// loaded are the scripts and styles that the page of the web interface names.
var loaded = regexp.MustCompile(`(?:src|href)="\./(assets/[^"]+)"`)

// firstLoad measures what a browser is sent before the web interface draws itself: the page with the scripts and styles
// that it names.
func (a *agent) firstLoad(ctx context.Context) (f Figure, err error) {
	f = Figure{Name: "UI first load, gzipped", Unit: "kB", Target: 220}
	page, size, err := a.sent(ctx, "/ui/")
	if err != nil {
		return f, err
	}
	files := loaded.FindAllSubmatch(page, -1)
	if len(files) == 0 {
		return f, errors.New("the page names no scripts; is the web interface built in?")
	}
	for _, m := range files {
		_, n, err := a.sent(ctx, "/ui/"+string(m[1]))
		if err != nil {
			return f, err
		}
		size += n
	}
	f.Value, f.Detail = float64(size)/1e3, map[string]float64{"files": float64(1 + len(files))}
	return f, nil
}

// sent gets a file, compressed where the agent compresses it, and returns it with the number of bytes that were sent.
func (a *agent) sent(ctx context.Context, path string) (text []byte, size int, err error) {
	resp, err := a.http.Raw(ctx, http.MethodGet, path, nil, http.Header{"Accept-Encoding": {"gzip"}})
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }() // reading only
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, 0, err
	case resp.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("%s: %s", path, resp.Status)
	case resp.Header.Get("Content-Encoding") == "":
		return body, len(body), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	text, err = io.ReadAll(z)
	return text, len(body), err
}
