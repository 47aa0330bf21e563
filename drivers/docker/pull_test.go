// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// TestPull checks that tasks share a pull, that each hears of it, that
// credentials are used, and that the image is removed after its last user.
func TestPull(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.user, r.password = "anna", "secret"
	w := newWorld(t, drivertest.Config{"gc": []any{map[string]any{"image_delay": "1ms"}}})
	t.Cleanup(func() {
		_, _ = w.engine.ImageRemove(context.Background(), r.image(), client.ImageRemoveOptions{Force: true})
	})
	events, err := w.driver.TaskEvents(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	options := drivertest.Config{"image": r.image(), "command": "sleep", "args": []any{"60"}}
	if _, _, err := w.driver.StartTask(w.ctx, w.task(options)); err == nil || !strings.Contains(err.Error(), "Failed to pull") {
		t.Errorf("without credentials: %v", err)
	}
	<-events
	options["auth"] = []any{map[string]any{"username": "anna", "password": "secret"}}
	var tasks []*drivers.TaskConfig
	var starting sync.WaitGroup
	for range 3 {
		task := w.task(options)
		tasks = append(tasks, task)
		starting.Go(func() {
			if _, _, err := w.driver.StartTask(w.ctx, task); err != nil {
				t.Error(err)
			}
		})
	}
	told := map[string]bool{}
	for range tasks {
		e := <-events
		if e.Message != "Downloading image" || e.Annotations["image"] != r.image() {
			t.Errorf("event is %+v", e)
		}
		told[e.TaskID] = true
	}
	close(r.hold)
	starting.Wait()
	if len(told) != len(tasks) || r.pulls.Load() != 1 {
		t.Errorf("%d tasks were told, the layer was asked for %d times", len(told), r.pulls.Load())
	}
	for i, task := range tasks {
		if err := w.driver.DestroyTask(w.ctx, task.ID, true); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := w.engine.ImageInspect(w.ctx, r.image()); err != nil {
				t.Errorf("image in use: %v", err)
			}
		}
	}
	await(t, "the removal of the image", func() bool {
		_, err := w.engine.ImageInspect(w.ctx, r.image())
		return notFound(err)
	})
}

// TestPullOfTheImpatient checks that a task which waits for a pull that another has begun has its own time for it.
func TestPullOfTheImpatient(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	w := newWorld(t, drivertest.Config{"gc": []any{map[string]any{"image_delay": "1ms"}}})
	t.Cleanup(func() { w.dropImages(r.image()) })
	start := func(limit string) <-chan error {
		task := w.task(drivertest.Config{"image": r.image(), "image_pull_timeout": limit})
		ended := make(chan error, 1)
		go func() {
			_, _, err := w.driver.StartTask(w.ctx, task)
			ended <- err
		}()
		return ended
	}
	impatient := start("2s")
	await(t, "the pull", func() bool { return r.pulls.Load() > 0 })
	patient := start("1h")
	if err := <-impatient; err == nil || !strings.Contains(err.Error(), "longer than 2s (image_pull_timeout)") || !drivers.IsRecoverable(err) {
		t.Errorf("the impatient task: %v", err)
	}
	close(r.hold)
	if err := <-patient; err != nil {
		t.Errorf("the patient task: %v", err)
	}
}

// TestPullForNetworks checks that the image of network containers has a time of its own, by its own name.
func TestPullForNetworks(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	defer close(r.hold)
	w := newWorld(t, drivertest.Config{"infra_image": r.image(), "infra_image_pull_timeout": "10ms"})
	t.Cleanup(func() { w.dropImages(r.image()) })
	_, _, err := w.driver.CreateNetwork(w.ctx, "00000000-0000-4000-a000-000000000000", nil)
	if err == nil || !strings.Contains(err.Error(), "longer than 10ms (infra_image_pull_timeout)") {
		t.Error(err)
	}
}
