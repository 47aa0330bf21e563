// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nomadlike/nomadlike/api/client"
)

// commercial is a command of the contract's commercial edition.
type commercial struct {
	// path is what the agent is asked for, to learn whether it has such a thing; about says what was wanted.
	path, about string
	// flags are the command's own; those that end in "=" take a value.
	flags []string
}

// commercialCommands are what community agents, those of this product too, answer with 501.
var commercialCommands = map[string]commercial{
	"license get":            {"/v1/operator/license", "getting license", []string{"json", "t="}},
	"operator utilization":   {"/v1/operator/utilization", "generating utilization report", []string{"message=", "output=", "today-only"}},
	"quota apply":            {"/v1/quotas", "applying quota specification", []string{"json"}},
	"quota delete":           {"/v1/quotas", "deleting quota", nil},
	"quota init":             {"/v1/quotas", "querying quotas", []string{"json"}},
	"quota inspect":          {"/v1/quotas", "retrieving quota", []string{"json", "t="}},
	"quota list":             {"/v1/quotas", "listing quotas", []string{"json", "t="}},
	"quota status":           {"/v1/quotas", "retrieving quota", []string{"json", "t="}},
	"recommendation apply":   {"/v1/recommendations", "applying recommendations", []string{"detach", "verbose"}},
	"recommendation dismiss": {"/v1/recommendations", "dismissing recommendations", nil},
	"recommendation info":    {"/v1/recommendations", "querying recommendation", []string{"json", "t="}},
	"recommendation list":    {"/v1/recommendations", "listing recommendations", []string{"job=", "group=", "task=", "json", "t="}},
	"sentinel apply":         {"/v1/sentinel/policies", "writing Sentinel policy", []string{"scope=", "description=", "level="}},
	"sentinel delete":        {"/v1/sentinel/policies", "deleting Sentinel policy", nil},
	"sentinel list":          {"/v1/sentinel/policies", "listing Sentinel policies", nil},
	"sentinel read":          {"/v1/sentinel/policies", "reading Sentinel policy", []string{"raw"}},
}

func (k commercial) command(words string) *spec {
	return &spec{
		usage: words + " [options] [args]", synopsis: "Not part of the community edition", remote: true, args: func(int) string { return "" },
		long: "Belongs to the commercial edition of the contract; agents without it answer 501, and so do those of " + name +
			".\n\nExample:\n\n    $ " + name + " " + words,
		flags: func(f *flag.FlagSet) {
			for _, n := range k.flags {
				n, value := strings.CutSuffix(n, "=")
				if value {
					f.String(n, "", "Of the commercial edition.")
				} else {
					f.Bool(n, false, "Of the commercial edition.")
				}
			}
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			return doing("Error "+k.about, k.ask(ctx, c))
		}),
	}
}

// ask always fails: with what the agent answers, or because this program cannot use what the agent has.
func (k commercial) ask(ctx context.Context, c *client.Client) error {
	method := http.MethodGet
	if strings.HasSuffix(k.path, "/utilization") {
		method = http.MethodPost
	}
	res, err := c.Raw(ctx, method, k.path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusNoContent:
		return errors.New("Nomad Enterprise only endpoint") //nolint:staticcheck // the contract's text
	case res.StatusCode >= http.StatusMultipleChoices:
		return &client.StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	return fmt.Errorf("this agent has it, but %s has no such command; \"%s operator api %s\" shows the agent's answer", name, name, k.path)
}
