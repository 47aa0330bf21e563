// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// actorArgument makes the test binary play a task.
const actorArgument = "actor"

func itoa(n int) string { return strconv.Itoa(n) }

// actor plays one part and does not return.
func actor(part string, args []string) {
	switch part {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "echo":
		fmt.Println(strings.Join(args, " "))
		fmt.Fprintln(os.Stderr, "to stderr")
	case "alternate":
		for i := range 100 {
			fmt.Fprintln([]*os.File{os.Stdout, os.Stderr}[i%2], i)
		}
	case "sleep":
		fmt.Println("ready")
		pause()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("ready")
		pause()
	case "polite":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM, syscall.SIGHUP)
		fmt.Println("ready")
		for sig := range c {
			fmt.Println("got", sig)
			if sig == syscall.SIGTERM {
				os.Exit(7)
			}
		}
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		pause()
	case "env":
		wd, _ := os.Getwd()
		groups, _ := os.Getgroups()
		fmt.Println(os.Getuid(), os.Getgid(), groups, wd, len(os.Environ()), os.Getenv("ACTOR"))
		score, _ := os.ReadFile("/proc/self/oom_score_adj")
		fmt.Println(strings.TrimSpace(string(score)))
		_, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
		fmt.Println("reopen stdout:", err)
	case "print":
		printLines(args)
	case "flood":
		limit, _ := strconv.Atoi(args[0])
		block := []byte(strings.Repeat("0123456789012345678901234567890123456789012345678\n", 64<<10/50))
		for n := 0; n < limit; n += len(block) {
			_, _ = os.Stdout.Write(block)
		}
	case "family":
		family(args)
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "eat":
		fmt.Println("ready")
		var eaten [][]byte
		for range 256 {
			eaten = append(eaten, []byte(strings.Repeat("x", 1<<20)))
		}
		fmt.Println(len(eaten))
	case "tty":
		playTerminal()
	case "plugin":
		playPlugin(args)
	case "pidfile":
		_ = os.WriteFile(args[0], []byte(itoa(os.Getpid())), 0o600)
		pause()
	}
	os.Exit(0)
}

func pause() {
	for {
		_, _ = unix.Select(0, nil, nil, nil, nil)
	}
}

// printLines prints numbered lines until there are as many bytes as asked for,
// and at the end their number.
func printLines(args []string) {
	limit, _ := strconv.Atoi(args[0])
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	written := 0
	for n := 0; written < limit; n++ {
		k, _ := fmt.Fprintf(out, "line %09d %s\n", n, strings.Repeat("x", n%150))
		written += k
	}
	_ = out.Flush()
}

// family starts descendants that do their best to be forgotten, prints their
// numbers, and ends or stays.
func family(args []string) {
	depth, _ := strconv.Atoi(args[0])
	if depth > 0 {
		self, _ := os.Executable()
		cmd := exec.Command(self, actorArgument, "family", itoa(depth-1), "stay")
		cmd.Stdout = os.Stdout
		if depth%2 == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		}
		_ = cmd.Start()
	}
	fmt.Println("pid", os.Getpid())
	if args[1] == "stay" {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		pause()
	}
	// Go only when all are there.
	buf := make([]byte, 1)
	_, _ = os.Stdin.Read(buf)
}

// playTerminal tells what it knows about its terminal, again at each change of
// size, and echoes a line.
func playTerminal() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGWINCH)
	fmt.Println("terminal", size(0), size(1), size(2))
	lines := bufio.NewScanner(os.Stdin)
	go func() {
		for range c {
			fmt.Println("size", size(0))
		}
	}()
	for lines.Scan() {
		fmt.Println("heard", lines.Text())
		if lines.Text() == "quit" {
			os.Exit(3)
		}
	}
	fmt.Println("end of input")
}

// size returns the size of a terminal, or that there is none.
func size(fd int) string {
	ws, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return "none"
	}
	return fmt.Sprintf("%dx%d", ws.Col, ws.Row)
}
