// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// isolatedTogether is how many isolated allocations one job starts at once.
	isolatedTogether = 20
	// benchImage is an image of busybox that the benchmark makes.
	benchImage = "nomadlike-bench/busybox:1"
	// overEngine is how much longer than the engine alone a container may take, in milliseconds.
	overEngine = 50
)

// isolated measures the drivers that isolate tasks, as far as the machine has what they need.
func (a *agent) isolated(ctx context.Context) (figures []Figure, err error) {
	if os.Geteuid() == 0 {
		job := func(id string, count int) *api.Job {
			return sleeper(id, count, "exec", map[string]any{"command": "/bin/sleep", "args": []any{"3600"}, "pid_mode": "host"})
		}
		single, err := a.single(ctx, "exec", 100, job)
		if err != nil {
			return figures, err
		}
		many, memory, err := a.many(ctx, "exec", isolatedTogether, job)
		if err != nil {
			return figures, err
		}
		figures = append(figures, single, many, memory)
	}
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return figures, nil //nolint:nilerr // no engine, no figure
	}
	defer engine.Close()
	if _, err := engine.Ping(ctx, client.PingOptions{}); err != nil {
		return figures, nil //nolint:nilerr // no engine, no figure
	}
	docker, err := a.docker(ctx, engine)
	return append(figures, docker...), err
}

// docker measures containers against what the engine takes by itself.
func (a *agent) docker(ctx context.Context, engine *client.Client) ([]Figure, error) {
	if err := importBusybox(ctx, engine); err != nil {
		return nil, err
	}
	job := func(id string, count int) *api.Job {
		j := sleeper(id, count, "docker", map[string]any{
			"image": benchImage, "command": "/bin/busybox", "args": []any{"sleep", "3600"}, "init": true,
		})
		j.TaskGroups[0].Tasks[0].KillTimeout = new(time.Second)
		return j
	}
	var alone []time.Duration
	for n := range starts {
		d, err := startAlone(ctx, engine, fmt.Sprintf("nomadlike-bench-%d", n))
		if err != nil {
			return nil, err
		}
		alone = append(alone, d)
	}
	own, _ := median(alone)
	single, err := a.single(ctx, "docker", own+overEngine, job)
	if err != nil {
		return nil, err
	}
	single.Detail["engine alone"] = own
	begin := time.Now()
	for n := range isolatedTogether {
		if _, err := startAlone(ctx, engine, fmt.Sprintf("nomadlike-bench-many-%d", n)); err != nil {
			return nil, err
		}
	}
	together := time.Since(begin).Seconds()
	many, memory, err := a.many(ctx, "docker", isolatedTogether, job)
	many.Target = together * 1.1
	many.Detail = map[string]float64{"engine alone, one by one, with removal": together}
	return []Figure{single, many, memory}, err
}

// startAlone starts a container as the driver does, and removes it. It returns how long the start took.
func startAlone(ctx context.Context, engine *client.Client, name string) (took time.Duration, err error) {
	begin := time.Now()
	created, err := engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name:       name,
		Config:     &container.Config{Image: benchImage, Cmd: []string{"/bin/busybox", "sleep", "3600"}},
		HostConfig: &container.HostConfig{Init: new(true)},
	})
	if err != nil {
		return 0, err
	}
	defer func() {
		_, e := engine.ContainerRemove(ctx, created.ID, client.ContainerRemoveOptions{Force: true})
		err = errors.Join(err, e)
	}()
	if _, err := engine.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		return 0, err
	}
	return time.Since(begin), nil
}

// importBusybox makes the image.
func importBusybox(ctx context.Context, engine *client.Client) error {
	program, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("make an image: %w", err)
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/busybox", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return err
	}
	_, err = w.Write(program)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	answer, err := engine.ImageImport(ctx, client.ImageImportSource{Source: &root, SourceName: "-"}, benchImage, client.ImageImportOptions{})
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}
