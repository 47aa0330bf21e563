// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"github.com/hashicorp/cli"

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
	// line says that the arguments may hold a command line of somebody else, in which a -h is not for us.
	line bool
	// completes says what the arguments are, one of the complete… constants; flagCompletes the values of flags.
	completes     string
	flagCompletes map[string]string
	// serves says that the command runs until it is told to end. What it prints is a log, whose loss changes nothing.
	serves bool
	// failure is the exit status of errors, 1 when 0.
	failure int
	run     func(ctx context.Context, m *meta, args []string) error
}

// meta is what a running command has at hand.
type meta struct {
	streams
	spec  *spec
	flags *flag.FlagSet
	// input reads standard input until the command is to end.
	input io.Reader
	// answers reads what the user says to questions.
	answers *bufio.Reader

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

// doing wraps an error with the contract's text for what was attempted.
func doing(text string, err error) error { return fmt.Errorf("%s: %w", text, err) }

// complain prints an error that does not end the command by itself.
func (m *meta) complain(format string, args ...any) {
	if out, ok := m.out.(*watchedOutput); ok {
		out.tell(args)
	}
	text := visible(fmt.Sprintf(format, args...))
	if m.coloured() && (m.forceColor || isTerminal(m.err)) {
		text = m.paint(red, text)
	}
	fmt.Fprintln(m.err, text)
}

// factory makes a command of the cli library from a spec maker; each call gets flags of its own.
func factory(s streams, make func() *spec) cli.CommandFactory {
	return func() (cli.Command, error) { return &command{streams: s, spec: make()}, nil }
}

type command struct {
	streams
	spec *spec
}

func (c *command) Synopsis() string { return c.spec.synopsis }

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

// Run runs the command; one whose output was lost, on a full disk, say, has failed.
func (c *command) Run(args []string) int {
	if c.spec.serves || isTerminal(c.out) {
		return c.do(args)
	}
	out := &watchedOutput{Writer: c.out}
	c.out = out
	code := c.do(args)
	if err := out.lost(); err != nil && !out.told {
		fmt.Fprintf(c.err, "Error writing the output: %v\n", err)
		code = c.spec.status()
	}
	return code
}

// do parses the flags, runs the command and turns its error into a message and an exit status.
func (c *command) do(args []string) int {
	m := c.meta()
	err := m.flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) || !c.spec.line && slices.ContainsFunc(args, func(a string) bool { return slices.Contains(helpFlags, a) }) {
		fmt.Fprintln(c.out, c.Help())
		return 0
	}
	if err != nil {
		fmt.Fprintf(c.err, "%v\n%s\n", err, c.Help())
		return c.spec.status()
	}
	if err := m.badEnvironment(); err != nil {
		return m.fail(err)
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
	m.input = &input{ctx: ctx, r: m.in}
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
		m.complain("%v", err)
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
		return nil, doing("Error initializing client", err)
	}
	return c, nil
}
