// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	posener "github.com/posener/complete"

	"github.com/nomadlike/nomadlike/command/agent"
)

// TestMain keeps the user's environment out of the tests.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "NOMAD_") || k == "COMP_LINE" {
			os.Unsetenv(k)
		}
	}
	time.Local = time.UTC
	os.Exit(m.Run())
}

// execute runs a command line without a terminal.
func execute(in string, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = Run(args, strings.NewReader(in), &o, &e)
	return o.String(), e.String(), code
}

func TestDispatch(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		// out and errs are parts of what is printed there.
		out, errs string
	}{
		{"", 127, "", "Common commands:"},
		{"-help", 0, "Other commands:", ""},
		{"-h", 0, "autocomplete-(un)install", ""},
		{"--help", 0, "Usage: nomadlike", ""},
		{"-version", 0, "nomadlike v", ""},
		{"--version", 0, "nomadlike v", ""},
		{"-v", 0, "nomadlike v", ""},
		{"version", 0, "nomadlike v", ""},
		{"-bogus job", 1, "", "Invalid flags before the subcommand"},
		{"jbo", 127, "", `Did you mean "nomadlike job"`},
		{"xyzzy", 127, "", `nomadlike has no command "xyzzy".`},
		{"job", 1, "", "Subcommands:"},
		{"job -h", 0, "Subcommands:", ""},
		{"job stats", 1, "", `Did you mean "nomadlike job status"`},
		{"job status -help", 0, "Usage: nomadlike job status [options] [<job>]", ""},
		{"job status web -h", 0, "Usage: nomadlike job status", ""},
		{"status -bogus", 1, "", "flag provided but not defined: -bogus\nUsage: nomadlike status"},
		{"job inspect", 1, "", "This command takes one argument: <job>\nFor additional help try 'nomadlike job inspect -help'"},
		{"job status web -short", 1, "", "This command takes either no arguments or one: <job>"},
		{"job status -address 127.0.0.1:4646", 1, "", "Error initializing client"},
		{"eval list -json -t x", 1, "", "Both json and template formatting are not allowed"},
	} {
		out, errs, code := execute("", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || c.out == "" && out != "" || c.errs == "" && errs != "" {
			t.Errorf("%q: status %d, want %d, %q and %q\nstdout: %s\nstderr: %s", c.args, code, c.code, c.out, c.errs, out, errs)
		}
	}
}

// TestRefusedAgentFlags: the flags of the contract that nothing acts on are refused by name, with the reason and what to do
// instead, or read without effect like their keys.
func TestRefusedAgentFlags(t *testing.T) {
	known := map[string]bool{}
	for _, k := range agent.Keys() {
		known[k.Path] = k.Unserved != ""
	}
	for key := range unservedFlags {
		if !known[key] {
			t.Errorf("%s is no key that nothing acts on", key)
		}
	}
	refusal := func(args ...string) string {
		out, errs, code := execute("", append([]string{"agent"}, args...)...)
		if code != 1 || out != "" {
			t.Errorf("agent %q: status %d, %q", args, code, out)
		}
		return strings.TrimSpace(errs)
	}
	for _, c := range []struct{ flag, reason string }{
		{"-acl-enabled", "access control is not part of this version; it may be false"},
		{"-client-intro-token=x", noIdentity + "; leave the flag out"},
		{"-consul-address=x", `this version does not work with Consul: agents find each other by server_join, jobs register services with provider = "nomad"; remove it`},
		{"-consul-ssl", `this version does not work with Consul: agents find each other by server_join, jobs register services with provider = "nomad"; remove it`},
		{"-dev-connect", "agents do not run the proxies of a service mesh yet; use -dev"},
		{"-dev-consul", "this version does not work with Consul; use -dev"},
		{"-dev-vault", "this version does not work with Vault; use -dev"},
		{"-eventlog", "this version writes no event log of Windows; it may be false"},
		{"-vault-enabled", "this version does not work with Vault; it may be false"},
	} {
		name, _, _ := strings.Cut(c.flag, "=")
		if got, want := refusal(c.flag), name+" is not supported by this version of nomadlike: "+c.reason; got != want {
			t.Errorf("agent %s: %q\nwant %q", c.flag, got, want)
		}
	}
	const nothing = "Must specify either server, client or dev mode for the agent."
	for _, args := range [][]string{
		{"-acl-enabled=false", "-eventlog=false", "-vault-enabled=false", "-acl-replication-token=x", "-eventlog-level=info"},
		{"-host-volume-plugin-dir=/x", "-host-volumes-dir=/x"},
		{"-vault-address=x", "-vault-ca-file=x", "-vault-ca-path=x", "-vault-cert-file=x", "-vault-create-from-role=x", "-vault-key-file=x", "-vault-namespace=x", "-vault-tls-server-name=x", "-vault-tls-skip-verify"},
		{"-acl-enabled", "-acl-enabled=false"},
	} {
		if got := refusal(args...); !strings.HasPrefix(got, nothing) {
			t.Errorf("agent %q: %q", args, got)
		}
	}
}

