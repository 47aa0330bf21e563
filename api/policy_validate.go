// SPDX-License-Identifier: MPL-2.0

package api

import "time"

func (u *UpdateStrategy) validate(c *checker) {
	if u == nil {
		return
	}
	minHealthy, healthy, progress := Val(u.MinHealthyTime), Val(u.HealthyDeadline), Val(u.ProgressDeadline)
	c.oneOf("update.health_check", u.HealthCheck, HealthChecks, HealthTaskStates, HealthManual)
	c.check(Val(u.MaxParallel) >= 0, "update.max_parallel", "Max parallel can not be less than zero: %d < 0", Val(u.MaxParallel))
	c.check(Val(u.Canary) >= 0, "update.canary", "Canary count can not be less than zero: %d < 0", Val(u.Canary))
	c.check(Val(u.Canary) != 0 || !Val(u.AutoPromote), "update.auto_promote", "Auto Promote requires a Canary count greater than zero")
	c.check(minHealthy >= 0, "update.min_healthy_time", "Minimum healthy time may not be less than zero: %v", minHealthy)
	c.check(healthy > 0, "update.healthy_deadline", "Healthy deadline must be greater than zero: %v", healthy)
	c.check(progress >= 0, "update.progress_deadline", "Progress deadline must be zero or greater: %v", progress)
	c.check(minHealthy < healthy || healthy <= 0, "update.min_healthy_time",
		"Minimum healthy time must be less than healthy deadline: %v >= %v", minHealthy, healthy)
	c.check(progress <= 0 || healthy < progress, "update.healthy_deadline",
		"Healthy deadline must be less than progress deadline: %v >= %v", healthy, progress)
	c.check(Val(u.Stagger) > 0, "update.stagger", "Stagger must be greater than zero: %v", Val(u.Stagger))
}

func (p *RestartPolicy) validate(c *checker) {
	if p == nil {
		return
	}
	attempts, interval, delay := p.AttemptsOrDefault(), p.IntervalOrDefault(), p.DelayOrDefault()
	c.oneOf("restart.mode", p.Mode, RestartModeDelay, RestartModeFail)
	c.check(attempts >= 0, "restart.attempts", "Restart attempts can not be less than zero: %d", attempts)
	c.check(delay >= 0, "restart.delay", "Restart delay can not be less than zero: %v", delay)
	c.check(attempts != 0 || p.Mode != RestartModeDelay, "restart.mode",
		"Restart policy %q with %d attempts is ambiguous", p.Mode, attempts)
	c.check(interval >= 5*time.Second, "restart.interval", "Interval can not be less than 5s (got %v)", interval)
	// A division keeps absurd attempts from overflowing the product.
	if attempts > 0 && delay > 0 && delay > interval/time.Duration(attempts) {
		c.failf("restart", "Nomad can't restart the TaskGroup %d times in an interval of %v with a delay of %v", attempts, interval, delay)
	}
}

// minRescheduleInterval is the shortest window of a limited reschedule policy, minRescheduleDelay the
// shortest delay of any.
const (
	minRescheduleInterval = 15 * time.Second
	minRescheduleDelay    = 5 * time.Second
)

func (p *ReschedulePolicy) validate(c *checker) {
	if !p.Enabled() {
		return
	}
	attempts, interval, delay, maxDelay := p.AttemptsOrDefault(), p.IntervalOrDefault(), p.DelayOrDefault(), p.MaxDelayOrDefault()
	unlimited := p.UnlimitedAttempts()
	known := c.oneOf("reschedule.delay_function", p.DelayFunction, DelayConstant, DelayExponential, DelayFibonacci)
	c.check(attempts >= 0, "reschedule.attempts", "Reschedule attempts can not be less than zero: %d", attempts)
	if attempts > 0 && unlimited {
		c.failf("reschedule", "Reschedule Policy with Attempts = %d, and Unlimited = true is ambiguous; set unlimited = false to limit the attempts, or attempts = 0 not to", attempts)
	}
	fits := delay >= minRescheduleDelay
	c.check(fits, "reschedule.delay", "Delay cannot be less than %v (got %v)", minRescheduleDelay, delay)
	if known && p.DelayFunction != DelayConstant {
		c.check(maxDelay >= minRescheduleDelay, "reschedule.max_delay", "Max Delay cannot be less than %v (got %v)", minRescheduleDelay, maxDelay)
		c.check(maxDelay >= delay, "reschedule.max_delay", "Max Delay cannot be less than Delay %v (got %v)", delay, maxDelay)
		fits = fits && maxDelay >= delay
	}
	if unlimited || attempts <= 0 {
		return
	}
	switch {
	case interval == 0:
		c.failf("reschedule.interval", "Interval must be a non zero value if Attempts > 0")
	case interval < minRescheduleInterval:
		c.failf("reschedule.interval", "Interval cannot be less than %v (got %v)", minRescheduleInterval, interval)
	case known && fits:
		p.validateFeasible(c, attempts, interval)
	}
}

// maxFeasibility bounds the simulation of delays; more attempts than that are not told apart.
const maxFeasibility = 100000

// validateFeasible checks that the attempts with their delays fit into the interval.
func (p *ReschedulePolicy) validateFeasible(c *checker, attempts int, interval time.Duration) {
	if attempts > maxFeasibility {
		c.failf("reschedule.attempts", "Reschedule attempts cannot exceed %d (got %d)", maxFeasibility, attempts)
		return
	}
	var total, previous time.Duration
	delay := p.DelayOrDefault()
	feasible, last := 0, delay
	for i := range attempts {
		next := delay
		switch {
		case i == 0:
		case p.DelayFunction == DelayExponential:
			next = last * 2
		case p.DelayFunction == DelayFibonacci && i > 1:
			next = last + previous
		}
		if p.DelayFunction != DelayConstant {
			next = min(next, p.MaxDelayOrDefault())
		}
		previous, last = last, next
		if total > 1<<62-next { // more than a century
			total = 1 << 62
			break
		}
		total += next
		if total <= interval {
			feasible++
		}
	}
	c.check(feasible == attempts, "reschedule.interval",
		"Only %d of %d attempts fit into the interval %v with initial delay %v and delay function %q; set the interval to at least %v",
		feasible, attempts, interval, delay, p.DelayFunction, total.Round(time.Second))
}

func (m *Migrate) validate(c *checker) {
	if m == nil {
		return
	}
	minHealthy, deadline := Val(m.MinHealthyTime), Val(m.HealthyDeadline)
	c.check(Val(m.MaxParallel) >= 0, "migrate.max_parallel", "MaxParallel must be >= 0 but found %d", Val(m.MaxParallel))
	c.oneOf("migrate.health_check", m.HealthCheck, HealthChecks, HealthTaskStates)
	c.check(minHealthy >= 0, "migrate.min_healthy_time", "MinHealthyTime is %v and must be >= 0", minHealthy)
	c.check(deadline >= 0, "migrate.healthy_deadline", "HealthyDeadline is %v and must be >= 0", deadline)
	c.check(minHealthy <= deadline, "migrate.min_healthy_time", "MinHealthyTime must be less than HealthyDeadline")
}
