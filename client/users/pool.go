// SPDX-License-Identifier: MPL-2.0

// Package users lends numbers of users to tasks of drivers that run each task as a user of its own (drivers.md 10.3).
// Nothing is written to the user database: the number is all there is. The package knows nothing of tasks.
package users

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// prefix begins the names of lent users, which end with their number.
const prefix = "nomad-"

// ErrExhausted says that all numbers are lent.
var ErrExhausted = errors.New("all dynamic users are in use; raise client.users.dynamic_user_max")

// Pool lends the numbers between two, both included. Its methods may be called from anywhere.
type Pool struct {
	min, max int

	mu   sync.Mutex
	lent map[int]bool
	next int
}

// NewPool returns a pool of which nothing is lent.
func NewPool(low, high int) *Pool { return &Pool{min: low, max: high, lent: map[int]bool{}, next: low} }

// Lend returns a number that nobody has, which is that of the group too. A number that was given back is lent again as
// late as can be.
func (p *Pool) Lend() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.max - p.min + 1 {
		id := p.next
		if p.next++; p.next > p.max {
			p.next = p.min
		}
		if !p.lent[id] {
			p.lent[id] = true
			return id, nil
		}
	}
	return 0, ErrExhausted
}

// Claim takes a number that an earlier agent has lent.
func (p *Pool) Claim(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent[id] = true
}

// Return gives a number back.
func (p *Pool) Return(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lent, id)
}

// Name is what drivers are told of a lent number.
func Name(id int) string { return prefix + strconv.Itoa(id) }

// Parse returns the number of a name that Name made.
func Parse(name string) (int, error) {
	digits, ok := strings.CutPrefix(name, prefix)
	id, err := strconv.Atoi(digits)
	if !ok || err != nil || Name(id) != name {
		return 0, fmt.Errorf("%q is not the name of a dynamic user", name)
	}
	return id, nil
}
