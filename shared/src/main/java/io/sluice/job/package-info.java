/**
 * Jobs, their tasks and leases, and the workers that execute them, without a coordinator: whoever
 * holds a lease does the step, whoever completes the last task commits, and a step whose holder
 * died is claimed by somebody else.
 *
 * <p>Every method of {@link io.sluice.job.JobStore}, {@link io.sluice.job.WorkerRegistry} and
 * {@link io.sluice.job.ShardPins} blocks and throws {@link io.sluice.job.JobException}; kind
 * TRANSIENT means that what lies behind could not be reached and the same call may succeed later.
 */
package io.sluice.job;
