// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/cli"
	"github.com/posener/complete"
	"golang.org/x/term"

	"github.com/nomadlike/nomadlike/api/client"
)

// spec is one command: what its help says and what it does. run gets the positional arguments after the
// flags were parsed.
type spec struct {
	// usage is the line after the program's name, such as "job run [options] <path>".
	usage string
	// synopsis is one line for the list of commands, long the text of its help, with an example.
	synopsis, long string
	// flags adds the command's own flags.
	flags func(*flag.FlagSet)
	// remote adds the general flags of commands that talk to an agent.
	remote bool
	// args checks the number of positional arguments; nil allows none.
	args func(n int) string
	// failure is the exit status of errors, 1 when 0.
	failure int
	run     func(ctx context.Context, m *meta, args []string) error
}

// meta is what a running command has at hand.
type meta struct {
	streams
	spec  *spec
	flags *flag.FlagSet

	address, region, namespace, token            string
	caCert, caPath, clientCert, clientKey        string
	tlsServerName                                string
	tlsSkipVerify, insecure, noColor, forceColor bool
}

// exitError ends a command with a status of its own; the text, if any, was printed already.
type exitError int

func (e exitError) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// usageError is a wrong call of a command.
type usageError string

func (e usageError) Error() string { return string(e) }

// factory makes a command of the cli library from a spec maker; each call gets flags of its own.
func factory(s streams, make func() *spec) cli.CommandFactory {
	return func() (cli.Command, error) { return &command{streams: s, spec: make()}, nil }
}

type command struct {
	streams
	spec *spec
}

func (c *command) Synopsis() string { return c.spec.synopsis }

// AutocompleteFlags tells the shell's completion the flags.
func (c *command) AutocompleteFlags() complete.Flags {
	out := complete.Flags{}
	c.meta().flags.VisitAll(func(f *flag.Flag) {
		var predict complete.Predictor = complete.PredictAnything
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			predict = complete.PredictNothing
		}
		out["-"+f.Name] = predict
	})
	return out
}

// AutocompleteArgs completes file names.
func (c *command) AutocompleteArgs() complete.Predictor { return complete.PredictFiles("*") }

// Help returns the command's whole help text.
func (c *command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s %s\n\n%s\n", name, c.spec.usage, indent(strings.TrimSpace(c.spec.long), "  "))
	m := c.meta()
	var own, general strings.Builder
	var missing []string
	m.flags.VisitAll(func(f *flag.Flag) {
		if _, ok := f.Value.(*refused); ok {
			missing = append(missing, "-"+f.Name)
			return
		}
		out := &own
		if strings.HasPrefix(f.Usage, generalMark) {
			out = &general
		}
		writeFlag(out, f)
	})
	if general.Len() > 0 {
		fmt.Fprintf(&b, "\nGeneral Options:\n%s", general.String())
	}
	if own.Len() > 0 {
		fmt.Fprintf(&b, "\n%s Options:\n%s", title(c.spec.usage), own.String())
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\nOptions that this version refuses:\n\n%s\n", wrap(missing, "  ", 100))
	}
	return strings.TrimRight(b.String(), "\n")
}

// wrap lays out words in lines of at most width characters.
func wrap(words []string, by string, width int) string {
	lines := []string{""}
	for _, w := range words {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = by + w
		case len(*last)+2+len(w) <= width:
			*last += ", " + w
		default:
			*last += ","
			lines = append(lines, by+w)
		}
	}
	return strings.Join(lines, "\n")
}

// firstWords returns the command's words of a usage line.
func firstWords(usage string) string {
	words, _, _ := strings.Cut(usage, " [")
	words, _, _ = strings.Cut(words, " <")
	return words
}

// title makes "Job Run" of "job run [options] <path>".
func title(usage string) string {
	var words []string
	for _, w := range strings.Fields(usage) {
		if strings.ContainsAny(w, "[<") {
			break
		}
		words = append(words, strings.ToUpper(w[:1])+w[1:])
	}
	return strings.Join(words, " ")
}

