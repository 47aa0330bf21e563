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
	"golang.org/x/sync/errgroup"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// isolatedTogether is how many isolated allocations one job starts at once.
	isolatedTogether = 20
	// togetherRounds is how often that is measured with containers.
	togetherRounds = 7
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
	// The engine is measured in turns with the agent, so that other work on the machine meets both.
	var alone []time.Duration
	single, err := a.single(ctx, "docker", 0, job, func(int) error {
		d, err := startAlone(ctx, engine, 1)
		alone = append(alone, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	own, _ := median(alone)
	single.Target, single.Detail["engine alone"] = own+overEngine, own
	var engines, agents []time.Duration
	for n := range togetherRounds {
		d, err := startAlone(ctx, engine, isolatedTogether)
		if err != nil {
			return nil, err
		}
		engines = append(engines, d)
		if d, err = a.run(ctx, job(fmt.Sprint("bench-docker-many-", n), isolatedTogether)); err != nil {
			return nil, err
		}
		agents = append(agents, d)
		if err := a.stopJob(ctx, fmt.Sprint("bench-docker-many-", n)); err != nil {
			return nil, err
		}
	}
	many, memory, err := a.many(ctx, "docker", isolatedTogether, job)
	own, _ = median(engines)
	many.Value, _ = median(agents)
	many.Value /= 1000
	many.Target, many.Detail = own/1000*1.1, map[string]float64{"engine alone": own / 1000}
	return []Figure{single, many, memory}, err
}

// startAlone starts containers at once, as the driver does, and removes them. It returns how long the start took.
func startAlone(ctx context.Context, engine *client.Client, count int) (took time.Duration, err error) {
	begin := time.Now()
	ids := make([]string, count)
	var group errgroup.Group
	for n := range count {
		group.Go(func() error {
			created, err := engine.ContainerCreate(ctx, client.ContainerCreateOptions{
				Config:     &container.Config{Image: benchImage, Cmd: []string{"/bin/busybox", "sleep", "3600"}},
				HostConfig: &container.HostConfig{Init: new(true)},
			})
			if err != nil {
				return err
			}
			ids[n] = created.ID
			_, err = engine.ContainerStart(ctx, created.ID, client.ContainerStartOptions{})
			return err
		})
	}
	err = group.Wait()
	took = time.Since(begin)
	for _, id := range ids {
		if id != "" {
			_, e := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
			err = errors.Join(err, e)
		}
	}
	return took, err
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
