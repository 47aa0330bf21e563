// SPDX-License-Identifier: MPL-2.0

package process

import (
	"bytes"
	"strings"
)

// maxLine is how long a line of a plugin may become. go-plugin stops reading at one of 64 KiB, so that the plugin would
// wait for ever once the pipe is full.
const maxLine = 32 << 10

// wantsTLS is what takes the place of a handshake that has a certificate. go-plugin crashes on one that it did not ask for.
const wantsTLS = "the plugin wants TLS (AutoMTLS), which this kind of plugin does not use: its host did not ask for it"

// certificateField is where a handshake has a certificate, which is longer than leastCertificate; see go-plugin.
const (
	certificateField = 5
	leastCertificate = 50
)

// stdoutPipe is the standard output of a plugin in such a form that go-plugin can bear it.
type stdoutPipe struct {
	outputPipe
	// begun says that the line of the handshake has been read, head is what has been read and not handed on.
	begun bool
	head  []byte
	// column is how long the line is that is being read.
	column int
}

// Read implements io.Reader.
func (p *stdoutPipe) Read(data []byte) (int, error) {
	if !p.begun {
		p.begun = true
		if err := p.handshake(); err != nil && len(p.head) == 0 {
			return 0, err
		}
	}
	switch {
	case len(data) == 0:
		return 0, nil
	case len(p.head) > 0:
		n := copy(data, p.head)
		p.head = p.head[n:]
		p.pass(data[:n])
		return n, nil
	case p.column >= maxLine:
		data[0], p.column = '\n', 0
		return 1, nil
	}
	n, err := p.outputPipe.Read(data[:min(len(data), maxLine-p.column)])
	p.pass(data[:n])
	return n, err
}

// pass counts what is handed on.
func (p *stdoutPipe) pass(data []byte) {
	if at := bytes.LastIndexByte(data, '\n'); at >= 0 {
		p.column, data = 0, data[at+1:]
	}
	p.column += len(data)
}

// handshake reads the first line.
func (p *stdoutPipe) handshake() error {
	for {
		var buf [4 << 10]byte
		n, err := p.outputPipe.Read(buf[:])
		p.head = append(p.head, buf[:n]...)
		line, rest, whole := bytes.Cut(p.head, []byte("\n"))
		switch {
		case !whole && err == nil && len(p.head) < maxLine:
			continue
		case !whole:
			return err
		}
		if fields := strings.Split(string(line), "|"); len(fields) > certificateField && len(fields[certificateField]) > leastCertificate {
			p.head = append([]byte(wantsTLS+"\n"), rest...)
		}
		return nil
	}
}
