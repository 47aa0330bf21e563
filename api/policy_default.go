// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// defaultUpdate returns the update block of service and system groups that have none.
func defaultUpdate() *UpdateStrategy {
	return &UpdateStrategy{
		Stagger:          Ptr(30 * time.Second),
		MaxParallel:      new(1),
		HealthCheck:      HealthChecks,
		MinHealthyTime:   Ptr(10 * time.Second),
		HealthyDeadline:  Ptr(5 * time.Minute),
		ProgressDeadline: Ptr(10 * time.Minute),
		AutoRevert:       new(false),
		AutoPromote:      new(false),
		Canary:           new(0),
	}
}

// defaultRestart returns the restart policy of a job type.
func defaultRestart(jobType string) *RestartPolicy {
	p := &RestartPolicy{
		Attempts: new(2), Interval: Ptr(30 * time.Minute), Delay: Ptr(15 * time.Second),
		Mode: RestartModeFail, RenderTemplates: new(false),
	}
	if jobType == JobTypeBatch || jobType == JobTypeSysBatch {
		p.Attempts, p.Interval = new(3), Ptr(24*time.Hour)
	}
	return p
}

// defaultReschedule returns the reschedule policy of a job type, nil for the types that have none.
func defaultReschedule(jobType string) *ReschedulePolicy {
	switch jobType {
	case JobTypeService:
		return &ReschedulePolicy{
			Attempts: new(0), Interval: Ptr(time.Duration(0)), Delay: Ptr(30 * time.Second),
			DelayFunction: DelayExponential, MaxDelay: Ptr(time.Hour), Unlimited: new(true),
		}
	case JobTypeBatch:
		return &ReschedulePolicy{
			Attempts: new(1), Interval: Ptr(24 * time.Hour), Delay: Ptr(5 * time.Second),
			DelayFunction: DelayConstant, MaxDelay: Ptr(time.Duration(0)), Unlimited: new(false),
		}
	}
	return nil
}

// defaultMigrate returns the migrate block of service groups that have none.
func defaultMigrate() *Migrate {
	return &Migrate{
		MaxParallel: new(1), HealthCheck: HealthChecks,
		MinHealthyTime: Ptr(10 * time.Second), HealthyDeadline: Ptr(5 * time.Minute),
	}
}
