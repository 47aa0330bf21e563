// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Removal of an image: tries and the pause between them.
const (
	removeTries = 3
	removePause = 3 * time.Second
)

// images brings images to the engine, once however many tasks want them, and
// takes those away again that it has brought and that nobody uses any more.
type images struct {
	driver *Driver
	ledger ledger
	// recovery and doubtPeriod are the constants of these names, shorter in tests.
	recovery, doubtPeriod time.Duration

	mu struct {
		sync.Mutex
		pulls map[string]*pull
		// users are the tasks and networks that use an image, by its ID.
		users map[string]map[string]bool
		// brought are images that the engine did not have before, with the
		// names that the driver gave them.
		brought map[string]map[string]bool
		// bringing are images that the engine was asked for, by name; doubting says that those are looked for that nobody
		// waits for.
		bringing map[string]*bringing
		doubting bool
		// recovering says that it is not known yet who uses those of an earlier process.
		recovering bool
		// removals are the timers of images without users.
		removals map[string]*time.Timer
	}
}

func newImages(d *Driver) *images {
	i := &images{driver: d, ledger: newLedger(os.Getenv(stateVariable)), recovery: recovery, doubtPeriod: doubtPeriod}
	i.mu.pulls = map[string]*pull{}
	i.mu.users = map[string]map[string]bool{}
	i.mu.brought = map[string]map[string]bool{}
	i.mu.bringing = map[string]*bringing{}
	i.mu.removals = map[string]*time.Timer{}
	return i
}

// image is an image that the engine has.
type image struct {
	id string
	// brought is a name by which the driver has brought it, empty if it has not.
	brought string
	// user is whom its own configuration says to run as.
	user string
}

// wanted is an image that a task wants.
type wanted struct {
	name string
	// always has it looked for in its registry even if the engine has it.
	always bool
	// timeout is how long it may take, setting the name of what says so.
	timeout time.Duration
	setting string
	// auth returns encoded credentials.
	auth func(context.Context, reference.Named) (string, error)
	// archive is a file to load it from, empty if there is none.
	archive string
	// tell passes on what is worth telling of a pull.
	tell func(message string, annotations map[string]string)
}

// imageFor brings the image of a task and counts the task as its user.
func (d *Driver) imageFor(ctx context.Context, config *drivers.TaskConfig, options *taskConfig, plugin *pluginConfig) (*image, error) {
	timeout := plugin.pullTimeout
	if options.ImagePullTimeout != "" {
		timeout, _ = time.ParseDuration(options.ImagePullTimeout) // checked by validate
	}
	want := &wanted{
		name: options.Image, always: options.ForcePull, timeout: timeout, setting: "image_pull_timeout",
		auth: func(ctx context.Context, named reference.Named) (string, error) {
			return authFor(ctx, named, options, plugin)
		},
		tell: func(message string, annotations map[string]string) { d.Emit(config, message, annotations) },
	}
	if options.Load != "" {
		want.archive = options.Load
	}
	return d.images.get(ctx, config.ID, config.LocalDir(), want)
}

// get brings an image and counts the user, so that it stays until release.
func (i *images) get(ctx context.Context, user, dir string, want *wanted) (*image, error) {
	named, err := reference.ParseDockerRef(want.name)
	if err != nil {
		// It may be the ID of an image that the engine has.
		if found, err := i.use(ctx, user, want.name); err == nil {
			return found, nil
		}
		return nil, fmt.Errorf("image %q: %w", want.name, err)
	}
	i.settle(reference.FamiliarString(named))
	always := want.always
	if tagged, ok := named.(reference.Tagged); ok && tagged.Tag() == "latest" {
		if _, pinned := named.(reference.Digested); !pinned && want.archive == "" {
			always = true
		}
	}
	if !always {
		switch found, err := i.use(ctx, user, want.name); {
		case err == nil:
			return found, nil
		case !notFound(err):
			return nil, err
		}
		if want.archive != "" {
			return i.loadFor(ctx, user, dir, named, want)
		}
	}
	return i.pullFor(ctx, user, named, want)
}

// loadFor loads an image from its archive and counts the user.
func (i *images) loadFor(ctx context.Context, user, dir string, named reference.Named, want *wanted) (found *image, err error) {
	before := i.all(ctx)
	name := reference.FamiliarString(named)
	b := i.begin(name, before, want.timeout)
	defer func() { i.end(name, b, found, before) }()
	if err := i.load(ctx, dir, want.archive); err != nil {
		return nil, err
	}
	if found, err = i.use(ctx, user, want.name); err != nil {
		return nil, fmt.Errorf("archive %q does not have image %q: %w", want.archive, want.name, err)
	}
	return found, nil
}

