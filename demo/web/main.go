// SPDX-License-Identifier: MPL-2.0

// Command web is the service of the demo: it answers on the port that the orchestrator gave it and tells
// which allocation answered. With addresses as arguments it asks those instead, prints the answers and ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		if err := ask(os.Args[1:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	addr := net.JoinHostPort(os.Getenv("NOMAD_IP_http"), os.Getenv("NOMAD_PORT_http"))
	greeting, version := os.Getenv("GREETING"), os.Getenv("VERSION")
	alloc, index := os.Getenv("NOMAD_SHORT_ALLOC_ID"), os.Getenv("NOMAD_ALLOC_INDEX")

	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok", version) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s from %s", r.Method, r.URL.Path, r.RemoteAddr)
		fmt.Fprintf(w, "%s from version %s, instance %s, allocation %s\n", greeting, version, index, alloc)
	})
	srv := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		log.Print("stopping")
		drain, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		if err := srv.Shutdown(drain); err != nil {
			log.Printf("shutdown: %v", err)
		}
	})
	log.Printf("version %s, instance %s listens on %s", version, index, addr)
	if err := srv.ListenAndServe(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		stop()
		log.Fatal(err) //nolint:gocritic // nothing but stop is left to do
	}
}

// ask prints what each address answers.
func ask(urls []string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	for _, u := range urls {
		res, err := client.Get(u)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
		res.Body.Close()
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s", u, body)
	}
	return nil
}