func writeFlag(b *strings.Builder, f *flag.Flag) {
	name, usage := flag.UnquoteUsage(f)
	fmt.Fprintf(b, "\n  -%s", f.Name)
	if name != "" {
		fmt.Fprintf(b, "=<%s>", name)
	}
	fmt.Fprintf(b, "\n%s\n", indent(strings.TrimPrefix(usage, generalMark), "    "))
}

func indent(s, by string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n")
}

// generalMark starts the usage of a general flag, so that help can tell them apart.
const generalMark = "\x00"

func (c *command) meta() *meta {
	m := &meta{streams: c.streams, spec: c.spec, flags: flag.NewFlagSet(c.spec.usage, flag.ContinueOnError)}
	m.flags.SetOutput(io.Discard)
	if c.spec.flags != nil {
		c.spec.flags(m.flags)
	}
	if c.spec.remote {
		m.generalFlags()
	}
	return m
}

func (m *meta) generalFlags() {
	str := func(p *string, flag, env, text string) {
		m.flags.StringVar(p, flag, os.Getenv(env), generalMark+text+" Environment: "+env+".")
	}
	str(&m.address, "address", "NOMAD_ADDR", "The `addr` of the agent, a URL; "+client.DefaultAddress+" by default.")
	str(&m.region, "region", "NOMAD_REGION", "The `region` to ask; the agent's by default.")
	str(&m.namespace, "namespace", "NOMAD_NAMESPACE", "The `namespace`; \"*\" for all on lists. \"default\" by default.")
	str(&m.token, "token", "NOMAD_TOKEN", "The secret `token` to authenticate with.")
	str(&m.caCert, "ca-cert", "NOMAD_CACERT", "The PEM `file` of the CA to verify the agent with.")
	str(&m.caPath, "ca-path", "NOMAD_CAPATH", "A `directory` of PEM files of CAs.")
	str(&m.clientCert, "client-cert", "NOMAD_CLIENT_CERT", "The PEM `file` of the client certificate.")
	str(&m.clientKey, "client-key", "NOMAD_CLIENT_KEY", "The PEM `file` of the client certificate's key.")
	str(&m.tlsServerName, "tls-server-name", "NOMAD_TLS_SERVER_NAME", "The `name` to verify the agent's certificate for.")
	skip, _ := strconv.ParseBool(os.Getenv("NOMAD_SKIP_VERIFY"))
	m.flags.BoolVar(&m.tlsSkipVerify, "tls-skip-verify", skip, generalMark+"Do not verify the agent's certificate. Environment: NOMAD_SKIP_VERIFY.")
	m.flags.BoolVar(&m.insecure, "insecure", false, generalMark+"Same as -tls-skip-verify.")
	m.flags.BoolVar(&m.noColor, "no-color", os.Getenv("NOMAD_CLI_NO_COLOR") != "", generalMark+"No colours. Environment: NOMAD_CLI_NO_COLOR.")
	m.flags.BoolVar(&m.forceColor, "force-color", os.Getenv("NOMAD_CLI_FORCE_COLOR") != "", generalMark+"Colours although the output is no terminal. Environment: NOMAD_CLI_FORCE_COLOR.")
}

// Run parses the flags, runs the command and turns its error into a message and an exit status.
func (c *command) Run(args []string) int {
	m := c.meta()
	if err := m.flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(c.out, c.Help())
			return 0
		}
		fmt.Fprintf(c.err, "%v\n%s\n", err, c.Help())
		return c.spec.status()
	}
	if err := m.refusedFlag(); err != nil {
		return m.fail(err)
	}
	check := c.spec.args
	if check == nil {
		check = exactly(0, "")
	}
	if text := check(m.flags.NArg()); text != "" {
		return m.fail(usageError(text))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return m.fail(c.spec.run(ctx, m, m.flags.Args()))
}

