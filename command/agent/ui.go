// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"net/http"

	"github.com/nomadlike/nomadlike/ui"
)

// handler serves the web interface; nil when it is switched off.
func (c *UIConfig) handler() (http.Handler, error) {
	if c.Enabled != nil && !*c.Enabled {
		return nil, nil
	}
	return ui.New(ui.Config{
		Policy: ui.Policy(c.ContentSecurityPolicy),
		Page: ui.Page{
			Label: c.Label.Text, LabelBackground: c.Label.BackgroundColor, LabelColor: c.Label.TextColor,
			HideCLIHints: c.ShowCLIHints != nil && !*c.ShowCLIHints,
		},
	})
}
