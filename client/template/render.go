// SPDX-License-Identifier: MPL-2.0

package template

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"syscall"
	"time"

	ct "github.com/hashicorp/consul-template/template"
	"github.com/hashicorp/go-envparse"

	"github.com/nomadlike/nomadlike/api"
)

// rendering is one template and how far it is.
type rendering struct {
	conf *api.Template
	tmpl *ct.Template
	// text is its source, watched what is executed for that.
	text    string
	watched *watched
	dest    place
	// name is the destination, for texts.
	name     string
	mode     fs.FileMode
	uid, gid int
	// least and most are how long changes settle.
	least, most time.Duration

	// dirty says that it is to be rendered, since when and from when on.
	dirty       bool
	since, from time.Time
	// rendered says that it was rendered once, finished that it will not be again.
	rendered, finished bool
	// uses are the keys of the sources it used last, missing those that it had to do without.
	uses, missing map[string]bool
	// env are its variables, if it is an environment.
	env map[string]string
	// held is why its last contents could not be written, until they are.
	held string
	// digest is that of what it has rendered, heard what the running task has heard of, empty if that is not known.
	digest, heard string
}

func (m *Manager) newRendering(t *api.Template) (*rendering, error) {
	r := &rendering{conf: t, dirty: true, name: m.cfg.Replace(t.DestPath), uid: -1, gid: -1}
	var err error
	if r.dest, err = m.place(r.name); err != nil {
		return nil, fmt.Errorf("destination %q: %w", r.name, err)
	}
	perms, err := strconv.ParseUint(t.Perms, 8, 12)
	if err != nil && t.Perms != "" {
		return nil, fmt.Errorf("perms %q: %w", t.Perms, err)
	}
	// A file of root whose text a job decides must not run as root for whoever has an account on the machine.
	r.mode = fs.FileMode(perms) & fs.ModePerm
	if t.Perms == "" {
		r.mode = 0o644
	}
	r.uid, r.gid = api.Or(t.Uid, -1), api.Or(t.Gid, -1)
	var job Wait
	if t.Wait != nil {
		job = Wait{Min: t.Wait.Min, Max: t.Wait.Max}
	}
	r.least, r.most = m.cfg.Client.settle(job)
	text := t.EmbeddedTmpl
	if t.SourcePath != "" {
		source := m.cfg.Replace(t.SourcePath)
		place, err := m.place(source)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", source, err)
		}
		data, _, err := place.ReadFile(maxFile)
		if err != nil {
			return nil, fmt.Errorf("source %q: %w", source, m.sandboxed(source, err))
		}
		text = string(data)
	}
	if text == "" {
		text = t.LeftDelim + `""` + t.RightDelim // an empty source is an empty file
	}
	trees, err := parseText(text, t.LeftDelim, t.RightDelim)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	r.text, r.watched = text, watch(text, t.LeftDelim, t.RightDelim, trees)
	r.tmpl, err = ct.NewTemplate(&ct.NewTemplateInput{
		Contents: r.watched.text, LeftDelim: t.LeftDelim, RightDelim: t.RightDelim, ErrMissingKey: t.ErrMissingKey, ErrFatal: true,
		ExtFuncMap: m.functions(r.watched.names),
	})
	return r, err
}

// changed notes that something the template used has changed.
func (r *rendering) changed(now time.Time) {
	if r.finished {
		return
	}
	if !r.rendered {
		r.dirty = true // what is not there yet does not wait
		return
	}
	if !r.dirty {
		r.dirty, r.since = true, now
	}
	r.from = now.Add(r.least)
	if last := r.since.Add(r.most); last.Before(r.from) {
		r.from = last
	}
}

// due is how long rendering is to wait still.
func (r *rendering) due(now time.Time) time.Duration {
	if !r.rendered {
		return 0
	}
	return r.from.Sub(now)
}

// render executes a template and writes its file, unless data is missing. An error is for good.
func (m *Manager) render(ctx context.Context, r *rendering, first bool) error {
	m.used, m.missing, m.mistaken = map[string]bool{}, map[string]bool{}, false
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	*m.guard = guard{ctx: ctx, ends: time.Now().Add(m.longest)}
	m.scratch = &scratch{guard: m.guard}
	result, err := r.tmpl.Execute(&ct.ExecuteInput{Brain: ct.NewBrain()})
	r.uses, r.missing = m.used, m.missing
	switch {
	case m.guard.err == nil && err == nil && len(result.Output) > maxOutput:
		m.guard.err = errOutput
		fallthrough
	case m.guard.err != nil:
		return &Error{err: fmt.Errorf("%s: %w", r.name, m.guard.err)}
	case err != nil:
		err = errors.New(r.watched.explain(r.text, err.Error()))
	}
	// An error may only come from stumbling over data that is not there yet.
	if err != nil && (len(m.missing) == 0 || m.mistaken) {
		return &Error{err: fmt.Errorf("%s: %w", r.name, err)}
	}
	r.dirty = false
	if len(m.missing) > 0 {
		return nil
	}
	env := r.env
	if r.conf.Envvars {
		if env, err = envparse.Parse(bytes.NewReader(result.Output)); err != nil {
			return &Error{err: fmt.Errorf("%s: the result is no list of variables: %w", r.name, err)}
		}
	}
	wrote, err := m.write(r, result.Output)
	if err != nil && r.rendered && isFull(err) {
		m.hold(r, err)
		return nil
	}
	if err != nil {
		return &Error{err: err, Again: true}
	}
	r.rendered, r.env, r.held = true, env, ""
	if r.conf.Once {
		r.finished, r.uses = true, nil
	}
	sum := sha256.Sum256(result.Output)
	r.digest = hex.EncodeToString(sum[:])
	unheard := first && m.cfg.Running && r.heard != "" && r.heard != r.digest
	if wrote && (!first || m.cfg.Running) || unheard {
		m.pending[r] = true
	}
	m.publish()
	return nil
}

// write brings the file to the result; wrote is false if it was so already.
func (m *Manager) write(r *rendering, data []byte) (wrote bool, err error) {
	old, info, err := r.dest.ReadFile(int64(len(data)) + 1)
	if err == nil && bytes.Equal(old, data) && info.Mode()&^fs.ModeType == r.mode && owns(info, r.uid, r.gid) {
		if there, err := r.dest.Stat(); err == nil && there.Mode().IsRegular() {
			return false, nil
		}
	}
	if err := r.dest.WriteFile(data, r.mode, r.uid, r.gid); err != nil {
		return false, err
	}
	return true, nil
}

// fullInterval is how long a file waits for room on its disk.
const fullInterval = 5 * time.Second

// hold leaves a file as it is for now: the task has it, and can go on with that until the disk has room again.
func (m *Manager) hold(r *rendering, err error) {
	r.dirty, r.from = true, time.Now().Add(fullInterval)
	r.since = r.from
	if text := err.Error(); text != r.held {
		r.held = text
		m.cfg.Logger.Warn("a template is not written, trying again", "task", m.cfg.Task, "error", err)
		m.cfg.Unwritten(err)
	}
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// publish joins the variables of all templates, the last one winning, and the digests.
func (m *Manager) publish() {
	env := map[string]string{}
	var rendered []string
	for _, r := range m.list {
		maps.Copy(env, r.env)
		rendered = append(rendered, r.digest)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.env, m.mu.rendered = env, rendered
}

// Describe returns the error as tasks show it, without the words of the layers below.
func Describe(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		err = e.err
	}
	return "Template failed: " + err.Error()
}