// fail prints an error and returns the exit status that belongs to it.
func (m *meta) fail(err error) int {
	var exit exitError
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &usage):
		fmt.Fprintf(m.err, "%s\nFor additional help try '%s %s -help'\n", usage, name, firstWords(m.spec.usage))
	default:
		fmt.Fprintln(m.err, m.paint(red, err.Error()))
	}
	return m.spec.status()
}

// status is the exit status of the command's errors.
func (s *spec) status() int {
	if s.failure != 0 {
		return s.failure
	}
	return 1
}

// refused is a flag of the contract that this version does not act upon; using it is an error.
type refused struct {
	boolean, used bool
}

func (r *refused) String() string { return "" }

// Set notes the use.
func (r *refused) Set(string) error {
	r.used = true
	return nil
}

// IsBoolFlag lets the flag stand without a value.
func (r *refused) IsBoolFlag() bool { return r.boolean }

// refuse adds boolean flags that are refused by name; a name that ends in "=" takes a value.
func refuse(f *flag.FlagSet, names ...string) {
	for _, n := range names {
		n, value := strings.CutSuffix(n, "=")
		f.Var(&refused{boolean: !value}, n, "Not supported by this version.")
	}
}

func (m *meta) refusedFlag() (err error) {
	m.flags.VisitAll(func(f *flag.Flag) {
		if r, ok := f.Value.(*refused); ok && r.used && err == nil {
			err = fmt.Errorf("-%s is not supported by this version of %s", f.Name, name)
		}
	})
	return err
}

// exactly wants n arguments; what shows them.
func exactly(n int, what string) func(int) string {
	return func(got int) string {
		switch {
		case got == n:
			return ""
		case n == 0:
			return "This command takes no arguments"
		case n == 1:
			return "This command takes one argument: " + what
		}
		return fmt.Sprintf("This command takes %d arguments: %s", n, what)
	}
}

// atMost wants no more than n arguments.
func atMost(n int, what string) func(int) string {
	return func(got int) string {
		if got <= n {
			return ""
		}
		if n == 1 {
			return "This command takes either no arguments or one: " + what
		}
		return fmt.Sprintf("This command takes at most %d arguments: %s", n, what)
	}
}

// atLeast wants n arguments or more.
func atLeast(n int, what string) func(int) string {
	return func(got int) string {
		if got >= n {
			return ""
		}
		return "This command takes at least one argument: " + what
	}
}

// client returns the API client that the general flags describe.
func (m *meta) client() (*client.Client, error) {
	c, err := client.New(client.Config{
		Address: m.address, Region: m.region, Namespace: m.namespace, Token: m.token, HTTPAuth: os.Getenv("NOMAD_HTTP_AUTH"),
		TLS: client.TLSConfig{
			CACert: m.caCert, CAPath: m.caPath, ClientCert: m.clientCert, ClientKey: m.clientKey, ServerName: m.tlsServerName,
			SkipVerify: m.tlsSkipVerify || m.insecure,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("Error initializing client: %w", err) //nolint:staticcheck // the contract's text
	}
	return c, nil
}

// colour is an SGR code.
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
)

// coloured says whether standard output takes colours.
func (m *meta) coloured() bool {
	switch {
	case m.noColor:
		return false
	case m.forceColor:
		return true
	}
	return os.Getenv("NO_COLOR") == "" && m.terminal()
}

// screen is what a terminal is besides a writer.
type screen interface {
	io.Writer
	// Size returns the width and height in characters.
	Size() (width, height int)
}

// size returns the width and height of the terminal that standard output is; ok is false when it is none.
func (m *meta) size() (width, height int, ok bool) {
	switch out := m.out.(type) {
	case screen:
		width, height = out.Size()
		return width, height, true
	case *os.File:
		if !term.IsTerminal(int(out.Fd())) {
			return 0, 0, false
		}
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 80, 24, true
		}
		return width, height, true
	}
	return 0, 0, false
}

// terminal says whether standard output is a terminal.
func (m *meta) terminal() bool {
	_, _, ok := m.size()
	return ok
}

func (m *meta) paint(c colour, s string) string {
	if !m.coloured() {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