// TestHelpTellsDefaults: what counts without a flag stands in its help.
func TestHelpTellsDefaults(t *testing.T) {
	for command, want := range map[string][]string{
		"operator debug": {"How long to collect, a time. Default: 5m.", "Default: TRACE.", "at most n nodes, 0 for no limit. Default: 10."},
		"node drain":     {"has to go at once. Default: 1h."},
		"monitor export": {"a time such as 24h. Default: 72h."},
		"job plan":       {"Show the difference from the stored version. Default: true."},
		"alloc logs":     {"the last n lines; 10 by default.\n", "Show standard error.\n"},
	} {
		out, _, _ := execute("", append(strings.Fields(command), "-help")...)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %q:\n%s", command, w, out)
			}
		}
	}
	t.Setenv("NOMAD_REGION", "eu")
	if out, _, _ := execute("", "job", "status", "-help"); strings.Contains(out, "Default: eu") {
		t.Error("a variable of the environment is shown as a default")
	}
}

func TestAliasesAndGroups(t *testing.T) {
	table := commands(streams{})
	for alias, name := range aliases {
		if table[name] == nil {
			t.Errorf("%s stands for %q, which there is not", alias, name)
		}
	}
	for name := range table {
		words := strings.Fields(name)
		for i := 1; i < len(words); i++ {
			if g := strings.Join(words[:i], " "); groups[g] == "" && table[g] == nil {
				t.Errorf("%q has no group %q", name, g)
			}
		}
		c, err := table[name]()
		if err != nil || c.Synopsis() == "" || c.Help() == "" {
			t.Errorf("%s: no help: %v", name, err)
		}
		if cmd, ok := c.(*command); ok && aliases[name] == "" && firstWords(cmd.spec.usage) != name {
			t.Errorf("%s: the usage line is %q", name, cmd.spec.usage)
		}
		for l := range strings.SplitSeq(c.Help(), "\n") {
			if len(l) > 123 {
				t.Errorf("%s: a line of the help has %d characters: %s", name, len(l), l)
			}
		}
	}
}

