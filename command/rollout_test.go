// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nomadlike/nomadlike/api"
)

// leftScreen is a terminal whose user ends the command when the text is shown.
type leftScreen struct {
	screenFile
	text string
	end  func()
}

func (s *leftScreen) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.end()
	}
	return s.screenFile.Write(p)
}

// TestLeftScreen: what a terminal showed last still stands there when its user has ended the command.
func TestLeftScreen(t *testing.T) {
	a := newCannedAgent(t)
	for _, l := range []string{
		`GET /v1/deployment/d1 = {"ID":"d1","JobID":"web","Status":"running","TaskGroups":{"g":{"DesiredTotal":1}}}`,
		`GET /v1/job/web = {"ID":"web","Status":"running","TaskGroups":[{"Name":"g","Count":1}]}`,
		`GET /v1/job/web/allocations = []`,
		`GET /v1/job/web/evaluations = []`,
		`GET /v1/job/web/summary = {"JobID":"web","Summary":{"g":{"Running":1}}}`,
	} {
		if !a.line(l) {
			t.Fatal("bad line", l)
		}
	}
	for _, c := range []struct {
		text string
		run  func(ctx context.Context, o *monitor) error
	}{
		{"in progress...", func(ctx context.Context, o *monitor) error { return o.deployment(ctx, "d1", "default", 0) }},
		{"0/1 started", func(ctx context.Context, o *monitor) error {
			defer o.live.clear() // as follow does
			return o.followRollout(ctx, &api.Evaluation{JobID: "web", Namespace: "default"})
		}},
		{"Running", func(ctx context.Context, o *monitor) error { return o.m.awaitJob(ctx, o.c, "default", "web") }},
	} {
		ctx, end := context.WithCancel(t.Context())
		out := &leftScreen{text: c.text, end: end}
		m := &meta{streams: streams{out: out, err: out, clock: a.now}, address: a.srv.URL}
		cl, err := m.client()
		if err != nil {
			t.Fatal(err)
		}
		var exit exitError
		if err := c.run(ctx, newMonitor(m, cl, false)); !errors.As(err, &exit) || exit != 1 {
			t.Errorf("%s: ended with %v", c.text, err)
		}
		if shown := out.String(); !strings.Contains(shown, c.text) || strings.HasSuffix(shown, "\x1b[J") {
			t.Errorf("%s: what stands on the screen is %q", c.text, shown)
		}
		end()
	}
}

// TestDeploymentOnScreen: a terminal shows how a deployment goes below one line that says so, and how it ended.
func TestDeploymentOnScreen(t *testing.T) {
	const id = "d1111111-0000-0000-0000-000000000000"
	for status, want := range map[string]string{
		"successful": "  ✓ Deployment \"d1111111\" successful\n\n    2026-11-23T03:20:00Z\n    ID          = d1111111\n    Job ID      = web\n",
		"failed":     "  ! Deployment \"d1111111\" failed\n\n    2026-11-23T03:20:00Z\n    ID          = d1111111\n    Job ID      = web\n",
	} {
		a := newCannedAgent(t)
		for _, l := range []string{
			`GET /v1/deployments = [{"ID":"` + id + `"}]`,
			`GET /v1/deployment/` + id + ` = {"ID":"` + id + `","JobID":"web","Status":"` + status + `","TaskGroups":{"g":{"DesiredTotal":1}}}`,
		} {
			if !a.line(l) {
				t.Fatal("bad line", l)
			}
		}
		out := &screenFile{}
		runCommand([]string{"deployment", "status", "-monitor", "-no-color", id}, streams{in: strings.NewReader(""), out: out, err: out, clock: a.now})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is shown as\n%s", status, out.String())
		}
	}
	out := &screenFile{}
	p := &progress{m: &meta{streams: streams{out: out}}}
	p.drawUnder("Deployment", []string{"a", "b"})
	p.drawUnder("Deployment", []string{"c"})
	if want := "  ⠙ Deployment\n    \n    a\n    b\n\x1b[4A\x1b[J  ⠹ Deployment\n    \n    c\n"; out.String() != want {
		t.Errorf("drawn is %q, want %q", out.String(), want)
	}
}

// sizedScreen is a terminal of a size.
type sizedScreen struct {
	screenFile
	width, height int
}

func (s *sizedScreen) Size() (width, height int) { return s.width, s.height }

// TestSmallScreen: what is redrawn is never more than the screen holds, whatever its size.
func TestSmallScreen(t *testing.T) {
	lines := strings.Split(strings.Repeat("a long line of text\n", 40), "\n")
	for _, c := range []struct{ width, height, rows, columns int }{
		{100, 30, 28, 25}, {12, 10, 8, 12}, {12, 2, 1, 12}, {12, 1, 1, 12}, {1, 5, 3, 1}, {0, 0, 22, 25},
	} {
		out := &sizedScreen{width: c.width, height: c.height}
		p := &progress{m: &meta{streams: streams{out: out}}}
		p.draw(lines)
		drawn := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		widest := 0
		for _, l := range drawn {
			widest = max(widest, utf8.RuneCountInString(l))
		}
		if len(drawn) != c.rows || widest != c.columns {
			t.Errorf("on %d by %d it draws %d rows of %d columns, want %d of %d", c.width, c.height, len(drawn), widest, c.rows, c.columns)
		}
	}
}
