// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	getter "github.com/hashicorp/go-getter/v2"
)

// gitGetter is go-getter's, which finds no other branch or tag than the default branch once a depth is given.
type gitGetter struct{ getter.GitGetter }

// Get implements getter.Getter.
func (g *gitGetter) Get(ctx context.Context, req *getter.Request) error {
	q := req.URL().Query()
	depth, ref := depthOf(q), q.Get("ref")
	if strings.HasPrefix(ref, "-") {
		return fmt.Errorf("option ref: %q is no branch, tag or commit", ref) // git would take it for an option
	}
	if depth == 0 || ref == "" {
		return g.GitGetter.Get(ctx, req)
	}
	forget, err := showKey(q.Get("sshkey"))
	if err != nil {
		return err
	}
	defer forget()
	for _, own := range []string{"depth", "ref", "sshkey"} {
		q.Del(own)
	}
	address := *req.URL()
	address.RawQuery = q.Encode()
	limit := strconv.Itoa(depth)
	if err := git(ctx, "", "clone", "--depth", limit, "--branch", ref, "--", address.String(), req.Dst); err != nil {
		return fmt.Errorf("%w (with depth, ref must be a branch or a tag)", err)
	}
	return git(ctx, req.Dst, "submodule", "update", "--init", "--recursive", "--depth", limit)
}

// GetFile implements getter.Getter.
func (g *gitGetter) GetFile(ctx context.Context, req *getter.Request) error {
	if q := req.URL().Query(); depthOf(q) > 0 && q.Get("ref") != "" {
		q.Del("depth")
		req.URL().RawQuery = q.Encode()
	}
	return g.GitGetter.GetFile(ctx, req)
}

// depthOf returns how many commits are wanted, 0 for all.
func depthOf(q url.Values) int {
	depth, err := strconv.Atoi(q.Get("depth"))
	if err != nil {
		return 0
	}
	return max(depth, 0)
}

// showKey lets the ssh that git starts use a key, until it is forgotten. The environment is that of one download.
func showKey(encoded string) (forget func(), err error) {
	if encoded == "" {
		return func() {}, nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("option sshkey: %w", err)
	}
	file, err := os.CreateTemp("", "key")
	if err != nil {
		return nil, err
	}
	forget = func() { _ = os.Remove(file.Name()) }
	command := os.Getenv("GIT_SSH_COMMAND")
	if command == "" {
		command = "ssh"
	}
	_, err = file.Write(key)
	if err = errors.Join(err, file.Close(), os.Setenv("GIT_SSH_COMMAND", command+" -i '"+file.Name()+"'")); err != nil {
		forget()
		return nil, err
	}
	return forget, nil
}

// git runs a command of git in a directory.
func git(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}