// TestCompletion asks the agent for IDs as a shell would, with the flags that stand on the line.
func TestCompletion(t *testing.T) {
	var asked map[string]string
	var namespace string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/search":
			namespace = r.URL.Query().Get("namespace")
			asked = nil
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			w.Write([]byte(`{"Matches":{"` + asked["Context"] + `":["web","web-2"]},"Truncations":{}}`)) //nolint:errcheck // a test's server
		case "/v1/agent/members":
			w.Write([]byte(`{"Members":[{"Name":"a.global"}]}`)) //nolint:errcheck // a test's server
		default:
			http.Error(w, "unexpected", http.StatusInternalServerError)
		}
	}))
	defer web.Close()
	c := &command{spec: jobStatusCommand()}
	got := c.AutocompleteArgs().Predict(posener.Args{Completed: []string{"job", "status", "-namespace=dev", "-address=" + web.URL}, Last: "we"})
	if !slices.Equal(got, []string{"web", "web-2"}) || asked["Context"] != "jobs" || asked["Prefix"] != "we" || namespace != "dev" {
		t.Errorf("got %q from %v in namespace %q", got, asked, namespace)
	}
	flags := c.AutocompleteFlags()
	for _, f := range []string{"-short", "-json", "-t", "-address", "-token"} {
		if _, ok := flags[f]; !ok {
			t.Errorf("no flag %s in %v", f, flags)
		}
	}
	if flags["-short"] != nil {
		t.Error("the boolean flag -short takes a value")
	}
	t.Setenv("NOMAD_ADDR", web.URL)
	if got := flags["-namespace"].Predict(posener.Args{}); len(got) != 2 || asked["Context"] != "namespaces" {
		t.Errorf("namespaces: got %q from %v", got, asked)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	files, dirs := []string{dir + "/", dir + "/d/", dir + "/f"}, []string{dir + "/", dir + "/d/"}
	for _, r := range []struct {
		command, last string
		want          []string
		context       string // asked for in a search
	}{
		{"alloc logs", "", []string{"web", "web-2"}, completeAllocs},
		{"alloc logs -f -job", "", []string{"web", "web-2"}, completeJobs},
		{"monitor -node-id", "", []string{"web", "web-2"}, completeNodes},
		{"monitor -server-id", "", []string{"a.global"}, ""},
		{"server force-leave", "", []string{"a.global"}, ""},
		{"agent -config", dir + "/", files, ""},
		{"agent -data-dir", dir + "/", dirs, ""},
		{"tls cert create -key", dir + "/", files, ""},
		{"job status -ca-path", dir + "/", dirs, ""},
		{"config validate", dir + "/", files, ""},
		{"fmt -check", dir + "/", files, ""},
	} {
		asked = nil
		line := strings.Fields(r.command)
		first := slices.IndexFunc(line, func(w string) bool { return strings.HasPrefix(w, "-") })
		if first < 0 {
			first = len(line)
		}
		made, err := commands(streams{})[strings.Join(line[:first], " ")]()
		if err != nil {
			t.Fatal(err)
		}
		c := made.(*command)
		predictor := c.AutocompleteFlags()[line[len(line)-1]]
		if predictor == nil {
			predictor = c.AutocompleteArgs()
		}
		var got []string
		if predictor != nil {
			got = predictor.Predict(posener.Args{Completed: line, Last: r.last})
		}
		slices.Sort(got)
		if !slices.Equal(got, r.want) || asked["Context"] != r.context {
			t.Errorf("%s: got %q, asked %v", r.command, got, asked)
		}
	}
	// What zsh and fish show for the value of a flag is the whole word, and nothing for another program's line.
	for line, want := range map[string][]string{
		"nomadlike job status -namespace=w":            {"-namespace=web", "-namespace=web-2"},
		"nomadlike job status --namespace=web-":        {"--namespace=web-2"},
		"nomadlike agent -dev -data-dir=" + dir + "/d": {"-data-dir=" + dir + "/d/"},
		"nomadlike job status -bogus=w":                nil,
		"nomadlike nothing -namespace=w":               nil,
	} {
		if got, ok := flagValues(commands(streams{}), line); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	for _, line := range []string{"nomadlike job status -namespace=w ", "nomadlike job dispatch a=b", "nomadlike job st"} {
		if got, ok := flagValues(commands(streams{}), line); ok {
			t.Errorf("%s: got %q as values of a flag", line, got)
		}
	}
	t.Setenv("NOMAD_ADDR", "http://127.0.0.1:1")
	if got := c.AutocompleteArgs().Predict(posener.Args{}); len(got) != 0 {
		t.Errorf("without an agent: got %q", got)
	}
}
