// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// TestCredentials looks for those of an image in the task, the file and the helpers, in this order.
func TestCredentials(t *testing.T) {
	const (
		anna   = `"YW5uYTpzZWNyZXQ="` // anna:secret
		helper = `#!/bin/sh
read server
case $server in
reg.test:5000) echo '{"ServerURL":"reg.test:5000","Username":"helped","Secret":"s:1"}' ;;
token.test) echo '{"Username":"<token>","Secret":"t"}' ;;
half.test) echo '{"Username":"half"}' ;;
https://index.docker.io/v1/) echo '{"Username":"public","Secret":"p"}' ;;
locked.test) echo "backend is locked" >&2; exit 3 ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac
`
	)
	testkit.Need(t, "linux")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for name, tc := range map[string]struct {
		image, file, helper, user string
		want, err                 string
	}{
		"none":                  {},
		"task before file":      {user: "own", file: `{"auths": {"reg.test:5000": {"auth": ` + anna + `}}}`, want: "own:pw"},
		"file":                  {file: `{"auths": {"reg.test:5000": {"auth": ` + anna + `}}}`, want: "anna:secret"},
		"file, spelled out":     {file: `{"auths": {"https://reg.test:5000/v2/": {"username": "u", "password": "p"}}}`, want: "u:p"},
		"file, another port":    {file: `{"auths": {"reg.test": {"auth": ` + anna + `}}}`},
		"file, public registry": {image: "redis:7", file: `{"auths": {"https://index.docker.io/v1/": {"auth": ` + anna + `}}}`, want: "anna:secret"},
		"file, token":           {file: `{"auths": {"reg.test:5000": {"identitytoken": "t"}}}`, want: "token t"},
		"file before helper":    {file: `{"auths": {"reg.test:5000": {"auth": ` + anna + `}}}`, helper: "test", want: "anna:secret"},
		"file without it":       {file: `{"auths": {"other.test": {"auth": ` + anna + `}}}`, helper: "test", want: "helped:s:1"},
		"file that logged in":   {file: `{"auths": {"reg.test:5000": {}}, "credsStore": "test"}`, want: "helped:s:1"},
		"file's helper":         {file: `{"credHelpers": {"reg.test:5000": "test"}, "credsStore": "missing"}`, want: "helped:s:1"},
		"file's store":          {file: `{"credHelpers": {"other.test": "missing"}, "credsStore": "test"}`, want: "helped:s:1"},
		"file, bad entry":       {file: `{"auths": {"reg.test:5000": {"auth": "!"}}}`, err: "not base64 of user:password"},
		"file, no JSON":         {file: `auths`, err: "invalid character"},
		"helper":                {helper: "test", want: "helped:s:1"},
		"helper, public":        {image: "library/redis", helper: "test", want: "public:p"},
		"helper, token":         {image: "token.test/box", helper: "test", want: "token t"},
		"helper without it":     {image: "other.test/box", helper: "test"},
		"helper, half":          {image: "half.test/box", helper: "test", err: "without a user or without a secret"},
		"helper, failing":       {image: "locked.test/box", helper: "test", err: "docker-credential-test: exit status 3: backend is locked"},
		"helper, missing":       {helper: "missing", err: "executable file not found"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.image == "" {
				tc.image = "reg.test:5000/things/box:1"
			}
			named, err := reference.ParseDockerRef(tc.image)
			if err != nil {
				t.Fatal(err)
			}
			var plugin pluginConfig
			plugin.Auth.Helper = tc.helper
			if tc.file != "" {
				plugin.Auth.Config = filepath.Join(t.TempDir(), "config.json")
				if err := os.WriteFile(plugin.Auth.Config, []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var task taskConfig
			if tc.user != "" {
				task.Auth.Username, task.Auth.Password = tc.user, "pw"
			}
			auth, err := findAuth(t.Context(), reference.Domain(named), &task, &plugin)
			got := ""
			switch {
			case auth == nil:
			case auth.IdentityToken != "":
				got = "token " + auth.IdentityToken
			default:
				got = auth.Username + ":" + auth.Password
			}
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%q, %v, want %q, %q", got, err, tc.want, tc.err)
			}
			task.AuthSoftFail = true
			if _, err := authFor(t.Context(), named, &task, &plugin); err != nil {
				t.Errorf("softly: %v", err)
			}
		})
	}
}
