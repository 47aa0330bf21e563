// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Enabled reports whether failed allocations are rescheduled at all: attempts > 0 or unlimited.
func (p *ReschedulePolicy) Enabled() bool {
	return p != nil && (Val(p.Attempts) > 0 || Val(p.Unlimited))
}

// UnlimitedAttempts reports whether attempts and interval do not matter.
func (p *ReschedulePolicy) UnlimitedAttempts() bool { return p != nil && Val(p.Unlimited) }

// AttemptsOrDefault returns the tries per interval, 0 when unset.
func (p *ReschedulePolicy) AttemptsOrDefault() int {
	if p == nil {
		return 0
	}
	return Val(p.Attempts)
}

// IntervalOrDefault returns the window of the attempts, 0 when unset.
func (p *ReschedulePolicy) IntervalOrDefault() time.Duration {
	if p == nil {
		return 0
	}
	return Val(p.Interval)
}

// DelayOrDefault returns the first delay, 0 when unset.
func (p *ReschedulePolicy) DelayOrDefault() time.Duration {
	if p == nil {
		return 0
	}
	return Val(p.Delay)
}

// MaxDelayOrDefault returns the upper bound of the delays, 0 when unset.
func (p *ReschedulePolicy) MaxDelayOrDefault() time.Duration {
	if p == nil {
		return 0
	}
	return Val(p.MaxDelay)
}

// AttemptsOrDefault returns the restarts per interval, 0 when unset.
func (p *RestartPolicy) AttemptsOrDefault() int {
	if p == nil {
		return 0
	}
	return Val(p.Attempts)
}

// IntervalOrDefault returns the window of the attempts, 0 when unset.
func (p *RestartPolicy) IntervalOrDefault() time.Duration {
	if p == nil {
		return 0
	}
	return Val(p.Interval)
}

// DelayOrDefault returns the wait before a restart, 0 when unset.
func (p *RestartPolicy) DelayOrDefault() time.Duration {
	if p == nil {
		return 0
	}
	return Val(p.Delay)
}

// IsEmpty reports whether updates of the group are not rolled: no block, or max_parallel 0.
func (u *UpdateStrategy) IsEmpty() bool { return u == nil || Or(u.MaxParallel, 1) == 0 }

// MaxParallelOrDefault returns how many allocations update at a time, 0 when updates are not rolled.
func (u *UpdateStrategy) MaxParallelOrDefault() int {
	if u == nil {
		return 0
	}
	return Or(u.MaxParallel, 1)
}

// CanaryOrDefault returns the number of canaries, 0 when unset.
func (u *UpdateStrategy) CanaryOrDefault() int {
	if u == nil {
		return 0
	}
	return Val(u.Canary)
}

// MinHealthyTimeOrDefault returns how long an allocation is healthy before it counts, 10s when unset.
func (u *UpdateStrategy) MinHealthyTimeOrDefault() time.Duration {
	if u == nil {
		return 10 * time.Second
	}
	return Or(u.MinHealthyTime, 10*time.Second)
}

// HealthyDeadlineOrDefault returns when an allocation must be healthy, 5m when unset.
func (u *UpdateStrategy) HealthyDeadlineOrDefault() time.Duration {
	if u == nil {
		return 5 * time.Minute
	}
	return Or(u.HealthyDeadline, 5*time.Minute)
}

// ProgressDeadlineOrDefault returns when a group must have progressed, 10m when unset.
func (u *UpdateStrategy) ProgressDeadlineOrDefault() time.Duration {
	if u == nil {
		return 10 * time.Minute
	}
	return Or(u.ProgressDeadline, 10*time.Minute)
}

// MaxParallelOrDefault returns how many allocations migrate at a time, 1 when unset.
func (m *Migrate) MaxParallelOrDefault() int {
	if m == nil {
		return 1
	}
	return Or(m.MaxParallel, 1)
}

// WeightOrDefault returns the weight, 50 when unset.
func (a *Affinity) WeightOrDefault() int {
	if a == nil {
		return 0
	}
	return Or(a.Weight, DefaultWeight)
}

// WeightOrDefault returns the weight, 50 when unset.
func (s *Spread) WeightOrDefault() int {
	if s == nil {
		return 0
	}
	return Or(s.Weight, DefaultWeight)
}
