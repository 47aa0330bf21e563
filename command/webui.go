// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/pkg/browser"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// webUI is the -ui flag of commands that show something the web interface shows too.
type webUI struct{ open bool }

func (w *webUI) register(f *flag.FlagSet) {
	f.BoolVar(&w.open, "ui", false, "Open the matching page of the web interface too.")
}

// pageURL returns the address of a page of the web interface, such as "jobs/web@default" with its parts escaped; ok is
// false when the agent is reached through a socket file and so has no address for a browser.
func (m *meta) pageURL(page string) (link string, ok bool) {
	u, err := url.Parse(either(m.address, client.DefaultAddress))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	page, query, _ := strings.Cut(page, "?")
	u = u.JoinPath("ui/" + page)
	q, err := url.ParseQuery(query)
	if err != nil {
		return "", false
	}
	if m.region != "" {
		q.Set("region", m.region)
	}
	if m.namespace != "" && m.namespace != api.DefaultNamespace && !strings.Contains(page, "@") {
		q.Set("namespace", m.namespace)
	}
	u.RawQuery = q.Encode()
	return u.String(), true
}

// jobPage is the page of a job. The interface decodes the ID once more after it has taken the address apart.
func jobPage(id, namespace string) string {
	id = strings.ReplaceAll(url.PathEscape(id), "%25", "%2525")
	return "jobs/" + id + "@" + either(namespace, api.DefaultNamespace)
}

// hint ends a command's output with the page of the web interface that shows the same, and opens it if asked.
// what is like "View this job". Agents say whether they want hints and have the pages (cli.md 1.3); an agent
// that does not tell gets none. The command has done its work by then: that a page cannot be opened, on a machine
// without a browser, say, is told and does not make it fail.
func (m *meta) hint(ctx context.Context, c *client.Client, w *webUI, what, page string) {
	link, ok := m.pageURL(page)
	if !ok {
		if w.open {
			fmt.Fprintln(m.err, m.paint(yellow, fmt.Sprintf("-ui: the agent at %s has no address that a browser can open", m.address)))
		}
		return
	}
	if m.wantsHints() {
		if self, _, err := api.AgentSelfGet.Call(ctx, c, &api.AgentRequest{}); err == nil && showsHints(self) {
			fmt.Fprintf(m.out, "\n\n%s\n", m.paint(green, "==> "+what+" in the Web UI: "+link))
		}
	}
	if w.open {
		if err := openBrowser(link); err != nil {
			fmt.Fprintln(m.err, m.paint(yellow, "-ui: "+err.Error()))
		}
	}
}

// wantsHints says whether the user's environment allows hints.
func (m *meta) wantsHints() bool {
	v := os.Getenv("NOMAD_CLI_SHOW_HINTS")
	if v == "" {
		return true
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		fmt.Fprintln(m.err, m.paint(yellow, fmt.Sprintf("NOMAD_CLI_SHOW_HINTS is %q, neither true nor false, and is ignored", v)))
		return true
	}
	return on
}

// showsHints reads the agent's configuration of the web interface.
func showsHints(self *api.AgentSelf) bool {
	ui, ok := self.Config["UI"].(map[string]any)
	if !ok {
		return false
	}
	enabled, _ := ui["Enabled"].(bool)
	hints, _ := ui["ShowCLIHints"].(bool)
	return enabled && hints
}

// openBrowser shows a page in the user's browser.
func openBrowser(link string) error {
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	if err := browser.OpenURL(link); err != nil {
		return fmt.Errorf("open %s in a browser: %w", link, err)
	}
	return nil
}
