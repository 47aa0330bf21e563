// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

func gossipGenerateCommand() *spec {
	return &spec{
		usage: "operator gossip keyring generate", synopsis: "Make a gossip encryption key",
		long: "Prints a new random key for the agent's \"encrypt\" option.\n\nExample:\n\n    $ nomadlike operator gossip keyring generate",
		run: func(_ context.Context, m *meta, _ []string) error {
			key := make([]byte, 32)
			rand.Read(key) //nolint:errcheck // never fails
			fmt.Fprintln(m.out, base64.StdEncoding.EncodeToString(key))
			return nil
		},
	}
}

func gossipListCommand() *spec {
	return &spec{
		usage: "operator gossip keyring list [options]", synopsis: "List the gossip encryption keys", remote: true,
		long: "Lists the keys that the servers can read gossip with.\n\nExample:\n\n    $ nomadlike operator gossip keyring list",
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, _ []string) error {
			fmt.Fprintln(m.out, "Gathering installed encryption keys...")
			resp, _, err := api.AgentKeyringList.Call(ctx, c, &api.AgentWriteRequest{})
			if err := keyringError(resp, err); err != nil {
				return err
			}
			rows := [][]string{{"Key"}}
			for _, k := range sortedKeys(resp.Keys) {
				rows = append(rows, []string{k})
			}
			fmt.Fprintln(m.out, columns(rows))
			return nil
		}),
	}
}

// keyringError is what went wrong with a change of keys, on any server.
func keyringError(resp *api.KeyringResponse, err error) error {
	if err != nil {
		return doing("error", err)
	}
	for _, node := range sortedKeys(resp.Messages) {
		if text := resp.Messages[node]; text != "" {
			return fmt.Errorf("error: %s: %s", node, text)
		}
	}
	return nil
}

func gossipInstallCommand() *spec {
	return gossipKeyCommand("install", "Give every server another gossip encryption key",
		"Gives every server a key that it can read gossip with from now on.", "Installing new gossip encryption key...", api.AgentKeyringInstall)
}

func gossipUseCommand() *spec {
	return gossipKeyCommand("use", "Encrypt gossip with another key",
		"Makes every server encrypt gossip with the key, which must be installed.", "Changing primary gossip encryption key...", api.AgentKeyringUse)
}

func gossipRemoveCommand() *spec {
	return gossipKeyCommand("remove", "Remove a gossip encryption key",
		"Makes every server forget the key, which must not be the one that encrypts.", "Removing gossip encryption key...", api.AgentKeyringRemove)
}

func gossipKeyCommand(verb, synopsis, long, doingIt string, op *api.Op[api.AgentKeyringRequest, *api.KeyringResponse]) *spec {
	return &spec{
		usage: "operator gossip keyring " + verb + " [options] <key>", synopsis: synopsis, remote: true, args: exactly(1, "<key>"),
		long: long + "\n\nExample:\n\n    $ nomadlike operator gossip keyring " + verb + " bnXvzkPnpAHVZKVqTqS0gFnhUZHCJYv4MkEeUq3cUQA=",
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			if raw, err := base64.StdEncoding.DecodeString(args[0]); err != nil || len(raw) != 16 && len(raw) != 24 && len(raw) != 32 {
				return usageError("The key must be 16, 24 or 32 bytes in base64; \"operator gossip keyring generate\" makes one")
			}
			fmt.Fprintln(m.out, doingIt)
			resp, _, err := op.Call(ctx, c, &api.AgentKeyringRequest{Key: args[0]})
			return keyringError(resp, err)
		}),
	}
}
