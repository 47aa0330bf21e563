// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// defaultUpdate returns the update block of service and system groups that have none.
func defaultUpdate() *UpdateStrategy {
	return &UpdateStrategy{
		Stagger:          new(30 * time.Second),
		MaxParallel:      new(1),
		HealthCheck:      HealthChecks,
		MinHealthyTime:   new(10 * time.Second),
		HealthyDeadline:  new(5 * time.Minute),
		ProgressDeadline: new(10 * time.Minute),
		AutoRevert:       new(false),
		AutoPromote:      new(false),
		Canary:           new(0),
	}
}

// defaultRestart returns the restart policy of a job type.
func defaultRestart(jobType string) *RestartPolicy {
	p := &RestartPolicy{
		Attempts: new(2), Interval: new(30 * time.Minute), Delay: new(15 * time.Second),
		Mode: RestartModeFail, RenderTemplates: new(false),
	}
	if jobType == JobTypeBatch || jobType == JobTypeSysBatch {
		p.Attempts, p.Interval = new(3), new(24*time.Hour)
	}
	return p
}

// defaultReschedule returns the reschedule policy of a job type, nil for the types that have none.
func defaultReschedule(jobType string) *ReschedulePolicy {
	switch jobType {
	case JobTypeService:
		return &ReschedulePolicy{
			Attempts: new(0), Interval: new(time.Duration(0)), Delay: new(30 * time.Second),
			DelayFunction: DelayExponential, MaxDelay: new(time.Hour), Unlimited: new(true),
		}
	case JobTypeBatch:
		return &ReschedulePolicy{
			Attempts: new(1), Interval: new(24 * time.Hour), Delay: new(5 * time.Second),
			DelayFunction: DelayConstant, MaxDelay: new(time.Duration(0)), Unlimited: new(false),
		}
	}
	return nil
}

// defaultMigrate returns the migrate block of service groups that have none.
func defaultMigrate() *Migrate {
	return &Migrate{
		MaxParallel: new(1), HealthCheck: HealthChecks,
		MinHealthyTime: new(10 * time.Second), HealthyDeadline: new(5 * time.Minute),
	}
}
