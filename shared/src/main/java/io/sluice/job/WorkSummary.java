package io.sluice.job;

/**
 * What a worker did for a job.
 *
 * @param job the job when it was over
 * @param done steps whose outcome counted
 * @param failed steps that threw
 * @param discarded steps whose lease was lost
 */
public record WorkSummary(Job job, int done, int failed, int discarded) {}
