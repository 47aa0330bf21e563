// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// cloudInit says what the guest is told at its first boot. An addition to the
// contract: the machine has a disc with the label cidata, the NoCloud source of
// cloud-init and its kin. The values are paths of files in the task's directory,
// which templates and artifacts put there.
type cloudInit struct {
	UserData      string `codec:"user_data"`
	MetaData      string `codec:"meta_data"`
	NetworkConfig string `codec:"network_config"`
}

const (
	// seedName is the disc. It lies in the directory of secrets, because what it
	// is made of may be secret.
	seedName  = "cidata.iso"
	seedLabel = "cidata"

	// maxSeedFile bounds each file on it.
	maxSeedFile = 512 << 10
)

// drive is the argument for the disc, on the same kind of bus as the image.
func (c *cloudInit) drive(task *drivers.TaskConfig, o *taskConfig) string {
	bus := "if=virtio"
	if o.DriveInterface == "ide" {
		bus = "if=ide,media=cdrom"
	}
	return "file=" + plain(filepath.Join(task.SecretsDir(), seedName)) + "," + bus + ",format=raw,readonly=on,id=cidata0"
}

// write makes the disc for a user, nil for that of this process.
func (c *cloudInit) write(task *drivers.TaskConfig, user *shim.User) (err error) {
	var files []discFile
	for _, f := range []struct{ name, option, path string }{
		{"meta-data", "meta_data", c.MetaData}, {"network-config", "network_config", c.NetworkConfig}, {"user-data", "user_data", c.UserData},
	} {
		var body []byte
		switch {
		case f.path != "":
			if body, err = readSeedFile(task.TaskDir(), f.path); err != nil {
				return fmt.Errorf("task config: cloud_init: %s: %w", f.option, err)
			}
		case f.name == "meta-data":
			body = metaData(task)
		case f.name == "network-config":
			continue // the guest's own default
		}
		files = append(files, discFile{f.name, body})
	}
	root, err := os.OpenRoot(task.TaskDir())
	if err != nil {
		return err
	}
	defer root.Close()
	secrets := filepath.Base(task.SecretsDir())
	draft, name := path.Join(secrets, "."+seedName+"."+rand.Text()), path.Join(secrets, seedName)
	file, err := root.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the disc of cloud_init: %w", err)
	}
	err = writeDisc(file, seedLabel, time.Now(), files)
	if err == nil && user != nil {
		err = file.Chown(user.UID, user.GID)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = root.Rename(draft, name)
	}
	if err != nil {
		_ = root.Remove(draft)
		return fmt.Errorf("make the disc of cloud_init: %w", err)
	}
	return nil
}

var notInHostName = regexp.MustCompile(`[^a-z0-9]+`)

// metaData is that of a job that gives none: the guest is new with each
// allocation, and the same after a restart.
func metaData(task *drivers.TaskConfig) []byte {
	id, _, _ := strings.Cut(task.AllocID, "-")
	host := strings.Trim(notInHostName.ReplaceAllString(strings.ToLower(task.Name), "-"), "-")
	host = strings.Trim(host[:min(len(host), 40)]+"-"+id, "-")
	return fmt.Appendf(nil, "instance-id: %q\nlocal-hostname: %q\n", task.AllocID, host)
}

// readSeedFile reads a file of the task's directory.
func readSeedFile(taskDir, name string) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q is no path inside the task's directory, such as local/user-data", name)
	}
	file, err := openInside(taskDir, strings.Split(filepath.ToSlash(filepath.Clean(name)), "/"))
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", name)
	}
	body, err := io.ReadAll(io.LimitReader(file, maxSeedFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %q: %w", name, err)
	case len(body) > maxSeedFile:
		return nil, fmt.Errorf("%q is larger than %d KiB", name, maxSeedFile>>10)
	}
	return body, nil
}
