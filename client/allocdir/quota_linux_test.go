// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// quotaVariable names a directory of a file system with project quotas.
const quotaVariable = "NOMADLIKE_TEST_QUOTA_DIR"

// quotaBoot mounts one, on whatever kernel there is, and runs the test in it.
const quotaBoot = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin ` + quotaVariable + `=/mnt
mkdir /proc /mnt /tmp
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for m in loop quota_tree quota_v2; do insmod /$m.ko; done
mount -o loop,prjquota /image /mnt && /allocdir.test -test.v -test.run TestQuota
poweroff -f
`

// TestQuota checks that an allocation takes no more disk than it is granted. It runs in a machine of its own, since the
// file system and the kernel of this one may lack quotas.
func TestQuota(t *testing.T) {
	if dir := os.Getenv(quotaVariable); dir != "" {
		testQuota(t, dir)
		return
	}
	testkit.Need(t, "go", "mkfs.ext4")
	kernel, modules := testkit.Kernel(t, "drivers/block/loop.ko", "fs/quota/quota_tree.ko", "fs/quota/quota_v2.ko")
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.CommandContext(ctx, name, args...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	image, program, root := filepath.Join(dir, "image"), filepath.Join(dir, "allocdir.test"), filepath.Join(dir, "root")
	run("truncate", "-s", "24M", image)
	run("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", image)
	run("go", "test", "-c", "-ldflags", "-s -w", "-o", program, ".")
	if err := os.WriteFile(root, testkit.Initramfs(t, quotaBoot, append(modules, image, program)...), 0o600); err != nil {
		t.Fatal(err)
	}
	out := run("qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot",
		"-kernel", kernel, "-initrd", root, "-append", "console=ttyS0 quiet panic=-1")
	if !strings.Contains(out, "--- PASS: TestQuota") {
		t.Errorf("the machine said:\n%s", out)
	}
}

func testQuota(t *testing.T, base string) {
	// The administrator has a project here, which is left as it is.
	const admin = 7
	base = filepath.Join(base, "alloc")
	if err := os.Mkdir(base, 0o711); err != nil {
		t.Fatal(err)
	}
	outer, err := os.OpenRoot(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := assign(outer, admin); err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(base, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	const one, two = "11111111-bd7f-3b9c-47d2-f2d8a714cc74", "22222222-bd7f-3b9c-47d2-f2d8a714cc74"
	create := func(id string) *Dir {
		t.Helper()
		d, err := root.Create(id, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.BuildTask("web", 0); err != nil {
			t.Fatal(err)
		}
		return d
	}
	// The kernel lets those who may overstep limits (CAP_SYS_RESOURCE) do so, which tasks may not as a rule.
	fill := func(d *Dir, name string, fits bool) {
		t.Helper()
		c := exec.Command("/bin/busybox", "dd", "if=/dev/zero", "of="+filepath.Join(d.Path(), name), "bs=1k", "count=1500")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := c.CombinedOutput()
		if full := strings.Contains(strings.ToLower(string(out)), "quota exceeded"); (err == nil) != fits || full == fits {
			t.Errorf("writing %s, which fits is %t: %v\n%s", name, fits, err, out)
		}
	}
	a := create(one)
	fill(a, "alloc/data/first", true)
	fill(a, "web/local/second", false)
	if err := os.Remove(filepath.Join(a.Path(), "web/local/second")); err != nil {
		t.Fatal(err)
	}
	a = create(one) // as the next agent does
	fill(a, "alloc/logs/third", false)
	if err := os.Remove(filepath.Join(a.Path(), "alloc/logs/third")); err != nil {
		t.Fatal(err)
	}

	// Data that goes on to the next allocation counts there.
	b := create(two)
	if err := os.Symlink("/etc", filepath.Join(a.Path(), "alloc/data/link")); err != nil {
		t.Fatal(err)
	}
	if err := b.Take(a, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	fill(a, "alloc/tmp/fourth", true)
	fill(b, "web/local/fifth", false)

	project := root.project(two)
	if quota, err := root.quotas.get(project); err != nil || project < 1<<24 || quota.hardKiB != 2048 {
		t.Errorf("project %d has %+v, %v", project, quota, err)
	}
	_ = b.Close()
	if err := root.Destroy(two); err != nil {
		t.Fatal(err)
	}
	if quota, err := root.quotas.get(admin); err != nil || quota.hardKiB != 0 || quota.bytes == 0 {
		t.Errorf("the administrator's project has %+v, %v", quota, err)
	}
	if quota, err := root.quotas.get(project); err == nil && (quota.hardKiB != 0 || quota.bytes != 0) {
		t.Errorf("project %d has %+v after its end", project, quota)
	}
}
