// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// BareFlag is the flag of the bench command that makes it the server of ServeBare.
const BareFlag = "bare"

// ServeBare serves net/http and nothing else at the address until the process is ended: /bytes?n= answers so many, /wait does
// so after the next /wake. What it takes on a machine is what the machine, the client and net/http take of a figure. /taken
// waits likewise but is answered past net/http: one goroutine writes the same bytes to all connections, and less than that
// no server can do.
func ServeBare(addr string) error {
	var mu sync.Mutex
	wake := make(chan struct{})
	var taken []net.Conn
	current := func() chan struct{} {
		mu.Lock()
		defer mu.Unlock()
		return wake
	}
	http.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-current():
			sendBytes(w, r)
		case <-r.Context().Done():
		}
	})
	var answer []byte
	http.HandleFunc("/taken", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		taken = append(taken, conn)
		answer = append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n), bytes.Repeat([]byte{'x'}, n)...)
	})
	http.HandleFunc("/wake", func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		close(wake)
		wake = make(chan struct{})
		for _, conn := range taken {
			conn.Write(answer) //nolint:errcheck // the reader is gone
		}
		taken = nil
	})
	http.HandleFunc("/bytes", sendBytes)
	return http.ListenAndServe(addr, nil)
}

func sendBytes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n < 0 {
		http.Error(w, "n is no number of bytes", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(n))
	w.Write(bytes.Repeat([]byte{'x'}, n)) //nolint:errcheck // the reader is gone
}

// startBare starts ServeBare in a process of its own and returns its address.
func startBare(ctx context.Context) (addr string, stop func(), err error) {
	free, err := freePorts(1)
	if err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	addr = fmt.Sprintf("127.0.0.1:%d", free[0])
	cmd := exec.CommandContext(ctx, self, "-"+BareFlag, addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill() // it has nothing to finish
		_ = cmd.Wait()
	}
	for deadline := time.Now().Add(startTimeout); ; {
		l, err := dial(ctx, addr)
		if err == nil {
			_, err = l.get("/bytes?n=1")
			l.close()
		}
		if err == nil {
			return addr, stop, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			stop()
			return "", nil, fmt.Errorf("bare server did not start: %w", err)
		}
		settle(ctx, 10*time.Millisecond)
	}
}