// use counts a user of an image that the engine has.
func (i *images) use(ctx context.Context, user, name string) (*image, error) {
	_, engine := i.driver.settings()
	var result client.ImageInspectResult
	err := again(ctx, func(ctx context.Context) (err error) {
		result, err = engine.ImageInspect(ctx, name)
		return err
	})
	if err != nil {
		return nil, drivers.NewRecoverableError(fmt.Errorf("look for image %q: %w", name, err), unreachable(err))
	}
	found := &image{id: result.ID}
	if result.Config != nil {
		found.user = result.Config.User
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.countLocked(result.ID, user)
	found.brought = i.broughtLocked(result.ID)
	return found, nil
}

// all returns the IDs and the names of the images that the engine has, nil if
// it does not tell.
func (i *images) all(ctx context.Context) map[string]bool {
	_, engine := i.driver.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := engine.ImageList(ctx, client.ImageListOptions{All: true})
	if err != nil {
		return nil
	}
	all := map[string]bool{}
	for _, one := range list.Items {
		all[one.ID] = true
		for _, name := range slices.Concat(one.RepoTags, one.RepoDigests) {
			all[name] = true
		}
	}
	return all
}

func (i *images) countLocked(id, user string) {
	if timer := i.mu.removals[id]; timer != nil {
		timer.Stop()
		delete(i.mu.removals, id)
	}
	if i.mu.users[id] == nil {
		i.mu.users[id] = map[string]bool{}
	}
	i.mu.users[id][user] = true
}

// bringLocked notes that the driver has brought an image, unless the engine had
// it before, by whatever name: only what was surely brought is ever removed.
func (i *images) bringLocked(found *image, name string, before map[string]bool) {
	if before[found.id] && (found.brought == "" || before[name]) {
		return
	}
	found.brought = name
	i.noteLocked(found.id, name)
}

func (i *images) noteLocked(id, name string) {
	if i.mu.brought[id] == nil {
		i.mu.brought[id] = map[string]bool{}
	}
	i.mu.brought[id][name] = true
}

// broughtLocked is a name by which the driver has brought an image, empty if it has not.
func (i *images) broughtLocked(id string) string {
	for name := range i.mu.brought[id] {
		return name
	}
	return ""
}

// resume counts a user again whom an earlier process has counted. The name is
// that by which the driver brought the image, empty if it did not.
func (i *images) resume(id, user, name string) {
	if id == "" {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.countLocked(id, user)
	if name != "" && !i.mu.brought[id][name] {
		i.noteLocked(id, name)
		i.saveLocked()
	}
}

// load loads an archive from the task's local directory.
func (i *images) load(ctx context.Context, dir, name string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("load %q: the archive has to be in the task's local directory", name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("load %q: %w", name, err)
	}
	defer root.Close()
	// An earlier start of the task may have left a pipe there.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("load %q: %w", name, err)
	}
	defer file.Close()
	if st, err := file.Stat(); err != nil || !st.Mode().IsRegular() {
		return fmt.Errorf("load %q: %w", name, errors.Join(err, errNoFile))
	}
	_, engine := i.driver.settings()
	answer, err := engine.ImageLoad(ctx, file, client.ImageLoadWithQuiet(true))
	if err != nil {
		return drivers.NewRecoverableError(fmt.Errorf("load image from %q: %w", name, err), unreachable(err))
	}
	defer answer.Close()
	if err := drainMessages(answer); err != nil {
		return drivers.NewRecoverableError(fmt.Errorf("load image from %q: %w", name, err), unreachable(err))
	}
	return nil
}

// release takes a user away. An image that the driver has brought is removed
// after a while without users.
func (i *images) release(id, user string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	users := i.mu.users[id]
	if !users[user] {
		return
	}
	delete(users, user)
	i.expireLocked(id)
}

// expireLocked has an image removed after a while, if the driver has brought it and nobody uses it.
func (i *images) expireLocked(id string) {
	config, _ := i.driver.settings()
	if len(i.mu.users[id]) > 0 {
		return
	}
	delete(i.mu.users, id)
	if i.mu.recovering {
		return // it is looked at again
	}
	if config.GC.Image && i.mu.brought[id] != nil && i.mu.removals[id] == nil {
		i.mu.removals[id] = time.AfterFunc(config.imageDelay, func() { i.remove(id) })
	}
}

// remove removes an image that has had no user for a while.
func (i *images) remove(id string) {
	for try := 1; ; try++ {
		i.mu.Lock()
		if i.mu.removals[id] == nil {
			i.mu.Unlock()
			return // used again
		}
		names := slices.Sorted(maps.Keys(i.mu.brought[id]))
		i.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		err := i.takeAway(ctx, id, names)
		cancel()
		done := err == nil || notFound(err) || says(err, "conflict", "in use", "being used")
		if !done && try < removeTries {
			time.Sleep(removePause)
			continue
		}
		i.mu.Lock()
		delete(i.mu.removals, id)
		if err == nil || notFound(err) {
			delete(i.mu.brought, id)
			i.saveLocked()
		}
		i.mu.Unlock()
		if err != nil && !notFound(err) {
			i.driver.logger.Warn("image cannot be removed", "image_id", id, "error", err)
		}
		return
	}
}

// takeAway removes the names that the driver gave an image, and the image unless
// others have given it a name, run a container of it or built on it meanwhile.
func (i *images) takeAway(ctx context.Context, id string, names []string) error {
	_, engine := i.driver.settings()
	options := client.ImageRemoveOptions{PruneChildren: true}
	for _, name := range names {
		switch found, err := engine.ImageInspect(ctx, name); {
		case notFound(err), err == nil && found.ID != id:
			continue // the name is gone or that of another image now
		case err != nil:
			return err
		}
		if _, err := engine.ImageRemove(ctx, name, options); err != nil && !notFound(err) {
			return err
		}
	}
	found, err := engine.ImageInspect(ctx, id)
	if err != nil || len(found.RepoTags) > 0 {
		return err
	}
	_, err = engine.ImageRemove(ctx, id, options)
	return err
}
