// SPDX-License-Identifier: MPL-2.0

package command

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api/client"
)

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
	skip, _ := strconv.ParseBool(os.Getenv("NOMAD_SKIP_VERIFY")) // badEnvironment refuses what is no boolean
	m.flags.BoolVar(&m.tlsSkipVerify, "tls-skip-verify", skip, generalMark+"Do not verify the agent's certificate. Environment: NOMAD_SKIP_VERIFY.")
	m.flags.BoolVar(&m.insecure, "insecure", false, generalMark+"Same as -tls-skip-verify.")
	m.flags.BoolVar(&m.noColor, "no-color", os.Getenv("NOMAD_CLI_NO_COLOR") != "", generalMark+"No colours. Environment: NOMAD_CLI_NO_COLOR.")
	m.flags.BoolVar(&m.forceColor, "force-color", os.Getenv("NOMAD_CLI_FORCE_COLOR") != "", generalMark+"Colours although the output is no terminal. Environment: NOMAD_CLI_FORCE_COLOR.")
}

// badEnvironment refuses variables that cannot mean what was wanted.
func (m *meta) badEnvironment() error {
	if v := os.Getenv("NOMAD_SKIP_VERIFY"); v != "" && m.spec.remote {
		if _, err := strconv.ParseBool(v); err != nil {
			return fmt.Errorf("NOMAD_SKIP_VERIFY is %q: want true or false", v)
		}
	}
	return nil
}

// refused is a flag of the contract that this version does not act upon; using it is an error.
type refused struct {
	boolean, used bool
	// why says what is missing and what to do instead.
	why string
	// accepts are values that may be given all the same, as they ask for nothing that does not happen anyhow; "*" for all.
	accepts []string
}

func (r *refused) String() string { return "" }

// Set notes the use; the last value counts, as with other flags.
func (r *refused) Set(value string) error {
	r.used = !slices.Contains(r.accepts, value) && !r.ignored()
	return nil
}

// IsBoolFlag lets the flag stand without a value.
func (r *refused) IsBoolFlag() bool { return r.boolean }

// ignored says whether the flag is read and changes nothing.
func (r *refused) ignored() bool { return slices.Contains(r.accepts, "*") }

// refuse adds flags that are refused by name with the reason; a name that ends in "=" takes a value.
func refuse(f *flag.FlagSet, why string, names ...string) { refuseBut(f, why, nil, names...) }

// refuseBut is refuse but for some values.
func refuseBut(f *flag.FlagSet, why string, accepts []string, names ...string) {
	for _, n := range names {
		n, value := strings.CutSuffix(n, "=")
		r := &refused{boolean: !value, why: why, accepts: accepts}
		usage := "Not supported: " + why + "."
		if r.ignored() {
			usage = "Read and without effect: " + why + "."
		}
		f.Var(r, n, usage)
	}
}

func (m *meta) refusedFlag() (err error) {
	m.flags.VisitAll(func(f *flag.Flag) {
		if r, ok := f.Value.(*refused); ok && r.used && err == nil {
			err = fmt.Errorf("-%s is not supported by this version of %s: %s", f.Name, name, r.why)
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

// between wants from lo to hi arguments.
func between(lo, hi int, what string) func(int) string {
	return func(got int) string {
		if got >= lo && got <= hi {
			return ""
		}
		return fmt.Sprintf("This command takes %d to %d arguments: %s", lo, hi, what)
	}
}

// atLeast wants n arguments or more.
func atLeast(n int, what string) func(int) string {
	return func(got int) string {
		if got >= n {
			return ""
		}
		if n == 1 {
			return "This command takes at least one argument: " + what
		}
		return fmt.Sprintf("This command takes at least %d arguments: %s", n, what)
	}
}
